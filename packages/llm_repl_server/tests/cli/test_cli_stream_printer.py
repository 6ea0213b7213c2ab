"""Text that goes back in what a terminal shows."""

from __future__ import annotations

import io
import sys

import pytest

from llm_repl_core import CellOutput, CellOutputUpdated, Output
from llm_repl_server.cli.stream_printer import StreamPrinter

PLACE = {"notebook_id": "n", "run_id": "r", "sequence": 1, "cell_id": "c", "index": 0}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "lines", "rows_up"),
    [
        ("x" * 65, 1, 1),
        ("x" * 40, 1, 0),
        ("x" * 41, 1, 1),
        ("\u4e2d" * 21, 1, 1),
        ("\x1b[31m" + "x" * 39 + "\x1b[0m", 1, 0),
        ("x" * 65 + "\n" + "y" * 81, 2, 4),
        ("long enough to take two rows but not gone back into\nshort", 1, 0),
        ("", 1, 0),
    ],
)
def test_it_goes_back_over_all_rows_that_a_line_took(
    monkeypatch: pytest.MonkeyPatch, text: str, lines: int, rows_up: int
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    printer = StreamPrinter()
    printer.show(CellOutput(**PLACE, output=Output.stdout(text)))
    before = len(terminal.getvalue())
    for _ in range(2):
        printer.show(CellOutputUpdated(**PLACE, output=Output.stdout(text), lines=lines))
        told = terminal.getvalue()[before:]
        up = f"\x1b[{rows_up}A" if rows_up else ""
        assert told.startswith(f"\r{up}\x1b[J")
        printer.show(CellOutputUpdated(**PLACE, output=Output.stdout(""), lines=lines))
        printer.show(CellOutput(**PLACE, output=Output.stdout(text)))
        before = len(terminal.getvalue())


def test_what_a_program_prints_colours_a_terminal_and_does_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    printer = StreamPrinter()
    pieces = (
        "a\x1b",
        "[2",
        "Jb \x1b]0;title\x07",
        "\x1b[?1049h\x0e\x9b\xe9\x1bc\r",
        "\x1b[3",
        "1mred",
    )
    for piece in pieces:
        printer.show(CellOutput(**PLACE, output=Output.stdout(piece)))
    assert terminal.getvalue() == "ab \\x0e\\x9b\xe9\r\x1b[31mred"
    printer.end_line()
    assert terminal.getvalue().endswith("red\x1b[0m\n")
