"""An answer that is put together from the documents in which it comes."""

from __future__ import annotations

from typing import Any, Final

from msgspec import structs

from llm_repl_core.errors import AnswerBroken, AnswerEmpty
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Delta
from llm_repl_core.providers.finish_reasons import read_finish_reason
from llm_repl_core.providers.parts import Part, Refusal
from llm_repl_core.providers.thinking import THINKING_TAGS
from llm_repl_providers.openai.chat.content import merge, read_content, reasoning_of
from llm_repl_providers.openai.chat.media import SpokenAnswer, read_pictures
from llm_repl_providers.openai.chat.sources import Sources, read_executed_tools
from llm_repl_providers.openai.chat.tool_calls import ToolCalls
from llm_repl_providers.openai.lenient_json import TextJoiner, join_surrogates, without_surrogates
from llm_repl_providers.openai.logprobs import read_logprobs
from llm_repl_providers.openai.usage import read_usage

__all__ = ["ChatAnswerReader"]

_KNOWN_FIELDS: Final = frozenset(
    {"role", "content", "tool_calls", "function_call", "refusal", "annotations", "audio", "images"}
)
"""Of a turn: what is read here, or does not go back to the server."""

_NOTHING: Final = Delta()

_BROKEN: Final = frozenset({"error", "abort", "insufficient_system_resource", "network_error"})


