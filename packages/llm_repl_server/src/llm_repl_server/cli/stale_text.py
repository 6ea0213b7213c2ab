"""Why a cell is stale, in words."""

from __future__ import annotations

from collections.abc import Mapping

from llm_repl_core import StaleReason

__all__ = ["stale_sentence"]

_FIELDS = {
    "content": "the text",
    "type": "the type",
    "model": "the model",
    "provider": "the provider",
    "temperature": "the temperature",
    "system": "the system prompt",
    "context": "what is sent along",
    "schema": "the form of the answer",
    "for_each": "what it is asked for each of",
    "attachments": "what is attached",
    "parameters": "what parameters are sent",
    "reasoning_effort": "how much the model thinks",
    "response_var": "the name of the answer",
    "tools": "which tools there are",
    "tool_limit": "the limit of tool calls",
    "approve_tools": "whether tools need approval",
}


def stale_sentence(reason: StaleReason, numbers: Mapping[str, int]) -> str:
    """One reason, as what stands behind "It is stale:".

    Args:
        reason: The reason.
        numbers: The places of the cells, from 1, by their ids.
    """
    number = numbers.get(reason.cell_id or "", reason.cell_number)
    cell = "a cell above" if number is None else f"cell {number}"
    named = f"{cell}, which sets `{reason.variable}`," if reason.variable else cell
    if reason.kind in ("own_edit", "notebook"):
        what = _FIELDS.get(reason.field or "", f"`{reason.field}`")
        if reason.kind == "notebook":
            what = f"{what} of the notebook"
        if reason.was is not None and reason.now is not None and reason.field != "content":
            return f"{what} was {reason.was or 'empty'}, is {reason.now or 'empty'}"
        return f"{what} was edited"
    if reason.kind == "variable":
        if reason.now is not None and reason.was != reason.now:
            was = "" if reason.was is None else f" was {reason.was or 'empty'},"
            return f"`{reason.variable}`{was} is {reason.now or 'empty'}"
        return f"{named} ran again"
    happened = {
        "failed": "failed",
        "deleted": "was deleted",
        "moved": "was moved",
        "added": "was added",
        "edited": "was edited",
        "run": "ran again, and goes along",
        "stale": "is stale itself",
    }
    return f"{named} {happened[reason.kind]}"
