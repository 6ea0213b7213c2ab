"""What a notebook chooses for itself, under ``metadata.llm_repl``, checked before it counts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import get_args

import msgspec

from llm_repl_core.engine.budget import Budget
from llm_repl_core.errors import InvalidInput
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = [
    "check_preferences",
    "noted_mode",
    "preferred_budget",
    "preferred_effort",
    "preferred_mode",
    "preferred_speculation",
]

_TEXTS = ("kernel", "mode", "model", "provider", "system")
_NAMES = (*_TEXTS, "budget", "reasoning_effort", "speculate")
_SIMILARITY = 0.75  # from which a name is taken for a misspelt one, and not for another tool's


def check_preferences(own: Mapping[str, JSONValue]) -> None:
    """Refuse choices that would not count: a budget that is misspelt would be no budget.

    Other names may stand there: a later version or a plugin may know them. Whether the mode is one
    counts only for a run that is told none: see `preferred_mode`.

    Args:
        own: What stands under ``metadata.llm_repl``.

    Raises:
        InvalidInput: A choice has a wrong value, or a name that is nearly one of a choice.
    """
    for name in own:
        nearest = difflib.get_close_matches(name[:100].lower(), _NAMES, n=1, cutoff=_SIMILARITY)
        if nearest and name not in _NAMES:
            raise InvalidInput(
                f"The notebook's `metadata.llm_repl` has `{name[:100]}`, which is not known: did "
                f"you mean `{nearest[0]}`?"
            )
    for name in _TEXTS:
        if not isinstance(own.get(name), str | None):
            raise InvalidInput(f"The notebook's `metadata.llm_repl.{name}` must be text.")
    preferred_budget(own)
    preferred_effort(own)
    preferred_speculation(own)


def preferred_budget(own: Mapping[str, JSONValue]) -> Budget | None:
    """What the notebook's calls may cost; None where it does not say it.

    Args:
        own: What stands under ``metadata.llm_repl``.

    Raises:
        InvalidInput: It is no budget, or has a limit that is not known.
    """
    noted = own.get("budget")
    if noted is None:
        return None
    known = Budget.__struct_fields__
    unknown = sorted(noted.keys() - set(known)) if isinstance(noted, dict) else []
    try:
        if unknown:
            raise msgspec.ValidationError(
                f"there is no limit `{unknown[0]}`, only {', '.join(known)}"
            )
        return msgspec.convert(noted, Budget)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"The notebook's `metadata.llm_repl.budget` cannot be used: {error}."
        ) from None


def preferred_effort(own: Mapping[str, JSONValue]) -> ReasoningEffort | None:
    """How much the notebook's models are to think; None where it does not say it.

    Args:
        own: What stands under ``metadata.llm_repl``.

    Raises:
        InvalidInput: It is no effort.
    """
    noted = own.get("reasoning_effort")
    if noted is None:
        return None
    for effort in get_args(ReasoningEffort):
        if noted == effort:
            found: ReasoningEffort = effort
            return found
    raise InvalidInput(
        "The notebook's `metadata.llm_repl.reasoning_effort` must be one of "
        f"{', '.join(get_args(ReasoningEffort))}."
    )


def preferred_speculation(own: Mapping[str, JSONValue]) -> bool | None:
    """Whether the notebook's prompts are sent ahead of their place; None where it does not say it.

    Args:
        own: What stands under ``metadata.llm_repl``.

    Raises:
        InvalidInput: It is neither true nor false.
    """
    noted = own.get("speculate")
    if noted is None or isinstance(noted, bool):
        return noted
    raise InvalidInput("The notebook's `metadata.llm_repl.speculate` must be true or false.")


def noted_mode(own: Mapping[str, JSONValue], chosen: Mode | None = None) -> Mode:
    """The mode that a run is noted with: where the notebook's is none, the run itself refuses it.

    Args:
        own: What stands under ``metadata.llm_repl``.
        chosen: What the run was told; it goes before that.
    """
    try:
        return chosen or preferred_mode(own)
    except InvalidInput:
        return "live"


def preferred_mode(own: Mapping[str, JSONValue]) -> Mode:
    """How the notebook's prompts are answered in runs that do not say it; ``live`` by default.

    Args:
        own: What stands under ``metadata.llm_repl``.

    Raises:
        InvalidInput: It is no mode.
    """
    noted = own.get("mode") or "live"
    for mode in get_args(Mode):
        if noted == mode:
            found: Mode = mode
            return found
    raise InvalidInput(
        f"The notebook's `metadata.llm_repl.mode` is `{noted}`, but must be one of "
        f"{', '.join(get_args(Mode))}."
    )
