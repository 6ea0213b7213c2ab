"""Several notebooks at once: a line each, one exit code, one budget, and Ctrl-C for all."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    """As the fixture of all, without the log, which is a database that takes time to make."""
    return lambda *arguments: forked_llm_repl(arguments[0], "--no-log", *arguments[1:])


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Make a notebook: texts are code; those that end in ``?`` are prompts."""

    def make(name: str, *cells: str) -> Path:
        document = Notebook(name)
        for cell in cells:
            if cell.endswith("?"):
                document.add_prompt(cell, model="echo")
            else:
                document.add_code(cell)
        path = tmp_path / name
        save_notebook(document, path)
        return path

    return make


def test_each_has_a_line_and_those_that_fail_are_named_at_the_end(
    llm_repl: RunCommand, notebook: Callable[..., Path], tmp_path: Path
) -> None:
    notebook("good.llmn", "print('not shown')", "Why?")
    notebook("bad.ipynb", "x = 1", "1 / 0", "print('never')")
    ended = llm_repl(
        *("run", "good.llmn", "missing.llmn", "bad.ipynb"),
        *("-j", "3", "-o", "out", "--report", "report.xml"),
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert sorted(line.split()[0] for line in lines[:3]) == ["failed", "failed", "ok"]
    assert any(re.match(r"ok +good.llmn  2 cells in .* s: 1 call, ", line) for line in lines)
    assert lines[3:6] == [
        "Failed: missing.llmn: There is no file missing.llmn.",
        "Failed: bad.ipynb [2/3] code: 1 / 0",
        "  ZeroDivisionError: division by zero",
    ]
    assert re.fullmatch(r"3 notebooks, 2 failed; 4 cells in .* s: 1 call, .*\.", lines[6])
    assert [cell.status for cell in load_notebook(tmp_path / "out" / "good.llmn")] == [
        "completed",
        "completed",
    ]
    assert load_notebook(tmp_path / "out" / "bad.ipynb").cells[1].status == "error"
    suites = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["good.llmn", "missing.llmn", "bad.ipynb"]
    assert {name: suites.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }


def test_a_page_has_what_became_of_all_and_links_to_each(
    llm_repl: RunCommand, notebook: Callable[..., Path], tmp_path: Path
) -> None:
    notebook("good.llmn", "print('shown & whole')", "Why?")
    notebook("bad.llmn", "1 / 0")
    ended = llm_repl("run", "-q", "good.llmn", "missing.llmn", "bad.llmn", "--report", "all.html")
    assert ended.returncode == 2
    page = (tmp_path / "all.html").read_text()
    assert "<title>3 notebooks, 2 failed</title>" in page
    assert re.search(r'<a href="#notebook-1">good.llmn</a> · Ok: 2 cells in .* s: 1 call', page)
    assert "<b>missing.llmn</b> · Failed: There is no file missing.llmn." in page
    assert re.search(r'<a href="#notebook-3">bad.llmn</a> · Failed: 1 cell in', page)
    anchors = re.findall(r' id="([^"]+)"', page)
    assert anchors == [
        *("notebook-1", "notebook-1-cell-1", "notebook-1-cell-2", "notebook-3", "notebook-3-cell-1")
    ]
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    assert "shown &amp; whole" in page


def test_quiet_tells_failures_only_and_a_budget_is_one_over_all(
    llm_repl: RunCommand, notebook: Callable[..., Path]
) -> None:
    names = [f"{number}.llmn" for number in range(4)]
    for name in names:
        notebook(name, f"{name} one?", f"{name} two?")
    everything = llm_repl("run", "-q", *names, "-j", "4")
    assert (everything.returncode, everything.stdout, everything.stderr) == (0, "", "")
    limited = llm_repl("run", *names, "-j", "4", "--max-calls", "5", "--keep-going")
    assert limited.returncode == 1
    assert limited.stderr.splitlines()[-1].startswith("4 notebooks, ")
    assert ": 5 calls, " in limited.stderr.splitlines()[-1]
    assert limited.stderr.count("The run's budget of 5 calls has too little left") == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["a.llmn", "sub/a.llmn", "-o", "out"],
            "Two of the notebooks would be saved as out/a.llmn",
        ),
        (["a.llmn", "b.llmn", "-o", "a.llmn"], "Several notebooks are saved in a folder"),
        (["a.llmn", "b.llmn", "--watch"], "--watch is for one notebook."),
        (["a.llmn", "b.llmn", "--kernel", "in_process"], "each needs a process of its own"),
        (["a.llmn", "b.llmn", "--report", "r.txt"], "must end in .xml"),
    ],
)
def test_what_cannot_be_meant_gets_a_sentence(
    llm_repl: RunCommand,
    notebook: Callable[..., Path],
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.llmn", "b.llmn", "sub/a.llmn"):
        notebook(name, "open('ran', 'w').close()")
    ended = llm_repl("run", *arguments)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "ran").exists()


def test_ctrl_c_stops_all_and_keeps_what_there_is(
    start_llm_repl: Callable[..., subprocess.Popen[str]],
    notebook: Callable[..., Path],
    tmp_path: Path,
) -> None:
    slow = "print('begun', flush=True)\nopen('{name}', 'w').close()\nimport time; time.sleep(100)"
    for name in ("a", "b"):
        notebook(f"{name}.llmn", "x = 1", slow.format(name=name), "print('never')")
    notebook("c.llmn", "open('c', 'w').close()")
    process = start_llm_repl(
        *("run", "--no-log", "a.llmn", "b.llmn", "c.llmn", "-j", "2", "-o", "out")
    )
    for _ in range(600):
        if (tmp_path / "a").exists() and (tmp_path / "b").exists():
            break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "Traceback" not in printed
    assert printed.splitlines()[-1].startswith("3 notebooks, 2 failed, 1 not run; ")
    assert not (tmp_path / "c").exists()
    for name in ("a", "b"):
        statuses = [cell.status for cell in load_notebook(tmp_path / "out" / f"{name}.llmn")]
        assert statuses == ["completed", "interrupted", "idle"]
