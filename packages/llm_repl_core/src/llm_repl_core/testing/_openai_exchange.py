"""What the test server is told to answer, and what it was asked."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeAlias

import msgspec
from msgspec import Struct, field

from llm_repl_core.providers.base import Attachment, ToolCall
from llm_repl_core.testing import _openai_chat, _openai_responses, _openai_responses_input
from llm_repl_core.testing._openai_chat import cut_at_words

__all__ = ["ReceivedRequest", "Reply", "Script"]


class Reply(Struct, frozen=True, kw_only=True):
    """How the server answers one request.

    Attributes:
        text: The answer; None: the last user message, or nothing beside ``tool_calls``.
        pieces: The answer as its events cut it, in place of ``text``; None: a word an event.
        echo: The answer is the JSON that the request holds under this name, such as
            ``response_format``.
        reasoning: What the model thinks first: ``reasoning_content``, or an item with a summary,
            and encrypted where that is asked for.
        refusal: Why it does not answer, in place of the text.
        citations: Sources of the text, as the annotations ``url_citation`` of Responses have them.
        image: A PNG that it makes, before the text.
        logprobs: Whether each piece comes with its log probability; it is -0.5 for all.
        items: Further items of the output, as they are, before the text; for Responses alone.
        tool_calls: What it asks to have called, after the text, in pieces as OpenAI sends them.
        deltas: The deltas of the events as they are, in place of all of the above.
        usage: What is counted, in the API's own words; None: the words of the request and answer.
        service_tier: By which terms it says that it serves; None: it does not say.
        finish_reason: The last event's; None: no event has one. With ``tool_calls``, ``stop`` stands
            for ``tool_calls``. Of Responses, ``length`` and ``content_filter`` make the response
            incomplete, ``failed`` one that failed, and with None no last event comes.
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
    reasoning: str = ""
    refusal: str = ""
    citations: tuple[dict[str, Any], ...] = ()
    image: bytes | None = None
    logprobs: bool = False
    items: tuple[dict[str, Any], ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    deltas: tuple[dict[str, Any], ...] | None = None
    usage: dict[str, Any] | None = None
    service_tier: str | None = None
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

    def portions(
        self, request: dict[str, Any], *, responses: bool = False, cached_words: int = 0
    ) -> Iterable[bytes]:
        """The body in portions.

        Args:
            request: The JSON document that is answered.
            responses: Whether it came to Responses, and not to chat completions.
            cached_words: How many words of the request were sent before.
        """
        if self.body is not None:
            portions: Iterable[bytes] = [self.body]
        elif self.status >= 300:
            error = self.error if self.error is not None else {"message": f"Status {self.status}."}
            portions = [msgspec.json.encode({"error": error})]
        elif responses:
            portions = self._response(request, cached_words)
        else:
            portions = self._completion(request, cached_words)
        if self.cut_bytes is None:
            return portions
        data, size = b"".join(portions), self.cut_bytes
        return [data[start : start + size] for start in range(0, len(data), size)]

    def _completion(self, request: dict[str, Any], cached_words: int) -> Iterable[bytes]:
        pieces = self._pieces(request, _openai_chat.last_user_text)
        usage = self.usage or self._counted(
            ("prompt", "completion"), _openai_chat.words_in_messages(request), pieces, cached_words
        )
        finish_reason = self._finish_reason()
        if not request.get("stream"):
            message = {name: value for name, value in self._message(pieces).items() if value}
            logprobs = [_logprob(piece) for piece in pieces] if self.logprobs else []
            document = _openai_chat.completion(
                request,
                message,
                finish_reason,
                usage=usage,
                logprobs=logprobs,
                service_tier=self.service_tier,
            )
            return [msgspec.json.encode(document)]
        deltas = self._deltas(pieces) if self.deltas is None else self.deltas
        return _openai_chat.events(
            request,
            deltas,
            finish_reason,
            usage=usage,
            service_tier=self.service_tier,
            endless=self.endless,
            done=self.done,
        )

    def _message(self, pieces: tuple[str, ...]) -> dict[str, Any]:
        return {
            "content": "".join(pieces),
            "reasoning_content": self.reasoning,
            "refusal": self.refusal,
            "annotations": self._annotations(),
            "images": self._images(),
            "tool_calls": _openai_chat.tool_call_entries(self.tool_calls),
        }

    def _deltas(self, pieces: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
        beside = {name: value for name, value in self._message(()).items() if value}
        whole: list[dict[str, Any]] = [
            {name: beside[name]} for name in ("images", "refusal") if name in beside
        ]
        cited = [{"annotations": beside["annotations"]}] if "annotations" in beside else []
        return (
            *({"reasoning_content": piece} for piece in cut_at_words(self.reasoning)),
            *whole,
            *(
                {"content": piece, "logprobs": _logprob(piece)}
                if self.logprobs
                else {"content": piece}
                for piece in pieces
            ),
            *cited,
            *_openai_chat.tool_call_deltas(self.tool_calls),
        )

    def _annotations(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "url_citation",
                "url_citation": {name: value for name, value in source.items() if name != "type"},
            }
            for source in self.citations
        ]

    def _images(self) -> list[dict[str, Any]]:
        if self.image is None:
            return []
        url = "data:image/png;base64," + base64.b64encode(self.image).decode()
        return [{"type": "image_url", "image_url": {"url": url}}]

    def _response(self, request: dict[str, Any], cached_words: int) -> Iterable[bytes]:
        pieces = self._pieces(request, _openai_responses_input.last_user_text_in_input)
        items: list[dict[str, Any]] = []
        if self.reasoning:
            items.append(_openai_responses.reasoning_item(self.reasoning, request))
        items += self.items
        if self.image is not None:
            items.append(_openai_responses.image_item(self.image))
        if pieces or self.refusal or self.text is not None or not items:
            items.append(
                _openai_responses.message_item(
                    pieces,
                    refusal=self.refusal,
                    annotations=self.citations,
                    logprobs=[_logprob(piece) for piece in pieces] if self.logprobs else [],
                )
            )
        items += _openai_responses.function_call_items(self.tool_calls)
        usage = self.usage or self._counted(
            ("input", "output"),
            _openai_responses_input.words_in_input(request),
            pieces,
            cached_words,
        )
        response = _openai_responses.whole_response(
            request, items, self.finish_reason, usage=usage, service_tier=self.service_tier
        )
        if not request.get("stream"):
            return [msgspec.json.encode(response)]
        return _openai_responses.response_events(
            response, pieces, ends=self.finish_reason is not None, endless=self.endless
        )

    def _finish_reason(self) -> str | None:
        return (
            "tool_calls" if self.tool_calls and self.finish_reason == "stop" else self.finish_reason
        )

    def _counted(
        self, names: tuple[str, str], asked: list[int], pieces: tuple[str, ...], cached_words: int
    ) -> dict[str, Any]:
        """Words, counted: any number would do that is the same each time."""
        thought = len(self.reasoning.split())
        inward, outward = sum(asked), len("".join(pieces).split()) + thought
        usage: dict[str, Any] = {
            f"{names[0]}_tokens": inward,
            f"{names[1]}_tokens": outward,
            "total_tokens": inward + outward,
        }
        if cached_words or names[0] == "input":
            details = {"cached_tokens": cached_words, "cache_write_tokens": 0}
            usage[f"{names[0]}_tokens_details"] = details
        if thought or names[0] == "input":
            usage[f"{names[1]}_tokens_details"] = {"reasoning_tokens": thought}
        return usage

    def _pieces(
        self, request: dict[str, Any], last_user_text: Callable[[dict[str, Any]], str]
    ) -> tuple[str, ...]:
        if self.deltas is not None or self.refusal:
            return ()
        if self.pieces is not None:
            return self.pieces
        if self.echo:
            return cut_at_words(msgspec.json.encode(request.get(self.echo)).decode())
        if self.text is not None:
            return cut_at_words(self.text)
        return () if self.tool_calls else cut_at_words(last_user_text(request))


def _logprob(token: str) -> dict[str, Any]:
    told = {"token": token, "logprob": -0.5, "bytes": list(token.encode())}
    return {**told, "top_logprobs": [told]}


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
    def is_of_responses(self) -> bool:
        """Whether it came to Responses, and not to chat completions."""
        return self.path.partition("?")[0].endswith("/responses")

    @property
    def prompt(self) -> str:
        """What the last user message says."""
        if self.is_of_responses:
            return _openai_responses_input.last_user_text_in_input(self.body)
        return _openai_chat.last_user_text(self.body)

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The pictures, sounds and files that came with the messages, decoded."""
        if self.is_of_responses:
            return _openai_responses_input.attachments_in_input(self.body)
        return _openai_chat.attachments_in(self.body)


Script: TypeAlias = Reply | Callable[[ReceivedRequest], Reply]
"""A reply, or what makes one from the request, in the server's thread."""
