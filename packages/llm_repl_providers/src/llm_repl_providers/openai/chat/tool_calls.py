"""Calls of tools, put together from the pieces in which they are streamed."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from llm_repl_core.errors import AnswerUnreadable
from llm_repl_core.providers.base import ToolCall
from llm_repl_providers.openai.chat.content import merge
from llm_repl_providers.openai.lenient_json import join_surrogates
from llm_repl_providers.openai.tools import is_object

__all__ = ["ToolCalls"]

_FUNCTION_FIELDS: Final = frozenset({"name", "arguments"})
_CALL_FIELDS: Final = frozenset({"index", "id", "type", "function"})


class _ToolCallPieces:
    """One call that is being put together."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.fields: dict[str, Any] = {}

    def add(self, identifier: str, name: str, arguments: str, fields: dict[str, Any]) -> None:
        self.id = self.id or identifier
        if name != self.name:  # some servers repeat it with each piece
            self.name += name
        if arguments:
            self.arguments.append(arguments)
        if fields:
            self.fields = merge(self.fields, fields)

    def is_whole(self) -> bool:
        return bool(self.name) and is_object("".join(self.arguments))


class ToolCalls:
    """The calls that an answer has asked for so far.

    OpenAI sends the id and the name of a call first and then its arguments in pieces, each with
    the call's index. Others send whole calls, give no index or id, give every call the index 0,
    give every piece a new id, or send the arguments as an object: all of that is understood.

    Args:
        before: How many calls were made earlier in the conversation: ids that are missing are
            numbered on from there.
    """

    def __init__(self, before: int = 0) -> None:
        self._before = before
        self._calls: list[_ToolCallPieces] = []

    def add(self, pieces: Any) -> None:
        """Take the pieces of one chunk in; what is none is passed over."""
        for piece in pieces if isinstance(pieces, list) else [pieces]:
            if not isinstance(piece, dict):
                continue
            function = piece.get("function")
            if not isinstance(function, dict):
                # Some write the name and the arguments beside the id.
                function = {name: piece[name] for name in _FUNCTION_FIELDS if name in piece}
            index = piece.get("index")
            identifier, name = _text(piece.get("id")), _text(function.get("name"))
            arguments = function.get("arguments")
            if arguments is None:
                arguments = ""
            elif not isinstance(arguments, str):
                arguments = msgspec.json.encode(arguments).decode()
            call = self._find(index if isinstance(index, int) else None, identifier, name)
            call.add(identifier, name, arguments, _unknown_fields(piece, function))

    def whole(self, where: str) -> tuple[ToolCall, ...]:
        """The calls, in order, each with an id of its own.

        Args:
            where: How messages name the server.

        Raises:
            AnswerUnreadable: A call does not say what is to be called.
        """
        calls: list[ToolCall] = []
        taken: set[str] = set()
        for number, call in enumerate(self._calls, start=self._before + 1):
            if not call.name:
                raise AnswerUnreadable(f"{where} asked for a tool without naming it.")
            identifier = call.id
            if not identifier or identifier in taken:
                identifier = f"call_{number}"
            taken.add(identifier)
            # A function without parameters is often called with no text at all, or with `null`.
            arguments = join_surrogates("".join(call.arguments)).strip()
            if arguments in ("", "null"):
                arguments = "{}"
            calls.append(
                ToolCall(
                    id=identifier, name=call.name, arguments=arguments, provider_data=call.fields
                )
            )
        return tuple(calls)

    def _find(self, index: int | None, identifier: str, name: str) -> _ToolCallPieces:
        """The call that a piece belongs to, which it may begin."""
        known = [call for call in self._calls if call.index == index]
        if index is None and not identifier and not name:
            known = self._calls  # the last one goes on
        if known and not _begins(known[-1], index, identifier, name):
            return known[-1]
        self._calls.append(_ToolCallPieces(index))
        return self._calls[-1]


def _begins(call: _ToolCallPieces, index: int | None, identifier: str, name: str) -> bool:
    """Whether a piece begins another call than this one, whose index is the same."""
    if not name:
        return False  # a new id alone is nothing: some servers make one up for each piece
    if identifier and call.id:
        return identifier != call.id
    return call.is_whole() or (index is None and name != call.name)


def _unknown_fields(piece: dict[str, Any], function: dict[str, Any]) -> dict[str, Any]:
    """What the protocol does not know of a call: some servers want it back as it came."""
    is_flat = not isinstance(piece.get("function"), dict)
    known = _CALL_FIELDS | _FUNCTION_FIELDS if is_flat else _CALL_FIELDS
    fields = {name: value for name, value in piece.items() if name not in known}
    inner = {name: value for name, value in function.items() if name not in _FUNCTION_FIELDS}
    if inner:
        fields["function"] = inner
    return {name: value for name, value in fields.items() if value is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
