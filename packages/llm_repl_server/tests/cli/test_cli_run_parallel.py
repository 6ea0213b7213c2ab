"""What `llm-repl run` prints where several prompts run at the same time, and at a terminal."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

LLM_REPL = [sys.executable, "-m", "llm_repl_server.cli.entry"]

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
MakePrompts = Callable[..., Path]
Start = Callable[..., Any]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


def test_what_runs_at_the_same_time_is_printed_in_the_order_of_the_document(
    llm_repl: RunCommand, prompts: MakePrompts
) -> None:
    slow = {"content": "First", "model": "echo+delay=0.4"}
    prompts(slow, "Second", "Third", model="echo")
    ended = llm_repl("run", "p.llmn")
    assert ended.stdout == "First\nSecond\nThird\n"
    titles = [line for line in ended.stderr.splitlines() if line.startswith("[")]
    assert [title.rpartition(": ")[2] for title in titles] == ["First", "Second", "Third"]
    counts = [line.rpartition(" (")[2] for line in ended.stderr.splitlines() if "done in" in line]
    assert counts == ["1 of 3)", "2 of 3)", "3 of 3)"]


def test_retries_are_told(llm_repl: RunCommand, prompts: MakePrompts) -> None:
    prompts("One", model="fail:rate_limited+retry_after=0.01")
    ended = llm_repl("run", "p.llmn", LLM_REPL_CALL_ATTEMPTS="2")
    assert ended.returncode == 1
    assert "attempt 1 failed, retrying in" in ended.stderr


def test_a_retry_names_the_item_as_people_count(llm_repl: RunCommand, tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_prompt("Of {item}", for_each="'a'", model="fail:rate_limited+retry_after=0.01")
    save_notebook(notebook, tmp_path / "p.llmn")
    ended = llm_repl("run", "p.llmn", LLM_REPL_CALL_ATTEMPTS="2")
    assert ", item 1\n  attempt 1 failed" in ended.stderr


def test_a_budget_ends_the_run_and_says_what_was_left_undone(
    llm_repl: RunCommand, prompts: MakePrompts
) -> None:
    prompts("One", "Two {response_0}", "Three {response_1}", "Four {response_2}", model="echo")
    ended = llm_repl("run", "p.llmn", "--max-calls", "1")
    assert ended.returncode == 1
    assert ended.stdout == "One\n"
    assert "The run's budget of 1 call has too little left" in ended.stderr
    assert ended.stderr.endswith("Not run: 2 of 4 cells.\n")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("limit", [["--max-tokens", "5"], ["--max-usd", "0"]])
def test_every_limit_reaches_the_run(
    llm_repl: RunCommand, prompts: MakePrompts, limit: list[str]
) -> None:
    model = "gpt-5.4-mini" if limit[0] == "--max-usd" else "mock"
    provider = "openai" if limit[0] == "--max-usd" else "mock"
    prompts("One", model=model, provider=provider)
    ended = llm_repl("run", "p.llmn", *limit, OPENAI_API_KEY="sk-test")
    assert ended.returncode == 1
    assert "The run's budget of" in ended.stderr


@pytest.mark.parametrize(
    ("option", "least_s"), [(["--serial"], 0.9), (["--concurrency", "1"], 0.9), ([], 0.0)]
)
def test_calls_are_made_one_by_one_where_asked_for(
    llm_repl: RunCommand, prompts: MakePrompts, option: list[str], least_s: float
) -> None:
    prompts("a", "b", "c", model="echo+delay=0.3")
    ended = llm_repl("run", "p.llmn", *option)
    durations = [float(line.split()[2]) for line in ended.stderr.splitlines() if "done in" in line]
    assert len(durations) == 3
    # Each cell ends behind the others of its run, or begins there.
    assert (sum(durations) if option == ["--serial"] else max(durations)) >= least_s


def test_ctrl_c_stops_twenty_prompts_and_keeps_what_came(
    llm_repl: RunCommand,
    start_llm_repl: Callable[..., subprocess.Popen[str]],
    until: Callable[[Callable[[], object], str], None],
    tmp_path: Path,
) -> None:
    document = Notebook("Twenty")
    for number in range(20):
        words = " ".join(f"word{number}.{place}" for place in range(2000))
        document.add_prompt(words, model="echo+per_token=0.05")
    document.add_prompt("Never {response_0}")
    save_notebook(document, tmp_path / "p.llmn")
    process = start_llm_repl("run", "p.llmn", "-o", "out.llmn", "--record")

    def all_are_answered_for_a_while() -> bool:
        listed = json.loads(llm_repl("calls", "list", "--state", "running", "--json").stdout)
        ages_s = [
            time.time() - datetime.fromisoformat(one["started_at"]).timestamp() for one in listed
        ]
        return len(ages_s) == 20 and min(ages_s) > 1.0

    until(all_are_answered_for_a_while, "all prompts are under way")
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert printed.endswith("Stopped: 20 cells.\nNot run: 1 of 21 cells.\n"), printed
    assert "Traceback" not in printed
    cells = load_notebook(tmp_path / "out.llmn").cells
    assert [cell.status for cell in cells] == ["interrupted"] * 20 + ["idle"]
    for number, cell in enumerate(cells[:20]):
        partial, error = cell.outputs
        assert partial.content.startswith(f"word{number}.0 ")
        assert partial.fields["interrupted"] is True
        assert error.fields["ename"] == "Interrupted"
    listed = json.loads(llm_repl("calls", "list", "--json").stdout)
    assert {one["state"] for one in listed} == {"interrupted"}


def test_what_is_piped_into_a_program_that_ends_stops_the_run(
    environment: dict[str, str], prompts: MakePrompts, tmp_path: Path, llm_repl: RunCommand
) -> None:
    prompts("One", "Two {response_0}", "Three {response_1}", model="echo+delay=0.2")
    code = f"{shlex.join(LLM_REPL)} run -q p.llmn -o out.llmn | true"
    ended = subprocess.run(
        ["bash", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (ended.stdout, ended.stderr) == ("", "")
    statuses = [cell.status for cell in load_notebook(tmp_path / "out.llmn").cells]
    assert statuses[0] != "idle"
    assert statuses[2] == "idle"


# At a terminal -----------------------------------------------------------------------------------


def test_a_lone_answer_grows_on_a_terminal_and_is_shown_once(
    terminal: Start, prompts: MakePrompts
) -> None:
    prompts("alpha beta gamma", model="echo+per_token=0.3")
    at_terminal = terminal("run", "p.llmn")
    at_terminal.wait_for("alpha ")
    assert "gamma" not in at_terminal.shown.rpartition(": alpha beta gamma")[2]
    assert at_terminal.end() == 0
    shown = at_terminal.shown
    assert shown.count("alpha beta gamma") == 2  # in the title, and as the answer
    assert "alpha beta gamma\n  done in" in shown


def test_several_answers_come_as_they_come_each_below_its_cell(
    terminal: Start, prompts: MakePrompts
) -> None:
    prompts({"content": "slow", "model": "echo+delay=0.8"}, "quick", model="echo")
    at_terminal = terminal("run", "p.llmn")
    assert at_terminal.end() == 0
    lines = at_terminal.shown.splitlines()
    places = [lines.index(word) for word in ("quick", "slow")]
    assert places == sorted(places)
    assert [lines[place - 1].partition("]")[0] for place in places] == ["[2/2", "[1/2"]
    assert [line.rpartition(" ")[0][-4:] for line in lines if "done in" in line]
    assert "(1 of 2)" in lines[places[0] + 1]
    assert "(2 of 2)" in lines[places[1] + 1]


def test_what_a_model_says_does_nothing_to_the_terminal(
    terminal: Start, prompts: MakePrompts
) -> None:
    prompts("one \x1b[2Jtwo", "x", model="echo")
    at_terminal = terminal("run", "p.llmn")
    assert at_terminal.end() == 0
    assert "one \\x1b[2Jtwo" in at_terminal.shown
    assert "\x1b[2J" not in at_terminal.shown


def tool_notebook(folder: Path, name: str = "x") -> None:
    document = Notebook("Tools")
    document.add_code(
        "def remove(name: str) -> str:\n    'Remove it.'\n    open('called', 'w').close()\n"
        "    return 'gone'"
    )
    document.add_prompt(
        "Remove it.",
        model=f'call:remove {{"name": "{name}"}}',
        tools=["remove"],
        approve_tools=True,
    )
    save_notebook(document, folder / "t.llmn")


def test_a_tool_is_refused_where_there_is_no_terminal(llm_repl: RunCommand, tmp_path: Path) -> None:
    tool_notebook(tmp_path, "x\x1b[1A")
    ended = llm_repl("run", "t.llmn", stdin="y\n")
    assert 'asks to call remove({"name": "x\\x1b[1A"})' in ended.stderr
    assert "Refused: there is no terminal to ask at." in ended.stderr
    assert not (tmp_path / "called").exists()
    assert "did not allow" in ended.stdout


@pytest.mark.parametrize(("answer", "is_called"), [("y\n", True), ("\n", False), ("no\n", False)])
def test_a_tool_is_called_where_somebody_agrees(
    terminal: Start, tmp_path: Path, answer: str, is_called: bool
) -> None:
    tool_notebook(tmp_path)
    at_terminal = terminal("run", "t.llmn")
    at_terminal.wait_for("Allow it? [y/N] ")
    assert 'asks to call remove({"name": "x"})' in at_terminal.shown
    at_terminal.type(answer)
    assert at_terminal.end() == 0
    assert (tmp_path / "called").exists() is is_called


def test_ctrl_c_in_place_of_an_answer_stops_the_run(terminal: Start, tmp_path: Path) -> None:
    tool_notebook(tmp_path)
    at_terminal = terminal("run", "t.llmn", "-o", "out.llmn")
    at_terminal.wait_for("Allow it? [y/N] ")
    at_terminal.process.send_signal(signal.SIGINT)
    assert at_terminal.end() == 130, at_terminal.shown
    assert not (tmp_path / "called").exists()
    assert "Traceback" not in at_terminal.shown
    assert load_notebook(tmp_path / "out.llmn").cells[1].status == "interrupted"
