"""The HTTP client under the SDK, which gets over connections that a server has let go.

A connection is kept for the next request, and the server closes it when it likes: some while the
next request is on its way, of which they take no notice then. That is no failure of anybody's, and
the request is sent again. Importing this file imports the SDK, which takes long.
"""

from __future__ import annotations

from typing import Any, Final

import openai

__all__ = ["HttpClient"]

_CLOSED: Final = frozenset({"RemoteProtocolError", "ReadError", "WriteError"})
"""Names of errors, since the SDK has used more than one HTTP library."""


class HttpClient(openai.DefaultAsyncHttpxClient):
    """Sends a request again where a kept connection turned out to be closed.

    That is done once, on a connection of its own, and only where nothing of an answer had come. A
    redirect is not followed: it would carry the prompt, and other headers than the SDK's own,
    elsewhere.
    """

    def __init__(self) -> None:
        super().__init__(follow_redirects=False)
        self._unpooled: Any = None

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request as the HTTP library does; see its own documentation."""
        course = _Course()
        request.extensions = {**request.extensions, "trace": course.note}
        try:
            return await super().send(request, **options)
        except Exception as error:
            if not (course.is_on_kept_connection and _is_closed(error)):
                raise
        return await self._client_without_pool().send(request, **options)

    async def aclose(self) -> None:
        """Close all that is open."""
        await super().aclose()
        if self._unpooled is not None:
            await self._unpooled.aclose()

    def _client_without_pool(self) -> Any:
        # Made when it is needed: its certificates take a while to read. Of the pool's other
        # connections, the server may have let go each.
        if self._unpooled is None:
            limits = openai.DEFAULT_CONNECTION_LIMITS
            self._unpooled = openai.DefaultAsyncHttpxClient(
                follow_redirects=False,
                limits=type(limits)(
                    max_connections=limits.max_connections, max_keepalive_connections=0
                ),
            )
        return self._unpooled


class _Course:
    """What the HTTP library tells of the course of a request."""

    def __init__(self) -> None:
        self._has_connected = False
        self._has_answer = False

    async def note(self, event: str, _details: dict[str, Any]) -> None:
        """Take in an event, such as `http11.receive_response_headers.complete`."""
        _, _, step = event.partition(".")
        if step.startswith("connect_"):
            self._has_connected = True
        elif step == "receive_response_headers.complete":
            self._has_answer = True

    @property
    def is_on_kept_connection(self) -> bool:
        """Whether it went out on a connection of before, and no head of an answer has come."""
        return not self._has_connected and not self._has_answer


def _is_closed(error: BaseException) -> bool:
    return any(base.__name__ in _CLOSED for base in type(error).__mro__)
