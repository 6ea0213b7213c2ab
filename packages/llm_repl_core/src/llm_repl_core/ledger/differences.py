"""How two requests differ, field by field, for people."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from llm_repl_core.ledger.text_changes import changed_lines, excerpts, printable
from llm_repl_core.model.json_value import JSONValue

__all__ = ["Difference", "describe_differences", "format_differences"]

_MOST_DIFFERENCES = 1_000
"""After these the comparison ends: nobody reads more."""

_SHOWN_DIFFERENCES = 10
_SHOWN_LINES = 5
"""Of one text."""

_SHOWN_CHARACTERS = 80
"""Of one value."""

_EMPTY = "(an empty line)"

_ALIGNED_ITEMS = 200
"""Longer lists are compared by index: their alignment would take too long."""


class Difference(Struct, frozen=True, kw_only=True):
    """One field in which two requests differ.

    Attributes:
        path: Where it is: ``messages[0].content``.
        recorded: Its value on record; UNSET: it is not there.
        asked: Its value now; UNSET: it is not there.
    """

    path: str
    recorded: JSONValue | UnsetType
    asked: JSONValue | UnsetType


def describe_differences(
    recorded: dict[str, JSONValue], asked: dict[str, JSONValue]
) -> list[Difference]:
    """The fields in which two requests differ, in the order in which requests have them.

    Lists are aligned first, so that a message which is new moves no other one.

    Args:
        recorded: The canonical form of a request on record.
        asked: The one of a request that is made now.
    """
    found: list[Difference] = []
    _compare("", recorded, asked, found)
    return found


def format_differences(differences: Sequence[Difference], *, limit_characters: int = 4_000) -> str:
    """Differences as a few lines of text.

    Args:
        differences: From `describe_differences`.
        limit_characters: How long the text may be; what is left out is counted.
    """
    lines: list[str] = []
    length = 0
    for number, difference in enumerate(differences):
        block = _format(difference)
        length += sum(len(line) + 1 for line in block)
        if number and (number >= _SHOWN_DIFFERENCES or length > limit_characters):
            left = len(differences) - number
            more = "at least " if len(differences) >= _MOST_DIFFERENCES else ""
            lines.append(f"and {more}{left} more difference{'s' if left > 1 else ''}")
            break
        lines += block
    text = "\n".join(lines)
    return text if len(text) <= limit_characters else text[: limit_characters - 1] + "…"


# Comparing --------------------------------------------------------------------------------------


def _compare(path: str, recorded: Any, asked: Any, found: list[Difference]) -> None:
    if len(found) >= _MOST_DIFFERENCES:
        return
    if isinstance(recorded, dict) and isinstance(asked, dict):
        # In the order of what is asked now; what is gone comes last.
        for key in [*asked, *(key for key in recorded if key not in asked)]:
            _compare(_joined(path, key), recorded.get(key, UNSET), asked.get(key, UNSET), found)
    elif isinstance(recorded, list) and isinstance(asked, list):
        for recorded_place, asked_place in _aligned(recorded, asked):
            place = recorded_place if asked_place is None else asked_place
            _compare(
                f"{path}[{place}]",
                UNSET if recorded_place is None else recorded[recorded_place],
                UNSET if asked_place is None else asked[asked_place],
                found,
            )
    # `True == 1` for Python only.
    elif recorded != asked or isinstance(recorded, bool) is not isinstance(asked, bool):
        found.append(Difference(path=path, recorded=recorded, asked=asked))


def _aligned(recorded: list[Any], asked: list[Any]) -> list[tuple[int | None, int | None]]:
    """Which items belong together: the places of both; None where one has no partner."""
    if max(len(recorded), len(asked)) > _ALIGNED_ITEMS:
        return _paired(range(len(recorded)), range(len(asked)))
    matcher = difflib.SequenceMatcher(
        None, [*map(_digest, recorded)], [*map(_digest, asked)], autojunk=False
    )
    pairs: list[tuple[int | None, int | None]] = []
    for tag, recorded_from, recorded_to, asked_from, asked_to in matcher.get_opcodes():
        if tag != "equal":
            pairs += _paired(range(recorded_from, recorded_to), range(asked_from, asked_to))
    return pairs


def _paired(recorded: range, asked: range) -> list[tuple[int | None, int | None]]:
    return [
        (
            recorded[number] if number < len(recorded) else None,
            asked[number] if number < len(asked) else None,
        )
        for number in range(max(len(recorded), len(asked)))
    ]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _joined(path: str, key: str) -> str:
    if not key.isidentifier():
        return f"{path}[{_value(key)}]"
    return f"{path}.{_shortened(key)}" if path else _shortened(key)


# Showing ----------------------------------------------------------------------------------------


def _format(difference: Difference) -> list[str]:
    recorded, asked = difference.recorded, difference.asked
    if isinstance(recorded, str) and isinstance(asked, str) and _is_prose(recorded, asked):
        return _format_text(difference.path, recorded, asked)
    return [f"{difference.path}: {_value(recorded)} → {_value(asked)}"]


def _is_prose(recorded: str, asked: str) -> bool:
    return any("\n" in text or " " in text or len(text) > 40 for text in (recorded, asked))


def _format_text(path: str, recorded: str, asked: str) -> list[str]:
    changes = changed_lines(recorded, asked)
    lines: list[str] = []
    for change in changes[:_SHOWN_LINES]:
        lines.append(f"{path}, line {change.line}:")
        if change.old is not None and change.new is not None:
            old, new = excerpts(change.old, change.new)
            lines += [f"  - {old or _EMPTY}", f"  + {new or _EMPTY}"]
        elif change.old is not None:
            lines.append(f"  - {_shortened(change.old) or _EMPTY}")
        elif change.new is not None:
            lines.append(f"  + {_shortened(change.new) or _EMPTY}")
    if len(changes) > _SHOWN_LINES:
        lines.append(f"{path}: more lines differ")
    return lines


def _value(value: Any) -> str:
    if value is UNSET:
        return "not sent"
    if isinstance(value, str):
        return f'"{_shortened(value)}"'
    return _shortened(json.dumps(value, ensure_ascii=False))


def _shortened(text: str) -> str:
    return printable(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
