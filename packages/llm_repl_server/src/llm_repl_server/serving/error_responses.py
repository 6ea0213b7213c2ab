"""What is answered, before any application sees it, to what is no good request."""

from __future__ import annotations

import json
import ssl
from http import HTTPStatus
from typing import NamedTuple

from werkzeug.exceptions import RequestTimeout

from llm_repl_server.compat.gunicorn import errors

__all__ = ["INTERNAL_ERROR", "REQUEST_TIMEOUT", "ErrorResponse", "error_response_for"]


class ErrorResponse(NamedTuple):
    """A status, a code for programs and a sentence, which repeats nothing of what the client sent."""

    status: HTTPStatus
    code: str
    message: str

    def encode(self) -> bytes:
        """The whole answer, for a connection that is closed after it."""
        body = json.dumps({"error": self.message, "code": self.code}).encode()
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            "Connection: close\r\n"
            "Content-Type: application/json\r\n"
            "Cache-Control: no-store\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body


INTERNAL_ERROR = ErrorResponse(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal_error",
    "The server failed at this request; its log says why.",
)
REQUEST_TIMEOUT = ErrorResponse(
    HTTPStatus.REQUEST_TIMEOUT,
    "request_timeout",
    "The request did not arrive in time; send it again, in one go.",
)
_MALFORMED = ErrorResponse(
    HTTPStatus.BAD_REQUEST, "invalid", "This is not a well-formed HTTP/1.1 request."
)
# The first that fits counts.
_BY_ERROR: tuple[tuple[type[Exception], ErrorResponse], ...] = (
    # The server's own headers, which gunicorn counts among the requests'.
    (errors.InvalidResponseHeader, INTERNAL_ERROR),
    (errors.InvalidResponseHeaderName, INTERNAL_ERROR),
    (errors.ConfigurationProblem, INTERNAL_ERROR),
    (RequestTimeout, REQUEST_TIMEOUT),
    (
        errors.LimitRequestLine,
        ErrorResponse(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            "request_uri_too_long",
            "The request's address is too long; send long values in the body.",
        ),
    ),
    (
        errors.LimitRequestHeaders,
        ErrorResponse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "request_header_fields_too_large",
            "The request's headers are too many or too long; send long values in the body.",
        ),
    ),
    (
        errors.ExpectationFailed,
        ErrorResponse(
            HTTPStatus.EXPECTATION_FAILED,
            "expectation_failed",
            "The Expect header asks for something other than 100-continue; leave it out.",
        ),
    ),
    (
        errors.UnsupportedTransferCoding,
        ErrorResponse(
            HTTPStatus.BAD_REQUEST,
            "invalid",
            "The Transfer-Encoding is none that is taken here; send the body plain or chunked.",
        ),
    ),
    (errors.ParseException, _MALFORMED),
    (ssl.SSLError, _MALFORMED),
)


def error_response_for(error: Exception) -> ErrorResponse:
    """What a client is answered for an error of gunicorn's; `INTERNAL_ERROR` where it is not the client's."""
    return next(
        (response for kind, response in _BY_ERROR if isinstance(error, kind)), INTERNAL_ERROR
    )
