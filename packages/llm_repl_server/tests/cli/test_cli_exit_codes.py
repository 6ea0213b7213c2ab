"""The documented exit codes are those that there are."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_repl_core import Notebook, save_notebook
from llm_repl_core.errors import LLMReplError
from llm_repl_server.cli.standard_streams import PIPE_CLOSED_EXIT_CODE
from llm_repl_server.cli.termination import Termination

pytestmark = pytest.mark.one_python

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "cli.md"


def documented() -> dict[int, str]:
    """The rows of the table, by code."""
    table = PAGE.read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    return {
        int(code): text for code, text in re.findall(r"^\| (\d+) \| (.*) \|$", table, re.MULTILINE)
    }


def errors(root: type[LLMReplError] = LLMReplError) -> Iterator[type[LLMReplError]]:
    """All errors of the tree."""
    yield root
    for below in root.__subclasses__():
        yield from errors(below)


def test_the_table_has_each_code_once_and_no_other() -> None:
    termination = Termination()
    stopped = termination.exit_code
    termination.asked = True
    of_errors = {error.exit_code for error in errors()}
    codes = {0, *of_errors, PIPE_CLOSED_EXIT_CODE, stopped, termination.exit_code}
    assert documented().keys() == codes
    assert "SIGTERM" in documented()[termination.exit_code]
    assert documented()[stopped] == "Ctrl-C"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("run good.llmn", 0),
        ("run bad.llmn", 1),
        ("merge good.llmn bad.llmn other.llmn", 1),
        ("show none.llmn", 2),
        ("graph bad.llmn --no-such", 2),
        ("settings nonsense", 2),
    ],
)
def test_commands_exit_as_the_table_says(
    forked_llm_repl: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    line: str,
    code: int,
) -> None:
    document = Notebook("Codes")
    cell = document.add_code("1 + 1")
    for name, content in (("good", "1 + 1"), ("bad", "1 / 0"), ("other", "2 / 0")):
        cell.content = content
        save_notebook(document, tmp_path / f"{name}.llmn")
    ended = forked_llm_repl(*line.split())
    assert ended.returncode == code, ended.stderr
    assert code in documented()
