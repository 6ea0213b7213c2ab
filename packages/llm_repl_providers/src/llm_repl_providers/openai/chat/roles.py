"""Who speaks when, for servers whose models take turns, or know no system text.

A notebook's cells are turns of the user, several in a row. OpenAI takes that; chat templates of
many open models do not, nor some gateways.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

__all__ = [
    "ALTERNATION_MESSAGE",
    "SYSTEM_MESSAGE",
    "has_repeated_roles",
    "has_system_turns",
    "with_merged_turns",
    "with_system_in_first_turn",
]

Body: TypeAlias = dict[str, Any]
Turn: TypeAlias = dict[str, Any]

_NO: Final = (
    r"(?:not (?:be )?|n't |un|never |in|il)(?:support|available|allow|permit|valid|legal|know"
    r"|accept|recogni|expected)|forbid|refus|only"
)
ALTERNATION_MESSAGE: Final = re.compile(
    r"alternat"
    r"|(?:consecutive|successive|adjacent|in a row|same).{0,60}\brole"
    r"|\broles?\b.{0,60}(?:consecutive|successive|adjacent|in a row|twice|must differ)"
    r"|(?:consecutive|successive|multiple|two) .{0,20}(?:user|assistant)\W.{0,20}(?:message|turn)",
    re.IGNORECASE | re.DOTALL,
)
"""Of servers that want the user and the assistant to take turns."""

SYSTEM_MESSAGE: Final = re.compile(
    rf"\bsystem\b.{{0,80}}?(?:{_NO})|(?:{_NO}|variant).{{0,60}}?\bsystem\b"
    # They name those that there are.
    r"|\buser\W{1,5}(?:(?:and|or)\W{1,5})?(?:assistant|model)\b"
    # Gemma at Google's.
    r"|developer instruction"
    # Some count the system text as a turn.
    r"|alternat",
    re.IGNORECASE | re.DOTALL,
)
"""Of servers that take no turn of the role ``system``."""

_MERGED: Final = frozenset({"system", "user", "assistant"})
_PLAIN: Final = frozenset({"role", "content"})


def has_repeated_roles(body: Body) -> bool:
    """Whether somebody speaks twice in a row."""
    return len(_merged(body["messages"])) < len(body["messages"])


def with_merged_turns(body: Body) -> Body:
    """The body in which what one role says in a row is one turn."""
    return {**body, "messages": _merged(body["messages"])}


def has_system_turns(body: Body) -> bool:
    """Whether there is a system text."""
    return any(turn["role"] == "system" for turn in body["messages"])


def with_system_in_first_turn(body: Body) -> Body:
    """The body whose system texts stand at the beginning of what the user says first."""
    system = [turn for turn in body["messages"] if turn["role"] == "system"]
    others = [turn for turn in body["messages"] if turn["role"] != "system"]
    if not others or others[0]["role"] != "user":
        others.insert(0, {"role": "user", "content": ""})
    content: Any = ""
    for turn in (*system, others[0]):
        content = _joined(content, turn["content"])
    return {**body, "messages": [{**others[0], "content": content}, *others[1:]]}


def _merged(turns: list[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in turns:
        before = merged[-1] if merged else None
        # What a turn has besides belongs to it alone; calls of tools may follow a text.
        if (
            before is not None
            and turn["role"] == before["role"]
            and turn["role"] in _MERGED
            and before.keys() <= _PLAIN
        ):
            merged[-1] = {**turn, "content": _joined(before["content"], turn["content"])}
        else:
            merged.append(turn)
    return merged


def _joined(first: Any, second: Any) -> Any:
    """Two contents as one: texts with an empty line between, or else lists of parts."""
    if not first or not second:
        return second or first
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
