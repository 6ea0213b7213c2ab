"""What a line is, by its prefix and its mode."""

from __future__ import annotations

import pytest

from llm_repl_server.repl.modes import InputMode, TypedLine, mode_of, read_line

PY, ASK, MD = InputMode.PYTHON, InputMode.PROMPT, InputMode.MARKDOWN


@pytest.mark.parametrize(
    ("text", "kind", "content"),
    [
        ("x = 1", "code", "x = 1"),
        ("%time f()", "code", "%time f()"),
        ("a / b", "code", "a / b"),
        ("?what is {x}", "prompt", "what is {x}"),
        ("? what is {x}\nand why", "prompt", "what is {x}\nand why"),
        ("?hello", "prompt", "hello"),
        ("??really", "prompt", "?really"),
        ("# Results", "markdown", "# Results"),
        ("# Results\n\nThey are good.", "markdown", "# Results\n\nThey are good."),
        ("# a comment\nx = 1", "code", "# a comment\nx = 1"),
        (":limit = 5", "memory", "limit = 5"),
        ("!ls -l", "code", "!ls -l"),
    ],
)
def test_the_prefix_says_what_a_line_is(text: str, kind: str, content: str) -> None:
    line = read_line(text, PY, {"frame": None})
    assert line is not None
    assert not line.is_command
    assert not line.asks_about
    assert (line.kind, line.text) == (kind, content)


@pytest.mark.parametrize("text", ["", "  \n ", "?", " : "])
def test_nothing_is_no_cell(text: str) -> None:
    assert read_line(text, PY) is None


@pytest.mark.parametrize(
    ("text", "name", "wants_source"),
    [
        ("?frame", "frame", False),
        ("??frame.head", "frame.head", True),
        ("frame?", "frame", False),
        ("frame.head??", "frame.head", True),
        ("?len", "len", False),
        ("missing?", "missing", False),
    ],
)
def test_a_name_with_question_marks_asks_about_it(text: str, name: str, wants_source: bool) -> None:
    line = read_line(text, PY, {"frame": None})
    assert line is not None
    assert (line.asks_about, line.wants_source) == (name, wants_source)


def test_a_command_is_one_in_every_mode() -> None:
    for mode in InputMode:
        assert read_line("/run 2", mode) == TypedLine(mode, "run 2", is_command=True)
    path = read_line("/usr/bin/python is a path", ASK)
    assert path is not None
    assert not path.is_command


def test_modes_follow_one_another_and_come_back() -> None:
    mode = PY
    seen = []
    for _ in InputMode:
        seen.append(mode)
        mode = mode.next()
    assert mode is PY
    assert set(seen) == set(InputMode)
    assert mode_of("x = 1", ASK) is ASK
    asked = read_line("x = 1?", ASK)
    assert asked is not None
    assert asked.kind == "prompt"


@pytest.mark.parametrize("line", ["exit", "quit", "exit()", " quit ( ) "])
def test_what_leaves_python_leaves(line: str) -> None:
    assert read_line(line, InputMode.PYTHON) == TypedLine(InputMode.PYTHON, "quit", is_command=True)
    own = read_line(line, InputMode.PYTHON, names=["exit", "quit"])
    assert own is not None
    assert not own.is_command
    asked = read_line(line, InputMode.PROMPT)
    assert asked is not None
    assert not asked.is_command
