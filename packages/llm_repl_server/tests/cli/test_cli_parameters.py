"""Parameters of a run: papermill's rule, and what is told of those that cannot be meant."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.fixture(params=["nb.llmn", "nb.ipynb"])
def notebook(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    document = Notebook("Parameters")
    document.add_code("n = 3\ndebug = False\nmonth = 'May'").metadata["tags"] = ["parameters"]
    document.add_prompt("What is {n} in {month}?")
    document.add_code("print(n, debug, month, response_1.endswith(f'What is {n} in {month}?'))")
    path = tmp_path / str(request.param)
    save_notebook(document, path)
    return path


def test_they_go_before_the_defaults_and_are_saved_in_the_output_only(
    llm_repl: RunCommand, notebook: Path, tmp_path: Path
) -> None:
    before = notebook.read_bytes()
    ended = llm_repl(
        *("run", "-q", notebook.name, "-p", "n=9", "-p", "debug=true", "-r", "month", "7"),
        *("-o", f"out{notebook.suffix}"),
    )
    assert ended.stdout.splitlines()[-1] == "9 True 7 True", ended.stderr
    assert notebook.read_bytes() == before
    saved = load_notebook(tmp_path / f"out{notebook.suffix}")
    assert saved.cells[1].metadata["tags"] == ["injected-parameters"]
    assert saved.cells[1].content == "# Parameters\nn = 9\ndebug = True\nmonth = '7'"
    # What was saved runs again as it ran, and takes parameters anew.
    assert llm_repl("run", "-q", f"out{notebook.suffix}").stdout == ended.stdout
    again = llm_repl("run", "-q", f"out{notebook.suffix}", "-p", "n=10")
    assert again.stdout.splitlines()[-1] == "10 False May True"


def test_a_file_gives_them_too(llm_repl: RunCommand, notebook: Path, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("n: 4\nmonth: June\n")
    ended = llm_repl("run", "-q", notebook.name, "-f", "p.yaml", "-p", "n=5")
    assert ended.stdout.splitlines()[-1] == "5 False June True", ended.stderr


def test_a_recording_is_replayed_with_the_same_ones(llm_repl: RunCommand, notebook: Path) -> None:
    recorded = llm_repl("run", "-q", notebook.name, "-p", "n=9", "--record")
    replayed = llm_repl("run", "-q", notebook.name, "-p", "n=9", "--replay")
    assert (replayed.returncode, replayed.stdout) == (0, recorded.stdout)
    other = llm_repl("run", "-q", notebook.name, "-p", "n=8", "--replay")
    assert other.returncode == 1
    assert "+ What is 8 in May?" in other.stderr


def test_a_preview_takes_them(llm_repl: RunCommand, notebook: Path) -> None:
    for more in ([], ["--run-above"]):
        given = ["-p", "n=9", "-p", "month=June"]
        shown = llm_repl("preview", notebook.name, "2", *given, *more)
        assert "What is 9 in June?" in shown.stdout, shown.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-p", "n=nine"], "`n` takes a whole number (the notebook's own is 3), and got 'nine'."),
        (["-p", "n="], "and got nothing."),
        (["-p", "debug=maybe"], "true or false"),
        (["-p", "month=False"], "-r month=False"),
        (["-p", "class=2"], "`class`"),
        (["-p", "mnoth=June"], "Did you mean `month`?"),
        (["-p", "n", "9"], "must be NAME=VALUE"),
        (["-f", "missing.yaml"], "no file missing.yaml"),
        (["-f", "list.yaml"], "`name: value`"),
        (["-f", "broken.yaml"], "broken.yaml cannot be used: it is not YAML at line 1"),
        (["-f", "binary.yaml"], "is not YAML"),
        (["-f", "doubled.yaml"], "doubled.yaml cannot be used: it names `n` twice (lines 1 and 3)"),
        (["-f", "doubled.json"], "names `n` twice"),
        (["-f", "fifo"], "fifo is a pipe to which nothing is written."),
        (["-p", 'many={"a": 1, "a": 2}'], "The value of the parameter `many` names `a` twice"),
        (["-p", "many={'a': 1, 'a': 2}"], "names `'a'` twice"),
        (["-p", "many={a: 1, a: 2}"], "names `a` twice"),
        (["-p", 'free={"a": 1, "a": 2}'], "names `a` twice"),
        (["-f", "typed.yaml"], "`n` takes a whole number"),
        (["-f", "."], "folder"),
    ],
)
@pytest.mark.parametrize("command", [["run"], ["preview"]])
def test_what_cannot_be_meant_is_told_before_anything_runs(
    llm_repl: RunCommand,
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
    command: list[str],
) -> None:
    document = Notebook("Parameters")
    document.add_code("n = 3\ndebug = False\nmonth = 'May'\nmany = {}\nfree = f()").metadata[
        "tags"
    ] = ["parameters"]
    document.add_code("open('ran', 'w').close()")
    document.add_prompt("x")
    save_notebook(document, tmp_path / "nb.llmn")
    (tmp_path / "list.yaml").write_text("- a\n")
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "typed.yaml").write_text("n: nine")
    (tmp_path / "doubled.yaml").write_text("n: 1\nmonth: May\nn: 2\n")
    (tmp_path / "doubled.json").write_text('{"n": 1, "n": 2}')
    os.mkfifo(tmp_path / "fifo")
    place = ["3"] if command == ["preview"] else []
    ended = llm_repl(*command, "nb.llmn", *place, *arguments)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "ran").exists()


def test_a_file_may_be_what_a_program_writes(llm_repl: RunCommand, notebook: Path) -> None:
    ran = llm_repl("run", notebook.name, "-f", "/dev/stdin", stdin="n: 9\nmonth: June\n")
    assert ran.returncode == 0, ran.stderr
    assert "What is 9 in June?" in ran.stdout


def test_one_that_a_cell_sets_anew_is_told(llm_repl: RunCommand, tmp_path: Path) -> None:
    document = Notebook("No defaults")
    document.add_code("n = 3")
    document.add_code("print(n)")
    save_notebook(document, tmp_path / "nb.llmn")
    ended = llm_repl("run", "-q", "nb.llmn", "-p", "n=9")
    assert (ended.returncode, ended.stdout) == (0, "3\n")
    assert "Warning: Cell 1 sets `n` before anything uses it" in ended.stderr
    assert "tag the cell `parameters`" in ended.stderr
