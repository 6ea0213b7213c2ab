"""Which outputs a prompt has with another answer, and which value its variable has with them."""

from __future__ import annotations

from collections.abc import Sequence

from llm_repl_core.engine.answers.edits import answers_in
from llm_repl_core.engine.prompts.answer_json import read_answer_json
from llm_repl_core.errors import AnswerMisfit, InvalidInput
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["has_every_answer", "item_count", "value_in", "with_answer"]

_ITEMS_FAILED = "ItemsFailed"


def with_answer(cell: PromptCell, item: int | None, answer: Sequence[Output]) -> list[Output]:
    """The outputs of a cell with another answer in the place of the one that they have."""
    is_edit = len(answer) == 1 and any(
        output.fields.get("call_id") == answer[0].fields.get("call_id")
        for output in answers_in(cell.outputs, item)
    )
    if item is None:
        if is_edit:  # of the same call: what its tools did stays
            kept = [output for output in cell.outputs if output.type not in _OF_ANSWERS]
            return [*kept, *answer]
        return [*answer]
    outputs = [output for output in cell.outputs if not _goes(output, item, is_edit=is_edit)]
    place = next(
        (
            place
            for place, output in enumerate(outputs)
            if output.type == "error" or _item_of(output) > item
        ),
        len(outputs),
    )
    outputs[place:place] = answer
    return [output for output in (_without_item(output, item) for output in outputs) if output]


_OF_ANSWERS = frozenset({"llm_response", "error"})


def _goes(output: Output, item: int, *, is_edit: bool) -> bool:
    return _item_of(output) == item and (output.type == "llm_response" or not is_edit)


def _item_of(output: Output) -> int:
    item = output.fields.get("item")
    return item if isinstance(item, int) else -1


def _without_item(output: Output, item: int) -> Output | None:
    """What is said of the items that have no answer, without one of them; None: all have one."""
    if output.fields.get("ename") != _ITEMS_FAILED:
        return output
    failed = output.fields.get("failed_items")
    if not isinstance(failed, list):
        return output  # of an earlier version, which does not say which
    left: list[JSONValue] = [
        each for each in failed if isinstance(each, dict) and each.get("item") != item
    ]
    if len(left) == len(failed):
        return output
    if not left:
        return None
    total = output.fields.get("total")
    evalue = f"{len(left)} of {total} items have no answer, and are None in the list."
    error = Output.error(_ITEMS_FAILED, evalue)
    return Output(error.type, error.content, {**error.fields, "total": total, "failed_items": left})


def _failed_items(outputs: Sequence[Output]) -> Output | None:
    return next((output for output in outputs if output.fields.get("ename") == _ITEMS_FAILED), None)


def has_every_answer(outputs: Sequence[Output]) -> bool:
    """Whether no item lacks its answer, and nothing failed."""
    return _failed_items(outputs) is None and not any(output.type == "error" for output in outputs)


def value_in(cell: PromptCell, outputs: Sequence[Output]) -> JSONValue:
    """The value that the variable of a cell has with these outputs."""
    answers = [output for output in outputs if output.type == "llm_response"]
    if cell.for_each is None:
        return _value_of(cell, answers[-1])
    by_item = {_item_of(answer): answer for answer in answers}
    return [
        _value_of(cell, by_item[item]) if item in by_item else None
        for item in range(item_count(outputs))
    ]


def item_count(outputs: Sequence[Output]) -> int:
    """How many items a prompt was sent for."""
    failure = _failed_items(outputs)
    total = failure.fields.get("total") if failure is not None else None
    return max([total if isinstance(total, int) else 0, *(_item_of(each) + 1 for each in outputs)])


def _value_of(cell: PromptCell, answer: Output) -> JSONValue:
    if answer.fields.get("failed") or answer.fields.get("interrupted"):
        return None if cell.for_each is not None else answer.content
    if not cell.has_schema:
        return answer.content
    value: JSONValue = answer.fields.get("value")
    if "value" in answer.fields:
        return value
    try:
        return read_answer_json(answer.content)
    except AnswerMisfit as error:
        raise InvalidInput(str(error)) from None
