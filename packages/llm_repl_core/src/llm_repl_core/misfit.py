"""What is said of a value that does not fit its type: msgspec's sentence, in words of who wrote the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

__all__ = ["Misfit", "misfit"]

_CHOICE = re.compile(r"Invalid enum value (.*)", re.DOTALL)
_PATTERN = re.compile(r"`str` matching regex (.*)", re.DOTALL)


class Misfit(NamedTuple):
    """What does not fit.

    Attributes:
        path: Where it is, within the value: ``budget.calls``; the value itself: an empty text.
        reason: What is wrong with it, in lower case and without a full stop.
    """

    path: str
    reason: str


def misfit(error: msgspec.ValidationError, kind: Any, patterns: Mapping[str, str]) -> Misfit:
    """Take msgspec's sentence apart, and say what may be written instead.

    Args:
        error: What `msgspec.convert` raised, such as ``Expected `str`, got `int` - at `$.name```.
        kind: The type that was wanted.
        patterns: What the patterns of texts mean: ``the name of a variable``.
    """
    reason, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").removeprefix(".")
    if found := _CHOICE.fullmatch(reason):
        reason = f"{found[1]} is not {_choices(kind, path)}"
    elif found := _PATTERN.search(reason):
        for pattern, words in patterns.items():
            reason = reason.replace(f"`str` matching regex {pattern!r}", words)
    return Misfit(path, reason[:1].lower() + reason[1:])


def _choices(kind: Any, path: str) -> str:
    """What may be written at a place: one of some words, and perhaps something else."""
    # Imported for a mistake alone: it takes a while, and this package is light to import.
    from msgspec import inspect

    def alternatives(described: Any) -> Iterator[Any]:
        if isinstance(described, inspect.UnionType):
            for alternative in described.types:
                yield from alternatives(alternative)
        elif isinstance(described, inspect.Metadata):
            yield from alternatives(described.type)
        else:
            yield described

    def within(described: Any, name: str) -> Iterator[Any]:
        for outer in alternatives(described):
            if name == "[...]" and hasattr(outer, "item_type"):
                yield from alternatives(outer.item_type)
            for field in getattr(outer, "fields", ()):
                if field.encode_name == name:
                    yield from alternatives(field.type)

    places = list(alternatives(inspect.type_info(kind)))
    for name in re.findall(r"\[[^\]]*\]|[^.\[]+", path):
        step = "[...]" if name.startswith("[") else name
        places = [inner for place in places for inner in within(place, step)]
    words = [
        f"`{value}`"
        for place in places
        if isinstance(place, inspect.LiteralType)
        for value in place.values
    ]
    lists = (inspect.ListType, inspect.VarTupleType)
    others = ["a list"] if any(isinstance(place, lists) for place in places) else []
    named = [*words, *others]
    return f"{', '.join(named[:-1])} or {named[-1]}" if named[1:] else "".join(named) or "known"
