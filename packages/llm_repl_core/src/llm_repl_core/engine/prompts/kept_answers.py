"""Answers that a prompt has already, and that a run leaves as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from llm_repl_core.engine.prompts.answer_json import read_answer_json
from llm_repl_core.engine.prompts.prepare import Conversation, PreparedPrompt
from llm_repl_core.errors import AnswerMisfit
from llm_repl_core.execution.cell_type import Execution
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["KeptAnswer", "KeptAnswers"]

_OF_CONVERSATIONS = frozenset({"llm_response", "tool_call", "display", "warning"})


class KeptAnswer(Struct, frozen=True):
    """An answer that stays.

    Attributes:
        outputs: What the cell shows of it.
        value: As the variable holds it.
    """

    outputs: tuple[Output, ...]
    value: JSONValue


class KeptAnswers:
    """Finds the answers that a cell showed before a run of it.

    Args:
        cell: The prompt.
        prepared: What was read of the state.
        execution: Knows what the cell showed.
    """

    def __init__(self, cell: PromptCell, prepared: PreparedPrompt, execution: Execution) -> None:
        self._cell = cell
        self._prepared = prepared
        self._execution = execution
        self._by_item: dict[Any, list[Output]] = {}
        for output in execution.prior_outputs:
            if output.type in _OF_CONVERSATIONS:
                self._by_item.setdefault(output.fields.get("item"), []).append(output)

    def written(self) -> KeptAnswer | None:
        """The answer of a prompt without items, if a person has written it; None: none has."""
        [conversation] = self._prepared.conversations
        return self._of(conversation) if self._is_edited(conversation.item) else None

    def by_item(self, *, goes_on: bool) -> dict[int | None, KeptAnswer]:
        """The items that are not asked for, with the answers that they keep.

        Args:
            goes_on: Whether the run goes on with one before it: then what a person has written
                stays, and all else is on record.
        """
        chosen = self._execution.items
        kept = {}
        for conversation in self._prepared.conversations:
            if isinstance(chosen, tuple) and conversation.item in chosen:
                continue
            if chosen is None and not (goes_on and self._is_edited(conversation.item)):
                continue
            answer = self._of(conversation)
            if answer is not None:
                kept[conversation.item] = answer
        return kept

    def _is_edited(self, item: int | None) -> bool:
        return any("edited" in output.fields for output in self._by_item.get(item, ()))

    def _of(self, conversation: Conversation) -> KeptAnswer | None:
        outputs = self._outputs(conversation.item)
        answers = [output for output in outputs if output.type == "llm_response"]
        if not answers:
            return None
        fields = answers[-1].fields
        is_same = fields.get("prompt") == conversation.prompt or "edited" in fields
        if not is_same or fields.get("failed") or fields.get("interrupted"):
            return None
        try:
            return KeptAnswer(tuple(outputs), self._value(answers[-1]))
        except AnswerMisfit:
            return None

    def _outputs(self, item: int | None) -> Sequence[Output]:
        said = self._prepared.notices
        return [
            output
            for output in self._by_item.get(item, ())
            if not (output.type == "warning" and output.content in said)
        ]

    def _value(self, answer: Output) -> JSONValue:
        if not self._cell.has_schema:
            return answer.content
        if "value" in answer.fields:
            return answer.fields["value"]
        return read_answer_json(answer.content)
