"""Merges three versions of a notebook's document, as ``.llmn`` has it: cell by cell, by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from llm_repl_core.merging.texts import merge_orders, merge_texts
from llm_repl_core.merging.values import ABSENT, merge_objects, same
from llm_repl_core.merging.versions import Sides, Versions
from llm_repl_core.model.merge_conflicts import with_conflict
from llm_repl_core.short_text import cut_short

__all__ = ["RESULT_FIELDS", "Document", "MergedDocument", "merge_documents"]

RESULT_FIELDS = ("outputs", "status", "execution_count", "stale", "ran")
"""What a run leaves. It goes with the source that ran, and nobody writes it by hand."""

Document = dict[str, Any]
"""A notebook or a cell as JSON."""


class MergedDocument(Struct, frozen=True):
    """A notebook that has both changes.

    Attributes:
        document: As ``.llmn`` has it.
        conflicts: What could not be merged and how it is now, a sentence each; cells by their numbers.
    """

    document: Document
    conflicts: list[str]


def merge_documents(documents: Versions[Document], sides: Sides | None = None) -> MergedDocument:
    """Merge two changed versions of a notebook. Nothing that either has written is lost.

    A text whose same lines both have changed has both versions, one behind the other; the cell does not
    run until somebody has chosen. Of other fields, ours is kept, and the other one is named. A
    cell that one has deleted and the other has changed stays.

    Args:
        documents: The versions; the first without cells where the two have nothing in common.
        sides: What the two are called.
    """
    sides = sides or Sides()
    by_id = documents.map(lambda document: {cell["cell_id"]: cell for cell in document["cells"]})
    cells: list[Document] = []
    conflicts: list[str] = []
    for cell_id in merge_orders(_orders(by_id)):
        merging = _CellMerge(Versions(*(side.get(cell_id) for side in by_id)), sides)
        cells.append(merging.merge())
        conflicts += [f"Cell {len(cells)}: {conflict}" for conflict in merging.conflicts]
    header = _Notes(sides)
    merged = _merge_header(documents, header)
    of_header = [f"The notebook: {conflict}" for conflict in header.conflicts]
    return MergedDocument({**merged, "cells": cells}, of_header + conflicts)


class _Notes:
    """What could not be merged of one thing."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self.conflicts: list[str] = []

    def note(self, path: str, ours: Any, theirs: Any) -> None:
        words = [
            f"{side} has {'deleted it' if value is ABSENT else _short(value)}"
            for side, value in ((self._sides.ours, ours), (self._sides.theirs, theirs))
        ]
        kept = self._sides.theirs if ours is ABSENT else self._sides.ours
        self.conflicts.append(f"of `{path}`, {', '.join(words)}; that of {kept} is kept.")


class _CellMerge(_Notes):
    """Merges one cell, of which at least one side has a version."""

    def __init__(self, versions: Versions[Document | None], sides: Sides) -> None:
        super().__init__(sides)
        self._versions = versions

    def merge(self) -> Document:
        base, ours, theirs = self._versions
        if ours is None or theirs is None:
            cell = ours or theirs
            assert cell is not None
            if base is not None:
                deleted, changed = self._sides.theirs, self._sides.ours
                if ours is None:
                    deleted, changed = changed, deleted
                self.conflicts.append(
                    f"{deleted} has deleted it, {changed} has changed it; it is kept."
                )
            return cell
        sources = self._versions.map(lambda cell: _source(cell or {"content": ""}))
        texts = sources.map(lambda source: source.pop("content"))
        merged = merge_objects(sources, self.note)
        content = self._merge_content(texts, merged)
        # In the order in which it is written.
        merged = {
            "cell_id": merged["cell_id"],
            "type": merged["type"],
            "content": content,
            **merged,
        }
        return {**merged, **_result_for(merged, base, ours, theirs)}

    def _merge_content(self, texts: Versions[str], merged: Document) -> str:
        base, ours, theirs = texts
        if theirs in (base, ours):
            return ours
        if ours == base:
            return theirs
        text = merge_texts(texts, self._sides)
        if text.has_conflict:
            self.conflicts.append(
                f"{self._sides.ours} and {self._sides.theirs} have changed the same lines; it has both."
            )
            merged["metadata"] = with_conflict(
                merged.get("metadata", {}), content=text.text, base=base, ours=ours, theirs=theirs
            )
        return text.text


def _orders(by_id: Versions[dict[str, Document]]) -> Versions[Sequence[str]]:
    """The orders of the cells that stay, one that one side has deleted and the other changed among them."""
    base, ours, theirs = by_id

    def is_unchanged(cell_id: str, side: Mapping[str, Document]) -> bool:
        return cell_id in base and same(_source(base[cell_id]), _source(side[cell_id]))

    of_ours = [cell_id for cell_id in ours if cell_id in theirs or not is_unchanged(cell_id, ours)]
    of_theirs = [
        cell_id for cell_id in theirs if cell_id in ours or not is_unchanged(cell_id, theirs)
    ]
    stays = {*of_ours, *of_theirs}
    before = [cell_id for cell_id in base if cell_id in stays]
    return Versions(before, _with_kept(of_ours, before), _with_kept(of_theirs, before))


def _with_kept(order: list[str], before: list[str]) -> list[str]:
    """An order with the cells that one side has deleted and that stay: behind those that they followed."""
    complete, previous = list(order), None
    for cell_id in before:
        if cell_id not in complete:
            complete.insert(0 if previous is None else complete.index(previous) + 1, cell_id)
        previous = cell_id
    return complete


def _source(cell: Document) -> Document:
    """What of a cell is written by hand."""
    return {name: value for name, value in cell.items() if name not in RESULT_FIELDS}


def _result_for(
    merged: Document, base: Document | None, ours: Document, theirs: Document
) -> Document:
    """What the run left whose source is the merged one; else ours, which is stale then."""
    fits = [same(_source(cell), merged) for cell in (ours, theirs)]
    if fits == [False, True]:
        return _result(theirs)
    if all(fits) and base is not None and same(_result(ours), _result(base)):
        return _result(theirs)  # only they have run it
    return _result(ours)


def _result(cell: Document) -> Document:
    return {name: cell[name] for name in RESULT_FIELDS if name in cell}


def _merge_header(documents: Versions[Document], notes: _Notes) -> Document:
    _, ours, theirs = documents
    merged = merge_objects(documents.map(_header), notes.note)
    fixed: Document = {name: ours[name] for name in ("notebook_id", "created_at") if name in ours}
    names = {*ours.get("state_keys", ()), *theirs.get("state_keys", ())}
    changed = max(document.get("updated_at") or "" for document in (ours, theirs))
    return {**fixed, **merged, "updated_at": changed or None, "state_keys": sorted(names)}


def _header(document: Document) -> Document:
    own = ("cells", "notebook_id", "created_at", "updated_at", "state_keys")
    return {name: value for name, value in document.items() if name not in own}


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return f"`{cut_short(text, 40)}`"
