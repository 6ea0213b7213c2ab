"""What the test server is told to answer, and what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeAlias

import msgspec
from msgspec import Struct, field

from llm_repl_core.providers.base import Attachment, ToolCall
from llm_repl_core.testing._openai_documents import (
    attachments_in,
    completion,
    cut_at_words,
    events,
    last_user_text,
    tool_call_deltas,
)

__all__ = ["ReceivedRequest", "Reply", "Script"]


class Reply(Struct, frozen=True, kw_only=True):
    """How the server answers one request.

    Attributes:
        text: The answer; None: the last user message, or nothing beside ``tool_calls``.
        pieces: The answer as its events cut it, in place of ``text``; None: a word an event.
        echo: The answer is the JSON that the request holds under this name, such as
            ``response_format``.
        tool_calls: What it asks to have called, after the text, in pieces as OpenAI sends them.
        deltas: The deltas of the events as they are, in place of all of the above.
        finish_reason: The last event's; None: no event has one. With ``tool_calls``, ``stop`` stands
            for ``tool_calls``.
        done: Whether ``[DONE]`` comes last.
        endless: The answer begins again after its last piece, until the client leaves.
        delay_s: Before the first byte.
        delay_per_piece_s: Before each piece.
        status: The HTTP status; from 300 on, ``error`` is sent.
        error: What is sent under ``error``; None: a sentence made from the status.
        headers: To be sent as well, or in place of the server's own.
        body: The body as it is, in place of everything above but ``status`` and ``headers``.
        cut_bytes: The body goes out in portions of so many bytes; None: an event a portion.
        break_after: After so many portions, the connection is closed.
        stall_before_head: Not even the head comes until the client leaves.
        stall_after: After so many portions, nothing comes until the client leaves; 0: after the
            head.
        hang_up: The connection is closed without an answer.
    """

    text: str | None = None
    pieces: tuple[str, ...] | None = None
    echo: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    deltas: tuple[dict[str, Any], ...] | None = None
    finish_reason: str | None = "stop"
    done: bool = True
    endless: bool = False
    delay_s: float = 0.0
    delay_per_piece_s: float = 0.0
    status: int = 200
    error: dict[str, Any] | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut_bytes: int | None = None
    break_after: int | None = None
    stall_before_head: bool = False
    stall_after: int | None = None
    hang_up: bool = False

    @classmethod
    def rate_limited(cls, retry_after_s: float) -> Self:
        """The answer 429, which asks to wait."""
        return cls(status=429, headers={"Retry-After": f"{retry_after_s:g}"})

    def portions(self, request: dict[str, Any]) -> Iterable[bytes]:
        """The body in portions.

        Args:
            request: The JSON document that is answered.
        """
        if self.body is not None:
            portions: Iterable[bytes] = [self.body]
        elif self.status >= 300:
            error = self.error if self.error is not None else {"message": f"Status {self.status}."}
            portions = [msgspec.json.encode({"error": error})]
        else:
            portions = self._answer(request)
        if self.cut_bytes is None:
            return portions
        data, size = b"".join(portions), self.cut_bytes
        return [data[start : start + size] for start in range(0, len(data), size)]

    def _answer(self, request: dict[str, Any]) -> Iterable[bytes]:
        pieces = self._pieces(request)
        text = "".join(pieces)
        finish_reason = self.finish_reason
        if self.tool_calls and finish_reason == "stop":
            finish_reason = "tool_calls"
        if not request.get("stream"):
            return [msgspec.json.encode(completion(request, text, self.tool_calls, finish_reason))]
        deltas = self.deltas
        if deltas is None:
            told = ({"content": piece} for piece in pieces)
            deltas = (*told, *tool_call_deltas(self.tool_calls))
        return events(request, deltas, text, finish_reason, endless=self.endless, done=self.done)

    def _pieces(self, request: dict[str, Any]) -> tuple[str, ...]:
        if self.deltas is not None:
            return ()
        if self.pieces is not None:
            return self.pieces
        if self.echo:
            return cut_at_words(msgspec.json.encode(request.get(self.echo)).decode())
        if self.text is not None:
            return cut_at_words(self.text)
        return () if self.tool_calls else cut_at_words(last_user_text(request))


class ReceivedRequest(Struct, kw_only=True):
    """A request as it came. Times are on the clock of `time.monotonic`.

    Attributes:
        method: ``POST``.
        path: With the query: ``/v1/chat/completions``.
        headers: By lower-case name.
        body: The JSON document, or None.
        received_at_s: When it was complete.
        disconnected_at_s: When the client left before the answer was complete.
        disconnected: Is set when it does.
        closed_at_s: When the connection that it came by was closed, whoever closed it. A client
            that leaves an answer which is on its way as a whole is seen by this alone.
        closed: Is set when it is.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    received_at_s: float
    disconnected_at_s: float | None = None
    disconnected: threading.Event = field(default_factory=threading.Event)
    closed_at_s: float | None = None
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def prompt(self) -> str:
        """What the last user message says."""
        return last_user_text(self.body)

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The pictures, sounds and files that came with the messages, decoded."""
        return attachments_in(self.body)


Script: TypeAlias = Reply | Callable[[ReceivedRequest], Reply]
"""A reply, or what makes one from the request, in the server's thread."""