class ChatAnswerReader:
    """What has come of an answer so far.

    Servers that speak OpenAI's protocol differ: nothing in a document is taken for granted.

    Args:
        where: How messages name the server.
        calls_before: How many tools were called earlier in the conversation.
        audio_format: Of a spoken answer.
    """

    def __init__(self, where: str, *, calls_before: int = 0, audio_format: str = "wav") -> None:
        self._where = where
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._usage: dict[str, Any] | None = None
        self._service_tier: Any = None
        self._sources = Sources()
        self._spoken = SpokenAnswer(audio_format)
        self._refusal: list[str] = []
        self._tool_calls = ToolCalls(calls_before)
        self._text, self._reasoning = TextJoiner(), TextJoiner()
        self._contents: list[Any] = []
        self._fields: dict[str, Any] = {}
        self._has_choice = False
        self._streams = False

    @property
    def is_whole(self) -> bool:
        """Never: behind the last of the text may come its usage, and its end is an event's."""
        return False

    def add(self, document: Any) -> tuple[Delta, ...]:
        """Take a chunk, or a whole completion, in; what it adds is returned.

        Raises:
            AnswerUnreadable: It says something in a form that is not known.
        """
        if not isinstance(document, dict):
            return ()
        model = document.get("model")
        if isinstance(model, str) and model:
            self._model = model
        # Some servers count after each chunk: the last count is the one of the whole answer.
        usage = document.get("usage")
        if isinstance(usage, dict):
            self._usage = usage
        self._service_tier = document.get("service_tier") or self._service_tier
        self._sources.add_document(document)
        choices = document.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ()
        choice = choices[0]
        if choice.get("index", 0) not in (0, None):
            return ()  # of a second answer, which an option `n` asks for
        self._has_choice = True
        finish_reason = choice.get("finish_reason")
        if isinstance(finish_reason, str) and finish_reason:
            self._finish_reason = finish_reason
        logprobs = choice.get("logprobs")
        turn = self._turn_in(choice)
        delta = _NOTHING if turn is None else self._add_turn(turn)
        if isinstance(logprobs, dict) and (tokens := read_logprobs(logprobs.get("content"))):
            delta = structs.replace(delta, logprobs=tokens)
        return () if delta == _NOTHING else (delta,)

    def _turn_in(self, choice: dict[str, Any]) -> dict[str, Any] | None:
        """What a choice adds to the model's turn."""
        delta = choice.get("delta")
        if isinstance(delta, dict) and delta:
            self._streams = True
            return delta
        # Some servers repeat in each chunk, as the message, all that has come so far.
        message = None if self._streams else choice.get("message")
        if isinstance(message, dict):
            return message
        # Servers that complete texts have it in the choice itself.
        text = choice.get("text")
        return {"content": text} if isinstance(text, str) else None

    def _add_turn(self, turn: dict[str, Any]) -> Delta:
        if "tool_calls" in turn:
            self._tool_calls.add(turn["tool_calls"])
        function = turn.get("function_call")  # as the protocol had it before there could be several
        if isinstance(function, dict) and any(function.values()):
            self._tool_calls.add([{"index": 0, "function": function}])
        if isinstance(refusal := turn.get("refusal"), str):
            self._refusal.append(refusal)
        if "annotations" in turn:
            self._sources.add_annotations(turn["annotations"])
        parts: tuple[Part, ...] = read_pictures(turn["images"]) if "images" in turn else ()
        content, text, reasoning = turn.get("content"), "", ""
        if content:
            self._contents.append(content)
            if isinstance(content, str):
                text = self._text.add(content)
            else:
                said = read_content(content, self._where)
                text, reasoning = self._text.add(said.text), said.reasoning
                self._refusal.append(said.refusal)
                parts += said.media
        if "audio" in turn:
            text += self._text.add(self._spoken.add(turn["audio"]))
        if not _KNOWN_FIELDS.issuperset(turn):
            reasoning = reasoning or reasoning_of(turn)
            parts += read_executed_tools(turn.get("executed_tools"))
            for name, value in turn.items():
                if name not in _KNOWN_FIELDS and value is not None:
                    self._fields[name] = merge(self._fields.get(name), value)
        if reasoning:
            reasoning = self._reasoning.add(reasoning)
        return Delta(text=text, reasoning=reasoning, parts=parts)

    def end(self, *, is_complete: bool) -> list[Delta]:
        """What ends the answer.

        Args:
            is_complete: Whether the server has said that nothing is missing.

        Raises:
            AnswerBroken: It is not complete.
            AnswerEmpty: It is, and there is no answer in it.
            AnswerUnreadable: A tool that it asks for has no name.
        """
        tool_calls = self._tool_calls.whole(self._where) if self._has_choice else ()
        told = self._reason(is_complete=is_complete, has_tools=bool(tool_calls))
        reason, word = read_finish_reason(told)
        if self._refusal and any(self._refusal) and reason == "stop":
            reason = "refusal"
        deltas = []
        if rest := self._text.end():
            deltas.append(Delta(text=rest))
        refusal = join_surrogates("".join(self._refusal)).strip()
        parts: tuple[Part, ...] = (*self._spoken.media(), *self._sources.citations())
        if refusal:
            parts = (Refusal(text=refusal), *parts)
        if parts:
            deltas.append(Delta(parts=parts))
        if tool_calls:
            deltas.append(Delta(tool_calls=tool_calls, provider_data=self._provider_data()))
        deltas.append(
            Delta(
                usage=read_usage(self._usage, service_tier=self._service_tier),
                finish_reason=reason,
                provider_finish_reason=word,
                model=self._model,
            )
        )
        return deltas

    def _reason(self, *, is_complete: bool, has_tools: bool) -> str:
        if not self._has_choice:
            kind = AnswerEmpty if is_complete else AnswerBroken
            raise kind(
                f"{self._where} answered without an answer in it: if this goes on, see whether "
                "`base_url` is right; it usually ends in /v1."
            )
        if self._finish_reason is None and not is_complete:
            raise AnswerBroken(f"{self._where} broke off in the middle of its answer.")
        told = self._finish_reason or ("tool_calls" if has_tools else "stop")
        if told.lower() in _BROKEN:
            raise AnswerBroken(f"{self._where} broke off its answer: it says `{told}`.")
        return told

    def _provider_data(self) -> dict[str, JSONValue]:
        """What goes back in the next request as it came."""
        fields: dict[str, JSONValue] = {
            name: without_surrogates(value) for name, value in self._fields.items()
        }
        contents = self._contents
        if any(not isinstance(content, str) for content in contents):
            fields["content"] = without_surrogates(_joined_blocks(contents))
        else:
            text = join_surrogates("".join(contents))
            if text.lstrip().startswith(tuple(opening for opening, _ in THINKING_TAGS)):
                fields["content"] = text  # the models that think aloud want to read it again
        return fields


def _joined_blocks(contents: list[Any]) -> list[Any]:
    """The blocks of streamed content: pieces that go on with the one before are joined to it."""
    blocks: list[Any] = []
    for content in contents:
        pieces = content if isinstance(content, list) else [content]
        for piece in pieces:
            block = {"type": "text", "text": piece} if isinstance(piece, str) else piece
            last = blocks[-1] if blocks else None
            if isinstance(last, dict) and last.get("type") == block.get("type"):
                blocks[-1] = _joined_block(last, block)
            else:
                blocks.append(block)
    return blocks


def _joined_block(known: dict[str, Any], piece: dict[str, Any]) -> dict[str, Any]:
    joined = dict(known)
    for name, value in piece.items():
        old = known.get(name)
        if isinstance(old, list) and isinstance(value, list):
            joined[name] = _joined_blocks([old, value])
        else:
            joined[name] = value if name == "type" else merge(old, value)
    return joined
