"""What a run from the command line says of items without an answer, and that doing so helps."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Application, Notebook, Settings

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


GO_ON = "Run the notebook again with `--reuse` to ask for those only."
NOTHING_KEPT = "The calls of this run are not kept, so that another run asks for all of them."
ANSWERS = ["ask a", "ask b", "ask c"]


@pytest.fixture
def items(tmp_path: Path) -> Callable[[str], str]:
    def write(name: str) -> str:
        notebook = Notebook("Items", id=f"id of {name}")
        notebook.add_prompt("ask {item}", for_each="'abc'", model="echo", response_var="answers")
        Application(Settings()).save(notebook, tmp_path / name)
        return name

    return write


def asked(llm_repl: RunCommand) -> int:
    """How many calls were really sent, in all runs."""
    listed = json.loads(llm_repl("calls", "list", "--json").stdout)
    return sum(one["source"] == "live" for one in listed)


def fail_in_the_middle(llm_repl: RunCommand, *arguments: str) -> str:
    ended = llm_repl("run", "-q", *arguments, "--max-calls", "2")
    assert ended.returncode == 1
    assert "ItemsFailed: 1 of 3 items have no answer" in ended.stderr
    return ended.stderr


@pytest.mark.parametrize("name", ["n.llmn", "n.ipynb"])
@pytest.mark.parametrize("output", [None, "elsewhere", "in place"])
def test_reuse_asks_for_those_only(
    llm_repl: RunCommand, items: Callable[[str], str], name: str, output: str | None
) -> None:
    items(name)
    to = [] if output is None else ["-o", name if output == "in place" else f"other-{name}"]
    assert GO_ON in fail_in_the_middle(llm_repl, name, *to)
    assert asked(llm_repl) == 2
    ended = llm_repl("run", "-q", name, "--reuse", *to)
    assert (ended.returncode, ended.stdout.splitlines()) == (0, ANSWERS)
    assert asked(llm_repl) == 3


def test_recordings_are_enough(
    llm_repl: RunCommand, items: Callable[[str], str], tmp_path: Path
) -> None:
    name = items("n.llmn")
    assert GO_ON in fail_in_the_middle(llm_repl, name, "--no-log", "--record")
    ended = llm_repl("run", "-q", name, "--reuse", "--record")
    assert (ended.returncode, ended.stdout.splitlines()) == (0, ANSWERS)
    assert asked(llm_repl) == 1
    assert len((tmp_path / "n.calls.jsonl").read_text().splitlines()) == 1 + 3


def test_nothing_is_promised_where_nothing_is_kept(
    llm_repl: RunCommand, items: Callable[[str], str], tmp_path: Path
) -> None:
    name = items("n.llmn")
    assert NOTHING_KEPT in fail_in_the_middle(llm_repl, name, "--no-log")
    (tmp_path / "data").write_text("a file where the folder should be")
    assert NOTHING_KEPT in fail_in_the_middle(llm_repl, name)
