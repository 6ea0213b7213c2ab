"""Prints outputs of cells: tables that fit the width, pictures where the terminal can, and the rest."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.text import Text

from llm_repl_core import Output
from llm_repl_core.model.json_value import JSONValue
from llm_repl_server.cli.cell_printer import CellPrinter, output_parts
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.frames import frame_parts
from llm_repl_server.cli.terminal_text import escape_controls
from llm_repl_server.repl.pictures import (
    draw_picture,
    picture_bytes,
    picture_file,
    picture_protocol,
)

__all__ = ["OutputPrinter"]

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")


class OutputPrinter:
    """Shows one output after the other.

    Args:
        cells: Prints what Rich renders.
        pictures: The folder for pictures that the terminal cannot show.
    """

    def __init__(self, cells: CellPrinter, pictures: Path) -> None:
        self._cells = cells
        self._pictures = pictures

    def show(self, output: Output, *, name: str) -> None:
        """Print an output for somebody who looks at it.

        Args:
            output: Any but an answer.
            name: By which a picture's file is named.
        """
        data = output.fields.get("data") if output.type == "display" else None
        frame = frame_parts(output, self._cells.columns)
        if (
            isinstance(data, dict)
            and "text/markdown" not in data
            and not frame
            and self._show_picture(data, name)
        ):
            return
        for part in frame or output_parts(output, self._cells.columns):
            self._cells.show(part)

    def show_plainly(self, output: Output) -> None:
        """Print an output as text, for a program; errors go to standard error."""
        if output.type == "error":
            lines = output.fields.get("traceback")
            text = "\n".join(map(str, lines)) if isinstance(lines, list) else ""
            echo(escape_controls(text or output.content, for_terminal=False), err=True, wrap=False)
        elif "value" in output.fields:
            echo(json.dumps(output.fields["value"], ensure_ascii=False), wrap=False)
        else:
            text = escape_controls(output.content, for_terminal=False)
            echo(text, err=output.type == "warning", nl=not text.endswith("\n"), wrap=False)

    def show_value(self, value: JSONValue) -> None:
        """Print a structured answer."""
        self._cells.show(Text(escape_controls(json.dumps(value, indent=2, ensure_ascii=False))))

    def _show_picture(self, data: dict[str, JSONValue], name: str) -> bool:
        """Show or name the picture of a MIME bundle; whether there is one."""
        kind = next((kind for kind in _PICTURES if kind in data), None)
        content = None if kind is None else picture_bytes(kind, data[kind])
        if kind is None or content is None:
            return False
        drawn = draw_picture(kind, content, picture_protocol())
        if drawn is not None:
            sys.stdout.write(drawn)
            sys.stdout.flush()
            return True
        try:
            path = picture_file(self._pictures, name, kind, content)
        except OSError:
            return False
        echo(f"picture: {path}", hang="  ", dim=True)
        return True
