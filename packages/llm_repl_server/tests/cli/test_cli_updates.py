"""Progress bars, displays that are updated and outputs that are cleared, in files and on terminals."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llm_repl_core import Notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]

BAR = "for i in range(300): print(f'\\r{i} of 299', end='')\nprint()"
SHOW = "display('start', display_id='shared');"
UPDATE = (
    "from IPython.display import update_display\n"
    "for i in range(100): update_display(i, display_id='shared')"
)
CLEAR = (
    "from IPython.display import clear_output\n"
    "for i in range(100):\n"
    "    clear_output(wait=True); print('round', i)"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    document = Notebook("Test")
    for code in (BAR, SHOW, UPDATE, CLEAR, "print('open', end='')"):
        document.add_code(code)
    save_notebook(document, tmp_path / "nb.llmn")
    return tmp_path / "nb.llmn"


@pytest.mark.parametrize("options", [[], ["-q"]])
def test_a_file_gets_the_last_states(llm_repl: RunCommand, path: Path, options: list[str]) -> None:
    ended = llm_repl("run", *options, str(path))
    assert ended.returncode == 0
    assert ended.stdout == "299 of 299\n'start'\n99\nround 99\nopen"


def test_a_terminal_goes_back(terminal: Callable[..., Any], path: Path) -> None:
    process = terminal("run", str(path))
    process.wait_for("[5/5]")
    assert process.end() == 0
    assert "299 of 299" in process.shown
    assert "round 99" in process.shown
    assert "round 50" not in process.shown
