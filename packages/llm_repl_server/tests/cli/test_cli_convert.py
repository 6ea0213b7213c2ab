"""`llm-repl convert`: from each format to each."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
ENDINGS = (".llmn", ".ipynb", ".py", ".md")


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    document = Notebook("Trip")
    document.add_markdown("# A trip")
    document.add_code("city = 'Oslo'")
    document.add_prompt("Tell of {city}.", model="mock/echo", response_var="story")
    save_notebook(document, tmp_path / "trip.llmn")
    return document


def test_each_format_to_each(llm_repl: RunCommand, notebook: Notebook, tmp_path: Path) -> None:
    previous = "trip.llmn"
    for ending in (*ENDINGS, ".md", ".py", ".ipynb", ".llmn"):
        ended = llm_repl("convert", previous, f"next{ending}", "--force")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        previous = f"next{ending}"
    again = load_notebook(tmp_path / previous)
    assert [(cell.id, cell.content, cell.options()) for cell in again] == [
        (cell.id, cell.content, cell.options()) for cell in notebook
    ]


def test_text_notebooks_run(llm_repl: RunCommand, notebook: Notebook) -> None:
    llm_repl("convert", "trip.llmn", "trip.py")
    ended = llm_repl("run", "trip.py", "-q")
    assert (ended.returncode, ended.stdout) == (0, "# A trip\nTell of Oslo.\n")


def test_a_page_to_read(llm_repl: RunCommand, notebook: Notebook, tmp_path: Path) -> None:
    llm_repl("run", "trip.llmn", "-q", "-o", "ran.llmn")
    ended = llm_repl("convert", "ran.llmn", "ran.html")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    html = (tmp_path / "ran.html").read_text()
    assert "Tell of Oslo." in html
    assert re.search(r"echo · \d → 3 tokens · \$0<", html)
    back = llm_repl("convert", "ran.html", "back.llmn")
    assert back.returncode == 2
    assert "ran.html cannot be used: a page of HTML is for reading" in back.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("trip.llmn", "trip.docx"), "must end in one of"),
        (("absent.llmn", "trip.py"), "There is no file absent.llmn"),
        (("trip.llmn", "trip.llmn"), "trip.llmn exists"),
        (("trip.llmn", "absent/trip.py"), "absent"),
    ],
)
def test_bad_input_is_told_in_a_sentence_and_nothing_is_written(
    llm_repl: RunCommand,
    notebook: Notebook,
    tmp_path: Path,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    before = (tmp_path / "trip.llmn").read_bytes()
    ended = llm_repl("convert", *arguments)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert sentence in ended.stderr
    assert (tmp_path / "trip.llmn").read_bytes() == before
