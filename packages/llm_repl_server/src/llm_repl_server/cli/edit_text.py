"""A notebook as one text to edit, and what an editor gave back as changes of the notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, to_builtins

from llm_repl_core import Cell, InvalidInput, Notebook
from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.model.cell import ForeignCell, build_cell
from llm_repl_core.model.cell_types import CellTypes

__all__ = ["EditText", "shown_text"]

_INTRODUCTION = (
    "Each cell begins with a line like the ones below: its number, its type, and the options that it has.",
    "Move cells, delete them, or add one by such a line without a number: {marker} code",
    "Save and leave to take this over. These lines are left out.",
)
_HALVES = re.compile("[\ud800-\udfff]")


class _Part(Struct):
    """A cell as the text has it."""

    line: int
    number: int | None
    type: str
    options: dict[str, Any]
    content: str


class EditText:
    """The text of a notebook.

    Args:
        notebook: The notebook, which `take` changes.
        cell_types: The types of cells that there are.
    """

    def __init__(self, notebook: Notebook, cell_types: CellTypes) -> None:
        self._notebook = notebook
        self._cells = notebook.cells
        self._types = cell_types
        self._marker = "%%"
        texts = [shown_text(cell.content) for cell in self._cells]
        while any(re.search(rf"^{self._marker}", text, re.MULTILINE) for text in texts):
            self._marker += "%"
        self._head = re.compile(
            rf"{self._marker}(?!%)[ \t]*(?:(\d+)[ \t]*)?([^\s{{]*)[ \t]*(\{{.*)?"
        )

    def write(self) -> str:
        """The text, as an editor gets it."""
        lines = [line.format(marker=self._marker) for line in _INTRODUCTION]
        for number, cell in enumerate(self._cells, start=1):
            options = _options(cell)
            shown = f" {json.dumps(options, ensure_ascii=False)}" if options else ""
            head = f"{self._marker} {number} {_type_of(cell)}{shown_text(shown)}"
            lines += ["", head, shown_text(cell.content).rstrip("\n")]
        return "\n".join(lines) + "\n"

    def take(self, text: str) -> list[str]:
        """Make the notebook what the text says. Cells that it does not touch keep all that they have.

        Args:
            text: What the editor left.

        Returns:
            The ids of cells that are new, or not what they were.

        Raises:
            InvalidInput: The text cannot be read; the message names its line. Nothing is changed.
        """
        cells = [self._cell(part) for part in self._parts(text.replace("\r\n", "\n"))]
        before = {cell.id: cell for cell in self._cells}
        kept = {cell.id for cell in cells}
        dependencies = Dependencies(self._notebook)
        for cell in self._cells:
            if cell.id not in kept:
                dependencies.mark_changed(cell.id)
        for cell in self._cells:
            self._notebook.remove(cell.id)
        for cell in cells:
            self._notebook.insert(cell)
        changed = [cell.id for cell in cells if before.get(cell.id) is not cell]
        dependencies = Dependencies(self._notebook)
        for cell_id in changed:
            dependencies.mark_changed(cell_id)
        return changed

    def _parts(self, text: str) -> list[_Part]:
        parts: list[_Part] = []
        seen: set[int] = set()
        lines: list[str] = []
        for number, line in enumerate(text.split("\n"), start=1):
            found = self._head.fullmatch(line.rstrip()) if line.startswith(self._marker) else None
            if line.startswith(self._marker) and found is None:
                raise InvalidInput(
                    f"Line {number} cannot be read: write `{self._marker} code`, or another type."
                )
            if found is None:
                lines.append(line)
                continue
            self._close(parts, lines)
            part = self._part(number, found)
            if part.number is not None and part.number in seen:
                raise InvalidInput(
                    f"Line {number} names cell {part.number} again: leave out the number of a copy."
                )
            seen.add(part.number or 0)
            parts.append(part)
            lines = []
        self._close(parts, lines)
        return parts

    def _part(self, line: int, found: re.Match[str]) -> _Part:
        number = int(found[1][:9]) if found[1] else None
        if number is not None and not 1 <= number <= len(self._cells):
            raise InvalidInput(
                f"Line {line} names cell {number}, and there were {len(self._cells)}: leave out the "
                "number of a new one."
            )
        options: dict[str, Any] = {}
        if found[3]:
            try:
                options = json.loads(found[3])
            except ValueError as error:
                raise InvalidInput(f"The options in line {line} are no JSON: {error}.") from None
        word = found[2]
        if number is not None and not word:
            word = _type_of(self._cells[number - 1])
        return _Part(line, number, word, options, "")

    def _close(self, parts: list[_Part], lines: Sequence[str]) -> None:
        text = "\n".join(lines).rstrip("\n")
        if parts:
            parts[-1].content = text
            return
        known = {line.format(marker=self._marker) for line in _INTRODUCTION}
        for number, line in enumerate(lines, start=1):
            if line.strip() and line not in known:
                raise InvalidInput(
                    f"Line {number} belongs to no cell: put a line such as `{self._marker} markdown` "
                    "above it."
                )

    def _cell(self, part: _Part) -> Cell:
        old = None if part.number is None else self._cells[part.number - 1]
        if old is not None and part.type == _type_of(old):
            return self._changed(old, part)
        try:
            cell_class = self._types.get(part.type)
        except InvalidInput:
            words = ", ".join(self._types.words())
            raise InvalidInput(
                f"Line {part.line} has no type of cell `{part.type}`: there are {words}."
            ) from None
        fields = {**part.options, "content": part.content}
        if old is not None:
            fields |= {"id": old.id, "metadata": old.metadata}
        with _told(part):
            return build_cell(cell_class, fields)

    def _changed(self, old: Cell, part: _Part) -> Cell:
        """The cell itself where nothing of it was edited; else one with what was."""
        changes: dict[str, Any] = {}
        if part.content != shown_text(old.content).rstrip("\n"):
            changes["content"] = part.content
        shown = _options(old)
        # As JSON may not tell what it was told: a number as another kind, half a surrogate pair.
        if part.options != json.loads(shown_text(json.dumps(shown, ensure_ascii=False))):
            names = shown.keys() | part.options.keys()
            for name in names:
                if name in part.options:
                    changes[name] = part.options[name]
                else:
                    changes[name] = getattr(type(old)(content=""), name)
        if not changes:
            return old
        changed = old.copy(id=old.id)
        with _told(part):
            changed.change(**changes)
        return changed


@contextmanager
def _told(part: _Part) -> Iterator[None]:
    """Errors say in which line of the text they are."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"Line {part.line}: {error}") from None


def _type_of(cell: Cell) -> str:
    return cell.type if not isinstance(cell, ForeignCell) else "other"


def _options(cell: Cell) -> dict[str, Any]:
    if isinstance(cell, ForeignCell):
        return {}
    options: dict[str, Any] = to_builtins(cell.changed_options())
    return options


def shown_text(text: str) -> str:
    """A text as an editor can hold it.

    Args:
        text: Of a cell; carriage returns and half surrogate pairs are none that editors keep.
    """
    return _HALVES.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
