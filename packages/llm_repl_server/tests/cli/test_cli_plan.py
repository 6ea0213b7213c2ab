"""`llm-repl plan`, and `llm-repl preview` of all prompts: what would be, before it is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    document = Notebook("Trip")
    document.add_code("city = 'Oslo'")
    document.add_prompt("Say hello.", model="mock/echo", response_var="hello")
    document.add_prompt("Tell of {city} and {hello}.", model="mock/echo", response_var="story")
    save_notebook(document, tmp_path / "trip.llmn")
    return document


def test_the_plan_says_what_is_new_what_is_on_record_and_what_a_replay_misses(
    llm_repl: RunCommand, notebook: Notebook, tmp_path: Path
) -> None:
    before = (tmp_path / "trip.llmn").read_bytes()
    planned = llm_repl("plan", "trip.llmn", "--mode", "reuse")
    assert planned.returncode == 0, planned.stderr
    assert "  2  prompt: Say hello.  new\n" in planned.stdout
    assert "wave 1: 1 call" in planned.stdout
    assert "* reuse: 2 of 2 calls sent in 2 waves" in planned.stdout
    assert "  replay: 0 of 2 calls sent; no recorded answer for cells 2, 3" in planned.stdout
    assert llm_repl("plan", "trip.llmn", "--mode", "replay").returncode == 1
    assert (tmp_path / "trip.llmn").read_bytes() == before
    assert "No calls have been recorded yet" in llm_repl("calls", "list").stderr

    llm_repl("run", "trip.llmn", "-q", "--record")
    planned = llm_repl("plan", "trip.llmn", "--mode", "replay")
    assert planned.returncode == 0, planned.stdout
    assert "Say hello.  on record" in planned.stdout
    assert "and {hello}.  missing, likely" in planned.stdout  # what it sends, a cell has to say


def test_the_plan_of_some_cells_as_json(llm_repl: RunCommand, notebook: Notebook) -> None:
    planned = llm_repl("plan", "trip.llmn", "--cells", "2", "--json")
    document = json.loads(planned.stdout)
    assert [cell["cell_id"] for cell in document["cells"]] == [notebook.cells[1].id]
    assert [way["mode"] for way in document["ways"]] == ["live", "reuse", "replay"]
    assert "There is no cell 9" in llm_repl("plan", "trip.llmn", "--cells", "9").stderr


def test_the_plan_is_of_the_cells_that_a_run_would_run(
    llm_repl: RunCommand, notebook: Notebook
) -> None:
    def planned(*options: str) -> dict[int, str]:
        done = llm_repl("plan", "trip.llmn", "--json", *options)
        cells = json.loads(done.stdout)["cells"]
        return {notebook.index(cell["cell_id"]) + 1: cell["state"] for cell in cells}

    new = {1: "runs", 2: "asked", 3: "asked"}
    assert planned() == planned("--stale") == planned("--from", "3") == new
    assert planned("--to", "1") == {1: "runs"}
    assert planned("--from", "2", "--to", "2") == planned("--cells", "2", "--stale") == {2: "asked"}
    llm_repl("run", "trip.llmn", "-q", "-o", "trip.llmn")
    # As in a run, what the cells need runs for them, and an answer that is there is not asked for.
    assert planned("--cells", "3") == {1: "runs", 2: "restored", 3: "asked"}
    assert llm_repl("plan", "trip.llmn", "--stale").stdout == "There is nothing to run.\n"
    refused = llm_repl("plan", "trip.llmn", "--from", "3", "--to", "2")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_a_plan_fits_a_narrow_terminal(llm_repl: RunCommand, notebook: Notebook) -> None:
    planned = llm_repl("plan", "trip.llmn", "--mode", "replay", COLUMNS="40")
    assert max(map(len, planned.stdout.splitlines())) <= 40


def test_all_prompts_are_previewed(llm_repl: RunCommand, notebook: Notebook) -> None:
    shown = llm_repl("preview", "trip.llmn")
    assert shown.returncode == 1
    assert "=== cell 2\nmock/echo: 1 call\n" in shown.stdout
    assert "=== cell 3\n`{city}` at line 1: there is no variable `city`" in shown.stdout
    assert shown.stderr == "With --run-above, the cells above are run first.\n"
    shown = llm_repl("preview", "trip.llmn", "--run-above", "--json")
    assert shown.returncode == 0
    document = json.loads(shown.stdout)
    assert [one["cell_id"] for one in document] == [cell.id for cell in notebook.cells[1:]]
    assert document[1]["messages"][0]["content"] == "Tell of Oslo and Say hello.."
