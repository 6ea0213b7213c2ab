"""Notebooks that ask a real model: from the command line, recorded, replayed, stopped, streamed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llm_repl_core import Application, CellText, Notebook, Session, load_notebook, save_notebook
from llm_repl_core.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.llmn"))
COMMAND = [sys.executable, "-m", "llm_repl_server.cli.main"]
FEW_TOKENS = {"max_tokens": 12}
LIMIT_S = 600.0


def llm_repl(*arguments: str, cwd: Path, environment: dict[str, str]):
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


def answers_of(path: Path) -> list[str]:
    return [
        output.content
        for cell in load_notebook(path)
        for output in cell.outputs
        if output.type == "llm_response"
    ]


def with_few_tokens(path: Path, target: Path) -> Notebook:
    """A copy whose prompts are to be answered in a few words."""
    notebook = load_notebook(path)
    for cell in notebook:
        if cell.type == "prompt":
            limit = 80 if cell.schema is not None else FEW_TOKENS["max_tokens"]
            cell.parameters = {**cell.parameters, "max_tokens": limit}
    save_notebook(notebook, target)
    return notebook


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path, environment):
    """To its end, or to one sentence about an answer that is of no use."""
    notebook = with_few_tokens(path, tmp_path / "it.llmn")
    done = llm_repl("run", "it.llmn", "-o", "done.llmn", cwd=tmp_path, environment=environment)
    assert "Traceback" not in done.stderr, done.stderr
    ran = load_notebook(tmp_path / "done.llmn")
    assert [cell.id for cell in ran] == [cell.id for cell in notebook]
    failures = [cell.outputs[-1].content for cell in ran if cell.status == "error"]
    assert done.returncode == (1 if failures else 0), done.stderr
    # A model that knows next to nothing gives answers that fit no form, and calls no tools.
    assert all(failure.startswith(("AnswerMisfit", "ItemsFailed")) for failure in failures), (
        failures
    )
    if not failures:
        assert answers_of(tmp_path / "done.llmn")


def test_the_tutorial(tmp_path, environment):
    notebook = Notebook(name="Trip")
    notebook.add_code("days, budget = 3, 240\nper_day = budget / days")
    notebook.add_prompt(
        "Plan {days} days in Lisbon for {per_day:.0f} euros a day.",
        response_var="plan",
        parameters=FEW_TOKENS,
    )
    notebook.add_code("print(len(plan.split()), 'words')")
    notebook.add_memory("asked = memory.get('asked', 0) + 1")
    save_notebook(notebook, tmp_path / "trip.llmn")
    for expected in (1, 2):
        done = llm_repl(
            "run", "-q", "trip.llmn", "-o", "trip.llmn", cwd=tmp_path, environment=environment
        )
        assert done.returncode == 0, done.stderr
        assert f"asked = {expected}" in done.stdout
    [answer] = answers_of(tmp_path / "trip.llmn")
    assert f"{len(answer.split())} words" in done.stdout


def test_eight_prompts_at_once_are_recorded_and_replayed(tmp_path, environment):
    notebook = Notebook(name="Eight")
    for number in range(8):
        notebook.add_prompt(
            f"Say something about the number {number}.",
            response_var=f"said_{number}",
            parameters=FEW_TOKENS,
        )
    notebook.add_code(
        "print(sum(len(text) for text in ("
        + ", ".join(f"said_{number}" for number in range(8))
        + ")))"
    )
    save_notebook(notebook, tmp_path / "eight.llmn")
    recorded = llm_repl(
        "run", "eight.llmn", "--record", "-o", "live.llmn", cwd=tmp_path, environment=environment
    )
    assert recorded.returncode == 0, recorded.stderr
    assert len(answers_of(tmp_path / "live.llmn")) == 8
    nobody = environment | {"LLM_REPL_BASE_URL": "http://127.0.0.1:9/v1"}
    del nobody["OPENAI_API_KEY"]
    replayed = llm_repl(
        "run", "eight.llmn", "--replay", "-o", "again.llmn", cwd=tmp_path, environment=nobody
    )
    assert replayed.returncode == 0, replayed.stderr
    assert (tmp_path / "again.llmn").read_bytes() == (tmp_path / "live.llmn").read_bytes()


def test_ctrl_c_stops_an_answer_and_keeps_what_came(tmp_path, environment):
    notebook = Notebook(name="Long")
    notebook.add_prompt("Write a long story.", parameters={"max_tokens": 1500})
    save_notebook(notebook, tmp_path / "long.llmn")
    out = tmp_path / "out"
    with out.open("wb") as stdout:
        process = subprocess.Popen(
            [*COMMAND, "run", "long.llmn", "-o", "kept.llmn"],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + LIMIT_S
        while not _is_answering(tmp_path, environment):
            assert process.poll() is None, out.read_text()
            assert time.monotonic() < deadline, out.read_text()
        time.sleep(2)  # some words are to come: how fast the model is nobody knows
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, out.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    [cell] = load_notebook(tmp_path / "kept.llmn")
    assert cell.status == "interrupted"


def _is_answering(folder: Path, environment: dict[str, str]) -> bool:
    """Whether the call is on record, and so has been sent."""
    listed = llm_repl("calls", "list", cwd=folder, environment=environment)
    return "openai/smollm2" in listed.stdout


def test_a_script_streams_and_stops(tmp_path, environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notebook = Notebook(name="Stream")
    notebook.add_prompt("Write a long story.", parameters={"max_tokens": 1500})
    heard = []
    with Session(notebook, application=Application(load_settings(Settings))) as session:
        for event in session.stream():
            if isinstance(event, CellText):
                heard.append(event.text)
                if len(heard) == 3:
                    session.interrupt()
    [cell] = notebook.cells
    assert cell.status == "interrupted"
    assert cell.outputs[0].content.startswith("".join(heard[:3]))


def test_the_script_among_the_examples(tmp_path, environment):
    shutil.copy(ROOT / "examples" / "compare_wordings.py", tmp_path)
    # It has a budget in dollars, which nothing is sent under without a price.
    environment = environment | {"LLM_REPL_PRICES": '{"smollm2": {"input": 0.0, "output": 0.0}}'}
    for source in ("asked", "reuse"):
        done = subprocess.run(
            [sys.executable, "compare_wordings.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout.count(f"({source})") == 3, done.stdout + done.stderr
