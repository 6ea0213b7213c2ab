"""What a run says of itself: progress with items, the summary, and JUnit's report."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from llm_repl_core import Notebook, save_notebook

if TYPE_CHECKING:
    from conftest import Terminal

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    """As the fixture of all, without the log, which is a database that takes time to make."""
    return lambda *arguments: forked_llm_repl(arguments[0], "--no-log", *arguments[1:])


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    document = Notebook("Cities")
    document.add_code("cities = [f'city {n}' for n in range(20)]")
    document.add_prompt("Where is {item}?", for_each="cities", model="echo", response_var="answers")
    document.add_prompt("All of {answers}", model="echo")
    path = tmp_path / "c.llmn"
    save_notebook(document, path)
    return path


def test_the_summary_counts_calls_records_tokens_price_and_time(
    llm_repl: RunCommand, cities: Path
) -> None:
    recorded = llm_repl("run", cities.name, "--record")
    assert recorded.returncode == 0, recorded.stderr
    last = recorded.stderr.splitlines()[-1]
    found = re.fullmatch(r"3 cells in \d+\.\d s: 21 calls, ([\d,]+) tokens, \$0\.", last)
    assert found is not None, last
    assert int(found[1].replace(",", "")) > 100
    replayed = llm_repl("run", cities.name, "--replay").stderr.splitlines()[-1]
    assert re.fullmatch(r"3 cells in \d+\.\d s: 21 from record\.", replayed), replayed
    code = llm_repl("run", cities.name, "--cells", "1").stderr.splitlines()[-1]
    assert re.fullmatch(r"1 cell in \d+\.\d s\.", code), code
    assert llm_repl("run", "-q", cities.name).stderr == ""


def test_items_are_counted_on_lines_of_their_own_without_a_terminal(
    llm_repl: RunCommand, cities: Path
) -> None:
    lines = llm_repl("run", cities.name).stderr.splitlines()
    counts = [line for line in lines if re.fullmatch(r"  \d+ of 20", line)]
    assert counts == [f"  {number} of 20" for number in range(2, 21, 2)]
    assert lines.index("  2 of 20") > lines.index("[2/3] prompt answers: Where is {item}?")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX terminal")
def test_a_narrow_terminal_gets_lines_that_fit(
    cities: Path, terminal: Callable[..., Terminal]
) -> None:
    screen = terminal("run", "--no-log", cities.name, columns=40, term="xterm")
    assert screen.end() == 0, screen.shown
    assert "\r  20 of 20" in screen.shown
    rows = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", screen.shown))
    progress = [row for row in rows if row.startswith(("[", "  done", "3 cells"))]
    assert len(progress) >= 7
    assert [row for row in progress if len(row) > 40] == []


def test_junit_has_a_case_for_each_cell(llm_repl: RunCommand, tmp_path: Path) -> None:
    document = Notebook("Report")
    document.add_code("print('\\x1b[31mred\\x1b[0m & <b>\\x00')")
    document.add_code("import sys; print('aside', file=sys.stderr)\nraise ValueError('no <luck>')")
    document.add_code("print('never')")
    save_notebook(document, tmp_path / "r.llmn")
    ended = llm_repl("run", "-q", "r.llmn", "--report", "out.xml")
    assert ended.returncode == 1
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    [suite] = root
    assert [suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")] == [
        *("r.llmn", "3", "1", "0", "1")
    ]
    first, second, third = suite
    assert first.get("name", "").startswith("[1/3] code: print(")
    assert first.findtext("system-out") == "red & <b>\ufffd\n"
    failure = second.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == (
        "ValueError",
        "ValueError: no <luck>",
    )
    assert "Traceback" in (failure.text or "")
    assert second.findtext("system-err") == "aside\n"
    assert third.find("skipped") is not None


def test_a_page_shows_what_came_of_one_notebook(
    llm_repl: RunCommand, cities: Path, tmp_path: Path
) -> None:
    assert llm_repl("run", "-q", cities.name, "--report", "out.html").returncode == 0
    page = (tmp_path / "out.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "Where is city 19?" in page


def test_a_report_that_cannot_be_written_is_told_before_the_work(
    llm_repl: RunCommand, cities: Path
) -> None:
    for report, sentence in (("x.txt", "must end in .xml"), ("no/such/x.xml", "no/such")):
        ended = llm_repl("run", cities.name, "--report", report)
        assert ended.returncode == 2, ended.stderr
        assert sentence in ended.stderr
        assert "[1/3]" not in ended.stderr


def test_code_runs_in_the_folder_that_is_named(llm_repl: RunCommand, tmp_path: Path) -> None:
    document = Notebook("Where")
    document.add_code("print(open('here.txt').read(), end='')")
    save_notebook(document, tmp_path / "w.llmn")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "here.txt").write_text("in data\n")
    for kernel in ("worker", "in_process"):
        ended = llm_repl("run", "-q", "w.llmn", "--cwd", "data", "--kernel", kernel, "-o", "o.llmn")
        assert (ended.returncode, ended.stdout) == (0, "in data\n"), ended.stderr
    assert (tmp_path / "o.llmn").exists()
    missing = llm_repl("run", "w.llmn", "--cwd", "nowhere")
    assert missing.returncode == 2
    assert "'nowhere' does not exist" in missing.stderr
