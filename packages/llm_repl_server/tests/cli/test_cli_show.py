"""`llm-repl show`: a notebook to read, in any terminal."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import CodeCell, MarkdownCell, Notebook, Output, PromptCell, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
PICTURE = base64.b64encode(b"\x89PNG" + bytes(12_000)).decode()


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.fixture(autouse=True)
def _notebook(tmp_path: Path) -> None:
    answer = Output("llm_response", "It **rains**.\n\n- a\n- b", {
        "model": "gpt-5.4", "usage": {"input_tokens": 10, "output_tokens": 5}, "source": "reuse",
    })  # fmt: skip
    cells = [
        MarkdownCell(content="# Head\n\nSome *text* that is long enough to be wrapped at forty columns."),
        CodeCell(content="print('hi')", status="completed", outputs=[
            Output.stdout("hi \x1b[31mred\x1b[0m \x1b]0;title\x07\n"),
            Output.display({"text/plain": "<Figure>", "image/png": PICTURE}),
        ]),
        PromptCell(content="How is {city}?", response_var="weather", status="completed", stale=True,
                   outputs=[answer]),
        CodeCell(content="1/0", status="error", outputs=[
            Output.error("ZeroDivisionError", "division by zero", ["Traceback", "ZeroDivisionError: division by zero"]),
        ]),
    ]  # fmt: skip
    save_notebook(Notebook("Trip", cells=cells), tmp_path / "n.llmn")


def test_cells_with_what_they_gave(llm_repl: RunCommand) -> None:
    ended = llm_repl("show", "n.llmn")
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = ended.stdout
    assert shown.startswith("Trip\n")
    assert "[2] code\nprint('hi')\n  hi red" in shown
    assert "[picture, image/png, 12 kB]" in shown
    assert (
        "[3] prompt weather stale\nHow is {city}?\n  gpt-5.4, 10 → 5 tokens, from record\n" in shown
    )
    assert "It rains." in shown
    assert "• a" in shown
    assert "[4] code failed" in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_some_cells_without_what_they_gave(llm_repl: RunCommand) -> None:
    shown = llm_repl("show", "n.llmn", "--cells", "2-3,4", "--no-outputs").stdout
    assert [line for line in shown.splitlines() if line] == [
        "[2] code",
        "print('hi')",
        "[3] prompt weather stale",
        "How is {city}?",
        "[4] code failed",
        "1/0",
    ]


def test_forty_columns(llm_repl: RunCommand) -> None:
    lines = llm_repl("show", "n.llmn", "--width", "40").stdout.splitlines()
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("cells", ["0", "a", "3-2", "1,,2", "9"])
def test_cells_that_are_none_are_told(llm_repl: RunCommand, cells: str) -> None:
    ended = llm_repl("show", "n.llmn", "--cells", cells)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Error: " in ended.stderr
