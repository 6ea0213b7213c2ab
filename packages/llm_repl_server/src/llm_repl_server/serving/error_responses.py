"""What is answered, before any application sees it, to what is no good request."""

from __future__ import annotations

import json
import ssl
from http import HTTPStatus
from typing import NamedTuple

from gunicorn.http import errors
from werkzeug.exceptions import RequestTimeout

__all__ = ["DEFECT", "OVERDUE", "Refusal", "refusal_of"]


class Refusal(NamedTuple):
    """A status, a machine's word and a sentence, which repeats nothing of what the client sent."""

    status: HTTPStatus
    code: str
    sentence: str

    def response(self) -> bytes:
        """The whole answer, for a connection that is closed after it."""
        body = json.dumps({"error": self.sentence, "code": self.code}).encode()
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            "Connection: close\r\n"
            "Content-Type: application/json\r\n"
            "Cache-Control: no-store\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body


DEFECT = Refusal(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal_error",
    "The server failed at this request; its log says why.",
)
OVERDUE = Refusal(
    HTTPStatus.REQUEST_TIMEOUT,
    "request_timeout",
    "The request did not arrive in time; send it again, in one go.",
)
_MALFORMED = Refusal(
    HTTPStatus.BAD_REQUEST, "invalid", "This is not a well-formed HTTP/1.1 request."
)
# The first that fits counts.
_REFUSALS: tuple[tuple[type[Exception], Refusal], ...] = (
    # The server's own headers, which gunicorn counts among the requests'.
    (errors.InvalidResponseHeader, DEFECT),
    (errors.InvalidResponseHeaderName, DEFECT),
    (errors.ConfigurationProblem, DEFECT),
    (RequestTimeout, OVERDUE),
    (
        errors.LimitRequestLine,
        Refusal(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            "request_uri_too_long",
            "The request's address is too long; send long values in the body.",
        ),
    ),
    (
        errors.LimitRequestHeaders,
        Refusal(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "request_header_fields_too_large",
            "The request's headers are too many or too long; send long values in the body.",
        ),
    ),
    (
        errors.ExpectationFailed,
        Refusal(
            HTTPStatus.EXPECTATION_FAILED,
            "expectation_failed",
            "The Expect header asks for something other than 100-continue; leave it out.",
        ),
    ),
    (
        errors.UnsupportedTransferCoding,
        Refusal(
            HTTPStatus.BAD_REQUEST,
            "invalid",
            "The Transfer-Encoding is none that is taken here; send the body plain or chunked.",
        ),
    ),
    (errors.ParseException, _MALFORMED),
    (ssl.SSLError, _MALFORMED),
)


def refusal_of(error: Exception) -> Refusal:
    """What a client is answered for an error of gunicorn's; `DEFECT` where it is not the client's."""
    return next((refusal for kind, refusal in _REFUSALS if isinstance(error, kind)), DEFECT)
