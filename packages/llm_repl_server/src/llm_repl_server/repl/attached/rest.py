"""Requests to a server, with what it refuses as this package's own errors."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from llm_repl_core.errors import (
    Conflict,
    EngineClosed,
    Forbidden,
    InvalidInput,
    LLMReplError,
    NotFound,
    TooLarge,
    Unauthenticated,
)

__all__ = ["Rest", "ServerUnreachable"]

T = TypeVar("T")


class ServerUnreachable(LLMReplError):
    """The server that has the notebook does not answer."""

    code = "server_unreachable"


_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_ERROR_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
_ERRORS: dict[int, type[LLMReplError]] = {
    400: InvalidInput,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    413: TooLarge,
}


class Rest:
    """A server's REST API. Used by any thread.

    Args:
        base: The server's address.
        token: What it asks for; None: nothing.
    """

    def __init__(self, base: str, token: str | None = None) -> None:
        self.base = base
        self.token = token
        self._client = httpx.Client(
            base_url=f"{base}/api/",
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
            # A proxy knows another machine by this one's loopback address.
            trust_env=not _is_loopback(base),
        )

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request, and read the JSON of its answer.

        Args:
            method: ``GET`` and the like.
            path: Behind ``/api/``.
            body: JSON values; None: it has no body.
            headers: Further ones.
            query: What stands behind the question mark.

        Raises:
            ServerUnreachable: Nobody answers.
            LLMReplError: It is refused; the text is the server's.
        """
        content = None if body is None else msgspec.json.encode(body)
        sent = dict(headers or {})
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            response = self._client.request(
                method, path, content=content, headers=sent, params=query
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None
        document = _json_of(response)
        if response.is_success and document is not None:
            return document
        if isinstance(document, dict) and isinstance(document.get("error"), str):
            raise _refusal(response.status_code, document)
        raise ServerUnreachable(
            f"What answers at {self.base} is no LLM-REPL server: {method} /api/{path} gave "
            f"{response.status_code}."
        )

    def ask_for(self, kind: type[T], method: str, path: str, body: Any = None) -> T:
        """Send a request, and read its answer as a type.

        Raises:
            ServerUnreachable: As for `ask`, or the answer is not of this type.
            LLMReplError: As for `ask`.
        """
        document = self.ask(method, path, body)
        try:
            return msgspec.convert(document, kind, strict=False)
        except msgspec.ValidationError as error:
            raise ServerUnreachable(
                f"The server at {self.base} is of another version: {method} /api/{path} gave an "
                f"answer that is not understood ({error})."
            ) from None

    def download(self, path: str) -> bytes:
        """What is at a path, as it is.

        Raises:
            ServerUnreachable: Nobody answers.
            LLMReplError: It is refused.
        """
        try:
            response = self._client.get(path)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        if response.is_success:
            return response.content
        document = _json_of(response)
        refused = document if isinstance(document, dict) else {}
        said = {"error": f"The server answered {response.status_code}."}
        raise _refusal(response.status_code, said | refused)

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        reason = _ERROR_NUMBER.sub("", str(error).strip()).rstrip(".") or type(error).__name__
        hint = " `llm-repl serve` starts one." if isinstance(error, httpx.ConnectError) else ""
        return ServerUnreachable(f"The server at {self.base} does not answer: {reason}.{hint}")

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()


def _refusal(status: int, document: Mapping[str, Any]) -> LLMReplError:
    # One that stops is as good as gone, and comes back perhaps.
    is_stopping = document.get("code") == EngineClosed.code
    kind = ServerUnreachable if is_stopping else _ERRORS.get(status, LLMReplError)
    return kind(str(document["error"]))


def _json_of(response: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return None


def _is_loopback(base: str) -> bool:
    host = httpx.URL(base).host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
