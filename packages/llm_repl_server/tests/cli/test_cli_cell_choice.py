"""Runs of some cells: by number, from and to, and of what is out of date."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    """As the fixture of all, without the log, which is a database that takes time to make."""
    return lambda *arguments: forked_llm_repl(arguments[0], "--no-log", *arguments[1:])


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """1 sets `n`; 2 asks about it; 3 prints the answer; 4 is alone; 5 asks about the answer."""
    document = Notebook("Choice")
    document.add_code("n = 3").metadata["tags"] = ["parameters"]
    document.add_prompt("What is {n}?", response_var="what", model="echo")
    document.add_code("print(what.upper())")
    document.add_code("print('alone')")
    document.add_prompt("Again {what}", response_var="again", model="echo")
    path = tmp_path / "n.llmn"
    save_notebook(document, path)
    return path


def ran(ended: subprocess.CompletedProcess[str]) -> list[int]:
    """The numbers of the cells that ran, in order."""
    return [int(number) for number in re.findall(r"^\[(\d+)/\d+\]", ended.stderr, re.MULTILINE)]


def test_chosen_cells_run_with_what_they_need_and_no_answer_is_asked_for_twice(
    llm_repl: RunCommand, notebook: Path
) -> None:
    assert ran(llm_repl("run", "n.llmn", "--cells", "3")) == [1, 2, 3]
    assert ran(llm_repl("run", "n.llmn", "--from", "4", "--to", "4")) == [4]
    assert ran(llm_repl("run", "n.llmn", "--to", "2")) == [1, 2]
    assert ran(llm_repl("run", "n.llmn", "--cells", "2-4", "--from", "3")) == [1, 2, 3, 4]
    assert llm_repl("run", "-q", "n.llmn", "-o", "done.llmn").returncode == 0
    # The file has the answers now: code above runs again, prompts need not.
    kept = llm_repl("run", "done.llmn", "--cells", "3,5")
    assert (ran(kept), kept.stdout) == ([3, 5], "WHAT IS 3?\nAgain What is 3?\n")
    # Not where they were asked with other parameters; numbers are those of the file.
    other = llm_repl("run", "done.llmn", "--cells", "3", "-p", "n=4", "-o", "four.llmn")
    assert (ran(other), other.stdout) == ([2, 3, 4], "What is 4?\nWHAT IS 4?\n")
    assert [cell.stale for cell in load_notebook(notebook.with_name("four.llmn"))][-1]


def test_stale_runs_what_has_no_result_or_would_have_another(
    llm_repl: RunCommand, notebook: Path
) -> None:
    assert ran(llm_repl("run", "n.llmn", "--stale", "-o", "n.llmn")) == [1, 2, 3, 4, 5]
    nothing = llm_repl("run", "n.llmn", "--stale", "-o", "same.llmn")
    assert (nothing.returncode, ran(nothing), nothing.stdout) == (0, [], "")
    assert "Nothing to run: no cell is out of date." in nothing.stderr
    assert load_notebook(notebook.with_name("same.llmn")) is not None
    # Edited in another program, which knows nothing of what depends on what.
    notebook.write_text(notebook.read_text().replace("print('alone')", "print('edited')"))
    edited = llm_repl("run", "n.llmn", "--stale", "-o", "n.llmn")
    assert (ran(edited), edited.stdout) == ([4], "edited\n")
    notebook.write_text(notebook.read_text().replace("What is {n}?", "Why is {n}?"))
    edited = llm_repl("run", "n.llmn", "--stale", "-o", "n.llmn")
    assert (ran(edited), edited.stdout) == (
        [1, 2, 3, 5],
        "Why is 3?\nWHY IS 3?\nAgain Why is 3?\n",
    )


def test_parameters_of_an_untagged_notebook_make_stale_what_reads_them(
    llm_repl: RunCommand, tmp_path: Path
) -> None:
    document = Notebook("Plain")
    for code in ("print(limit)", "print('alone')"):
        document.add_code(code)
    save_notebook(document, tmp_path / "p.llmn")
    assert llm_repl("run", "-q", "p.llmn", "-p", "limit=1", "-o", "p.llmn").stdout == "1\nalone\n"
    ended = llm_repl("run", "-q", "p.llmn", "--stale", "-p", "limit=2")
    assert (ended.returncode, ended.stdout) == (0, "2\n"), ended.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cells", "9"], "There is no cell 9: the notebook has 5 cells."),
        (["--from", "6"], "There is no cell 6: the notebook has 5 cells."),
        (["--from", "3", "--to", "2"], "From cell 3 to cell 2 there is nothing to run."),
        (["--cells", "1-2", "--from", "3"], "nothing lies between --from and --to"),
        (["--cells", "0"], "they count from 1"),
        (["--cells", "two"], "must be cell numbers such as 3,5-7 or 5-"),
    ],
)
def test_a_choice_that_cannot_be_gets_a_sentence(
    llm_repl: RunCommand, notebook: Path, arguments: list[str], sentence: str
) -> None:
    ended = llm_repl("run", notebook.name, *arguments)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_advice_repeats_the_choice(llm_repl: RunCommand, notebook: Path) -> None:
    ended = llm_repl("run", notebook.name, "--replay", "--cells", "1,2-3,5-", "-p", "n=2")
    assert "--reuse --record n.llmn --cells 1,2-3,5- -p n=2 --no-log`" in ended.stderr


def test_only_what_runs_needs_its_provider(llm_repl: RunCommand, tmp_path: Path) -> None:
    document = Notebook("Providers")
    document.add_code("print('free')")
    document.add_prompt("Hello", provider="openai")
    save_notebook(document, tmp_path / "o.llmn")
    assert llm_repl("run", "-q", "o.llmn", "--cells", "1").stdout == "free\n"
    refused = llm_repl("run", "-q", "o.llmn")
    assert (refused.returncode, "needs a key" in refused.stderr) == (2, True)
