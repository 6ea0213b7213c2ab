"""Merges three versions of a text, by lines."""

from __future__ import annotations

from collections.abc import Sequence

from merge3 import Merge3
from msgspec import Struct

from llm_repl_core.merging.versions import Sides, Versions

__all__ = ["MergedText", "merge_orders", "merge_texts"]


class MergedText(Struct, frozen=True):
    """A text that has both changes.

    Attributes:
        text: The text.
        has_conflict: Whether both changed the same lines; they are in the text between the marks that
            git uses, one version behind the other.
    """

    text: str
    has_conflict: bool


def merge_texts(texts: Versions[str], sides: Sides) -> MergedText:
    r"""Merge two changed versions of a text.

    >>> merge_texts(Versions("a\nb\nc", "A\nb\nc", "a\nb\nC"), Sides()).text
    'A\nb\nC'
    >>> merge_texts(Versions("a", "b", "c"), Sides()).text.split("\n")
    ['<<<<<<< ours', 'b', '=======', 'c', '>>>>>>> theirs']
    """
    lines: list[str] = []
    has_conflict = False
    merge = Merge3(*texts.map(_lines))
    for kind, *region in merge.reprocess_merge_regions(merge.merge_regions()):
        start, end = region[:2]
        if kind == "unchanged":
            lines += merge.base[start:end]
        elif kind in ("a", "same"):
            lines += merge.a[start:end]
        elif kind == "b":
            lines += merge.b[start:end]
        else:
            has_conflict = True
            _, _, ours_start, ours_end, theirs_start, theirs_end = region
            lines += [
                f"<<<<<<< {sides.ours}",
                *merge.a[ours_start:ours_end],
                "=======",
                *merge.b[theirs_start:theirs_end],
                f">>>>>>> {sides.theirs}",
            ]
    return MergedText("\n".join(lines), has_conflict)


def merge_orders(orders: Versions[Sequence[str]]) -> list[str]:
    """An order that has both changes, each item once; where both have placed one, ours counts."""
    base, ours, theirs = orders
    merged: list[str] = []
    for kind, *region in Merge3(base, ours, theirs).merge_regions():
        start, end = region[:2]
        if kind == "unchanged":
            merged += base[start:end]
        elif kind in ("a", "same"):
            merged += ours[start:end]
        elif kind == "b":
            merged += theirs[start:end]
        else:
            _, _, ours_start, ours_end, theirs_start, theirs_end = region
            merged += [*ours[ours_start:ours_end], *theirs[theirs_start:theirs_end]]
    return list(dict.fromkeys(merged))


def _lines(text: str) -> list[str]:
    # Not `splitlines`, which also splits at form feeds; and so that joining gives the text again.
    return text.split("\n")
