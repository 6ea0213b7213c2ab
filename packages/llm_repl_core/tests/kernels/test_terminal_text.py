"""A cursor that goes over text: each movement, and each way to erase."""

from __future__ import annotations

import pytest

from llm_repl_core.kernels.terminal_text import (
    SCREEN_ROWS,
    TerminalText,
    goes_back,
    unfinished_escape,
)


def shown(text: str) -> list[str]:
    terminal = TerminalText("")
    terminal.write(text)
    return terminal.lines()


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("a\nb\x1b[Ac", ["ac", "b"]),
        ("a\nb\nc\x1b[2Ad", ["ad", "b", "c"]),
        ("a\x1b[9Ab", ["ab"]),
        ("a\nb\x1b[A\x1b[Bc", ["a", "bc"]),
        ("a\x1b[9Bb", ["ab"]),
        ("a\nbc\x1b[Fd", ["d", "bc"]),
        ("a\nbc\x1b[A\x1b[Ed", ["a", "dc"]),
        ("abc\x1b[2Dd", ["adc"]),
        ("abc\x1b[9Dd", ["dbc"]),
        ("abc\b\b\b\bd", ["dbc"]),
        ("a\x1b[2Cb", ["a  b"]),
        ("abc\x1b[2Gd", ["adc"]),
        ("abc\x1b[0Gd", ["dbc"]),
        ("a\nb\nc\x1b[Hd", ["d", "b", "c"]),
        ("a\nb\nc\x1b[2;3Hd", ["a", "b d", "c"]),
        ("a\nb\nc\x1b[;2fd", ["ad", "b", "c"]),
        ("a\nb\x1b[9;1Hc", ["a", "c"]),
        # Erasing: to the end, from the beginning, all of it.
        ("abc\x1b[2G\x1b[K", ["a"]),
        ("abcd\x1b[2G\x1b[1Kx", [" xcd"]),
        ("abc\x1b[2G\x1b[2Kd", [" d"]),
        ("a\nbc\nd\x1b[2;2H\x1b[J", ["a", "b"]),
        ("a\nbc\nd\x1b[2;1H\x1b[1J", ["", " c", "d"]),
        ("a\nbc\nd\x1b[2;1H\x1b[2Je", ["", "e"]),
        ("abc\x1b[J", ["abc"]),
        # Behind the cursor, erased blanks are not seen.
        ("abc\r   \r", [""]),
        ("abc\r   ", ["   "]),
        # Styles stay with their letters, and end with them.
        ("\x1b[31mab\x1b[0m\rc", ["c\x1b[31mb\x1b[0m"]),
        ("\x1b[31mab\x1b[mc", ["\x1b[31mab\x1b[0mc"]),
        ("\x1b[1;31ma\x1b[0;32mb", ["\x1b[1;31ma\x1b[0m\x1b[0;32mb\x1b[0m"]),
        # What shows nothing.
        ("\x1b[?25la\a", ["a"]),
        ("\x1b]0;title\x07a\x1b]8;;x\x1b\\b", ["ab"]),
        ("\x1b(Ba\x1b)0b\x1b7c\x1b8d\x1b=e\x1b>f\x1bcg\x1bMh", ["abcdefgh"]),
        ("a\x1b", ["a"]),
    ],
)
def test_each_movement(written, lines):
    assert shown(written) == lines


def test_text_that_is_there_goes_on():
    terminal = TerminalText("a\n\x1b[31mbc\x1b[0m")
    assert terminal.is_plain
    terminal.write("\rd")
    assert not terminal.is_plain
    assert terminal.lines() == ["a", "d\x1b[31mc\x1b[0m"]


def test_it_is_plain_where_its_lines_say_all():
    terminal = TerminalText("ab")
    for text, is_plain in (("\r", False), ("\x1b[2C", True), ("\x1b[1m", False), ("\x1b[0m", True)):
        terminal.write(text)
        assert terminal.is_plain is is_plain
    terminal.write("\nc\x1b[A")
    assert not terminal.is_plain


def test_what_has_scrolled_away_is_out_of_reach():
    terminal = TerminalText("")
    terminal.write("\n".join(map(str, range(SCREEN_ROWS + 10))))
    terminal.write("\x1b[10000Afirst\x1b[H\x1b[Ktop")
    assert terminal.lines()[9:12] == ["9", "top", "11"]
    terminal.scroll()
    assert terminal.lines()[0] == "top"
    assert len(terminal.lines()) == SCREEN_ROWS
    terminal.write("\rt")
    assert terminal.lines()[0] == "top"


def test_a_style_that_only_grows_has_an_end():
    terminal = TerminalText("")
    terminal.write("\x1b[1m" * 1000 + "a")
    assert len(terminal.lines()[0]) < 200


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("abc\n", False),
        ("\x1b[31ma\x1b[0m", False),
        ("\x1b(Ba", False),
        ("a\rb", True),
        ("a\bb", True),
        ("\x1b[2K", True),
        ("\x1b[1;1H", True),
    ],
)
def test_what_goes_back(text, goes):
    assert goes_back(text) is goes


@pytest.mark.parametrize(
    ("text", "length"),
    [("a", 0), ("a\x1b", 1), ("a\x1b[", 2), ("a\x1b[12;3", 6), ("a\x1b[1m", 0), ("a\x1b(", 2)],
)
def test_a_sequence_that_is_not_whole_yet(text, length):
    assert unfinished_escape(text) == length
