"""Cells and what they gave, for a terminal: Markdown, highlighted code, tables, names of pictures."""

from __future__ import annotations

import base64
import binascii
import json
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from llm_repl_core import Cell, Output, PromptCell
from llm_repl_server.cli.flowing_text import fit_text, stream_columns
from llm_repl_server.cli.frames import frame_parts
from llm_repl_server.cli.terminal_text import escape_controls, is_dumb

__all__ = ["CellPrinter", "output_parts"]

_NO_TERMINAL_WIDTH = 80
_INDENT = 2
"""Of what a cell gave."""
_ERROR_LINES = 20
"""How much of a traceback is shown: its end says most."""
_THEME = "ansi_light"
"""Of the terminal's own sixteen colours, which its user has chosen."""
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")


class CellPrinter:
    """Prints to standard output.

    Args:
        width: In columns; None: the terminal's, or 80.
    """

    def __init__(self, *, width: int | None = None) -> None:
        self._width = width
        self._console = Console(
            file=sys.stdout,
            width=self.columns,
            force_terminal=sys.stdout.isatty() and not is_dumb(),
            highlight=False,
            soft_wrap=False,
            emoji=False,
            markup=False,
        )

    @property
    def columns(self) -> int:
        """How wide the lines may be."""
        # Asked anew each time: the terminal may have another size meanwhile.
        return self._width or stream_columns(sys.stdout) or _NO_TERMINAL_WIDTH

    def name(self, name: str) -> None:
        """The notebook's name."""
        self.show(Text(escape_controls(name), style="bold"))

    def cell(self, cell: Cell, *, number: int, outputs: bool = True) -> None:
        """A cell: a line about it, its text, and what it gave."""
        self.show("")
        self.show(Text(escape_controls(_about(cell, number)), style="dim"))
        if cell.content:
            self.show(_source(cell))
        if outputs and cell.type != "markdown":
            for output in cell.outputs:
                self.output(output)

    def output(self, output: Output) -> None:
        """One output."""
        for part in output_parts(output, self.columns - _INDENT):
            self.show(Padding(part, (0, 0, 0, _INDENT)))

    def frame(self, output: Output) -> bool:
        """An output that is a frame, as wide as there is room; whether it is one."""
        parts = frame_parts(output, self.columns)
        for part in parts:
            self.show(part)
        return bool(parts)

    def show(self, shown: RenderableType) -> None:
        """Whatever Rich renders."""
        self._console.width = self.columns
        with self._console.capture() as captured:
            self._console.print(shown)
        # What is copied, or goes into a file, has no blanks up to the right edge.
        click.echo("\n".join(line.rstrip() for line in captured.get().split("\n")), nl=False)


def _about(cell: Cell, number: int) -> str:
    words = [f"[{number}]", cell.type or "foreign"]
    if isinstance(cell, PromptCell):
        options = {"model": cell.model, "each of": cell.for_each, "temperature": cell.temperature}
        words += [cell.response_var or ""]
        words += [f"{name} {value}," for name, value in options.items() if value is not None]
    if cell.stale:
        words.append("stale")
    elif cell.status in ("error", "interrupted"):
        words.append("failed" if cell.status == "error" else "interrupted")
    return " ".join(filter(None, words)).rstrip(",")


def _source(cell: Cell) -> RenderableType:
    text = escape_controls(cell.content)
    if cell.type == "markdown":
        return Markdown(text)
    if cell.type == "prompt":
        return Text(text)
    return Syntax(text, "python", theme=_THEME, background_color="default", word_wrap=True)


def output_parts(output: Output, columns: int) -> Iterable[RenderableType]:
    """What an output looks like, from top to bottom.

    Args:
        output: The output.
        columns: How wide it may be.
    """
    if output.type == "llm_response":
        yield Text(_took(output), style="dim")
        if "value" in output.fields:
            value = json.dumps(output.fields["value"], indent=2, ensure_ascii=False)
            yield Text(escape_controls(value))
        else:
            yield Markdown(escape_controls(output.content))
    elif output.type == "error":
        traceback = output.fields.get("traceback")
        lines = traceback[-_ERROR_LINES:] if isinstance(traceback, list) else []
        for line in lines:
            yield Text.from_ansi(fit_text(str(line), columns))
        if not lines:
            yield Text(escape_controls(output.content), style="red")
    elif output.type == "display":
        yield from frame_parts(output, columns) or _display(output)
    elif output.content:
        # The colours of programs stay; what else a terminal would obey does not.
        yield Text.from_ansi(output.content.rstrip("\n"))


def _took(output: Output) -> str:
    """Who answered, and what it took."""
    usage = output.fields.get("usage")
    words = [str(output.fields.get("model") or "a model")]
    if isinstance(usage, dict) and usage.get("output_tokens") is not None:
        words.append(f"{usage.get('input_tokens')} → {usage['output_tokens']} tokens")
    if output.fields.get("source") == "reuse":
        words.append("from record")
    if output.fields.get("finish_reason") == "length":
        words.append("cut off")
    return escape_controls(", ".join(words))


def _display(output: Output) -> Iterable[RenderableType]:
    data = output.fields.get("data")
    bundle: dict[str, Any] = data if isinstance(data, dict) else {}
    if isinstance(bundle.get("text/markdown"), str):
        yield Markdown(escape_controls(bundle["text/markdown"]))
        return
    pictures = [kind for kind in _PICTURES if kind in bundle]
    if pictures:
        size = _size_bytes(pictures[0], bundle[pictures[0]])
        yield Text(f"[picture, {pictures[0]}, {size / 1000:,.0f} kB]", style="dim")
    if output.content and not pictures:
        yield Text(escape_controls(output.content.rstrip("\n")))


def _size_bytes(kind: str, content: Any) -> int:
    if kind == "image/svg+xml":
        return len(str(content).encode("utf-8", "replace"))
    try:
        return len(base64.b64decode(str(content)))
    except (binascii.Error, ValueError):
        return 0
