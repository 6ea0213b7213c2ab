"""Reads the catalogue: the texts in the folder `catalogue`, one file a library or a topic.

A construct begins with ``== its name``, and its cells with a line of two hyphens::

    == functools.partial of append
    import functools
    log = []
    note = functools.partial(log.append, 'noted')
    -- effect
    note()
    -- read
    {log}

The set-up comes first, then ``effect`` and ``read``: how a prompt shows what the effect leaves. Its
other fields stand behind: ``-- read | attached: figure | context: above``. A construct in an order of
its own has ``code``, ``prompt``, ``memory``, ``markdown`` and ``edit`` (the code cell above, which has
run, gets this content and is not run again) instead, and ``slow`` for the prompt that sets `ANSWER`;
where its cells are to fail, ``| fails`` stands behind its name.
Besides the answer no variable has a name of one letter, as all are renamed where several constructs
stand in one notebook.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from law_construct import SLOW, Construct, Part

__all__ = ["CATALOGUE"]

_FOLDER = Path(__file__).parent / "catalogue"
_NAME, _CELL = "== ", "-- "
_FIELDS = {"into": "response_var", "items": "for_each", "attached": "attachments"}
_LISTS = ("attachments", "tools")


def _read(text: str, module: str) -> Iterator[Construct]:
    """The constructs of one file."""
    for piece in f"\n{text}".split(f"\n{_NAME}")[1:]:
        title, _, body = piece.partition("\n")
        name, _, mark = title.partition(" | ")
        setup, *others = f"\n{body}".split(f"\n{_CELL}")
        parts = [_part(one) for one in others]
        if [one.kind for one in parts] == ["effect", "read"]:
            effect, read = parts
            yield Construct(
                name, module, setup.strip("\n"), effect.text, Part("prompt", read.text, read.fields)
            )
        else:
            assert not setup.strip(), f"{module}: {name}: the first cell has no kind"
            yield Construct(name, module, cells=tuple(parts), fails=mark == "fails")


def _part(text: str) -> Part:
    head, _, body = text.partition("\n")
    kind, *fields = head.split(" | ")
    if kind == "slow":
        return SLOW
    known: dict[str, object] = {}
    for one in fields:
        label, _, value = one.partition(": ")
        name = _FIELDS.get(label, label)
        known[name] = value.split(", ") if name in _LISTS else value
    return Part(kind, body.strip("\n"), known)


def _all() -> tuple[Construct, ...]:
    files = sorted(_FOLDER.glob("*.txt"))
    found = tuple(
        itertools.chain.from_iterable(_read(one.read_text("utf-8"), one.stem) for one in files)
    )
    names = [one.name for one in found]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"two constructs have one name: {twice}"
    for one in found:
        short = [name for name in one.names if len(name) < 2]
        assert not short, f"{one.name}: {short} cannot be renamed everywhere"
    return found


CATALOGUE = _all()
