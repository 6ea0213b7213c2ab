"""Prints outputs of cells: tables that fit the width, pictures where the terminal can, and the rest."""

from __future__ import annotations

import json

from rich.text import Text

from llm_repl_core import Output
from llm_repl_core.model.json_value import JSONValue
from llm_repl_server.cli.cell_printer import CellPrinter, output_parts
from llm_repl_server.cli.terminal_text import escape_controls

__all__ = ["OutputPrinter"]


class OutputPrinter:
    """Shows one output after the other.

    Args:
        cells: Prints what Rich renders.
    """

    def __init__(self, cells: CellPrinter) -> None:
        self._cells = cells

    def show(self, output: Output) -> None:
        """Print an output.

        Args:
            output: Any but an answer.
        """
        for part in output_parts(output):
            self._cells.show(part)

    def show_value(self, value: JSONValue) -> None:
        """Print a structured answer."""
        self._cells.show(Text(escape_controls(json.dumps(value, indent=2, ensure_ascii=False))))
