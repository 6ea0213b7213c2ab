"""Why a prompt would be asked although it was answered before: what is different now, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from llm_repl_core.engine.forecast import WhyAsked
from llm_repl_core.ledger.differences import describe_differences
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue

__all__ = ["listed_cells", "why_new"]

_WORDS = {
    "provider": "the provider was changed",
    "model": "the model was changed",
    "temperature": "the temperature was changed",
    "options": "a parameter was changed",
    "tools": "the tools were changed",
    "answer_schema": "the form of the answer was changed",
    "reasoning_effort": "the effort was changed",
}
_MESSAGE = re.compile(r"messages\[(\d+)\]")


def why_new(
    cell: PromptCell, recorded: Mapping[str, JSONValue], asked: Mapping[str, JSONValue]
) -> tuple[WhyAsked, str]:
    """What is different in a request, and of which kind that is.

    Args:
        cell: The prompt.
        recorded: The canonical form of its latest request on record.
        asked: The one of the request that would be made now.
    """
    differences = describe_differences(dict(recorded), dict(asked))
    fields = [re.split(r"[.\[]", difference.path)[0] for difference in differences]
    for name, words in _WORDS.items():
        if name in fields:
            return "edited", words
    messages = asked.get("messages")
    count = len(messages) if isinstance(messages, list) else 0
    for difference in differences:
        found = _MESSAGE.match(difference.path)
        place = None if found is None else int(found[1])
        if place is None or not isinstance(messages, list) or place >= count:
            continue
        message = messages[place]
        if isinstance(message, dict) and message.get("role") == "system":
            return "edited", "the system text was changed"
        if place < count - 1:
            return "changed", "what is sent along was changed"
    if not differences:
        return "more", "it is asked more often than it is on record"
    # A changed text has cleared what its last run left.
    if cell.status == "idle":
        return "edited", "the text was edited"
    return "changed", "a value in it was changed"


def listed_cells(numbers: list[int]) -> str:
    """Cells, as people count them, for the end of a sentence.

    >>> listed_cells([6]), listed_cells([6, 7]), listed_cells([2, 6, 7])
    ('cell 6', 'cells 6 and 7', 'cells 2, 6 and 7')

    Args:
        numbers: Their places, from 1.
    """
    if len(numbers) == 1:
        return f"cell {numbers[0]}"
    return f"cells {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
