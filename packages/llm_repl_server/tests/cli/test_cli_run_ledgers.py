"""Where the calls of `llm-repl run` are kept, and where answers come from."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook
from llm_repl_core.testing.openai_server import OpenAIServer

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
MakePrompts = Callable[..., Path]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def logged(llm_repl: RunCommand, *arguments: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(
        llm_repl("calls", "list", "--json", *arguments).stdout
    )
    return listed


def test_a_run_is_logged_and_nothing_is_put_beside_the_notebook(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    prompts("One", "Two", model="echo")
    assert llm_repl("run", "-q", "p.llmn").stdout == "One\nTwo\n"
    assert not (tmp_path / "p.calls.jsonl").exists()
    assert {one["prompt"] for one in logged(llm_repl)} == {"One", "Two"}
    assert {one["notebook_id"] for one in logged(llm_repl)} == {"id of p.llmn"}


def test_no_log_keeps_calls_out_of_the_log(llm_repl: RunCommand, prompts: MakePrompts) -> None:
    prompts("One", model="echo")
    assert llm_repl("run", "-q", "p.llmn", "--no-log").returncode == 0
    assert logged(llm_repl) == []


def test_a_notebook_without_prompts_opens_no_database(llm_repl: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "c.llmn").write_text(
        json.dumps({"cells": [{"type": "ComputationCell", "content": "print(1)"}]})
    )
    assert llm_repl("run", "-q", "c.llmn").stdout == "1\n"
    assert not (tmp_path / "data").exists()


def test_without_a_database_there_is_one_warning_and_the_run_goes_on(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    prompts("One", "Two", "Three", model="echo")
    (tmp_path / "data").write_text("a file where the folder should be")
    ended = llm_repl("run", "-q", "p.llmn")
    assert (ended.returncode, ended.stdout) == (0, "One\nTwo\nThree\n")
    assert (
        ended.stderr.count("Warning: the calls of this run are not written to the call log: ") == 1
    )
    assert len(ended.stderr.splitlines()) == 1


def test_recordings_are_written_when_asked_for_alone(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    path = prompts("One", model="echo")
    recordings = tmp_path / "p.calls.jsonl"
    assert llm_repl("run", "-q", "--record", "p.llmn").returncode == 0
    head, first = lines_of(recordings)
    assert head["defaults"] == {"provider": "mock"}
    document = load_notebook(path)
    document.cells[0].content = "Another"
    save_notebook(document, path)
    before = recordings.read_bytes()
    for flags in ([], ["--no-record"], ["--reuse"], ["--mode", "live"]):
        assert llm_repl("run", "-q", *flags, "p.llmn").returncode == 0
        assert recordings.read_bytes() == before
    assert llm_repl("run", "-q", "p.llmn", "--record").returncode == 0
    _, second = lines_of(recordings)
    assert (first["answer"], second["answer"]) == ("One", "Another")


def test_answers_of_another_model_that_take_a_place_are_named(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    path = prompts("One", "Two", "Three")
    recordings = tmp_path / "p.calls.jsonl"
    assert llm_repl("run", "-q", "--record", "p.llmn", "--model", "echo").stderr == ""
    before = recordings.read_bytes()
    assert llm_repl("run", "-q", "p.llmn").stderr == ""  # the model is forgotten
    assert recordings.read_bytes() == before
    told = llm_repl("run", "-q", "--record", "p.llmn").stderr
    assert told == (
        "p.calls.jsonl: 3 recorded answers of mock/echo were replaced by answers of mock/mock.\n"
    )
    assert llm_repl("run", "-q", "--record", "p.llmn").stderr == ""
    document = load_notebook(path)
    document.remove(document.cells[0].id)
    save_notebook(document, path)
    told = llm_repl("run", "-q", "--record", "p.llmn").stderr
    assert told == (
        "p.calls.jsonl: 1 recorded answer of cells that the notebook no longer has were left out.\n"
    )


def test_an_export_takes_the_place_of_no_recordings(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    prompts("One", model="echo")
    assert llm_repl("run", "-q", "--record", "p.llmn").returncode == 0
    before = (tmp_path / "p.calls.jsonl").read_bytes()
    ended = llm_repl("calls", "export", "-o", "p.calls.jsonl")
    assert ended.returncode != 0
    assert "p.calls.jsonl is the name of a notebook's recordings" in ended.stderr
    assert (tmp_path / "p.calls.jsonl").read_bytes() == before


def test_what_a_replay_that_misses_advises_helps(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    path = prompts("One", "Two", model="echo")
    assert llm_repl("run", "-q", "--record", "p.llmn").returncode == 0
    document = load_notebook(path)
    document.cells[1].content = "Another"
    save_notebook(document, path)
    missed = llm_repl("run", "-q", "--replay", "p.llmn")
    assert missed.returncode == 1
    [advice] = re.findall(r"Run `llm-repl (.*?)`", missed.stderr)
    assert llm_repl(*advice.split()).returncode == 0
    assert llm_repl("run", "-q", "--replay", "p.llmn").stdout == "One\nAnother\n"


def test_the_advised_command_asks_whom_the_replay_would_have_asked(
    llm_repl: RunCommand, prompts: MakePrompts
) -> None:
    prompts("Say {word}.", name="it's p.llmn")
    with OpenAIServer() as server:
        chosen = ["--provider", "openai", "--model", "gpt-small", "--base-url", server.base_url]
        more = ["-p", 'word=it\'s "this"', "--max-tokens", "5000", "--keep-going", "--serial"]
        run = ["run", "it's p.llmn", *chosen, *more]
        missed = llm_repl(*run, "-q", "--replay")
        assert missed.returncode == 1
        [advice] = re.findall(r"Run `(.*?)` to", missed.stderr)
        name, *words = shlex.split(advice)
        assert name == "llm-repl"
        assert "--max-tokens" in words
        assert "--replay" not in words
        key = {"OPENAI_API_KEY": "sk-of-the-user-0123456789"}
        asked = llm_repl(*words, **key)
        assert asked.returncode == 0, asked.stderr
        assert [one.prompt for one in server.requests] == ['Say it\'s "this".']
        assert [one.body["model"] for one in server.requests] == ["gpt-small"]
    assert llm_repl(*run, "-q", "--replay").returncode == 0


def test_a_replay_needs_no_database_and_changes_no_file(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    prompts("One", "Two", model="list:first|second")
    recorded = llm_repl("run", "-q", "--record", "p.llmn", "-o", "live.llmn")
    before = (tmp_path / "p.calls.jsonl").read_bytes()
    ended = llm_repl(
        "run", "-q", "--replay", "p.llmn", "-o", "again.llmn", LLM_REPL_DATA_DIR="/dev/null/no"
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, recorded.stdout, "")
    assert (tmp_path / "again.llmn").read_bytes() == (tmp_path / "live.llmn").read_bytes()
    assert (tmp_path / "p.calls.jsonl").read_bytes() == before
    assert len(logged(llm_repl)) == 2


@pytest.mark.parametrize("how", [["--provider", "mock", "--model", "echo"], "environment", "file"])
def test_who_answered_when_it_was_recorded_is_asked_again(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path, how: object
) -> None:
    prompts("One")
    variables, flags = {}, []
    if how == "environment":
        variables = {"LLM_REPL_MODEL": "echo"}
    elif how == "file":
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "settings.yaml").write_text("model: echo\n")
    else:
        flags = list(how)  # type: ignore[call-overload]  # the third kind is a list
    assert llm_repl("run", "-q", "--record", "p.llmn", *flags, **variables).stdout == "One\n"
    assert lines_of(tmp_path / "p.calls.jsonl")[0]["defaults"] == {
        "provider": "mock",
        "model": "echo",
    }
    # Another machine, whose settings say something else.
    other = {"LLM_REPL_CONFIG_DIR": str(tmp_path / "other"), "LLM_REPL_MODEL": "mock"}
    assert llm_repl("run", "-q", "--replay", "p.llmn", **other).stdout == "One\n"
    assert llm_repl("run", "-q", "--reuse", "p.llmn", **other).stdout == "One\n"
    told = llm_repl("run", "-q", "--replay", "p.llmn", "--model", "mock", **other)
    assert told.returncode == 1
    assert 'model: "echo" → "mock"' in told.stderr


def test_a_recorded_provider_that_is_not_installed_is_named(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    prompts("One")
    (tmp_path / "p.calls.jsonl").write_text(
        '{"format": "llm-repl recordings", "version": 1, "defaults": {"provider": "nobody"}}\n'
    )
    ended = llm_repl("run", "--replay", "p.llmn")
    assert ended.returncode == 2
    assert "There is no provider `nobody`" in ended.stderr


def test_what_is_not_on_record_is_asked_in_reuse_and_fails_in_replay(
    llm_repl: RunCommand, prompts: MakePrompts
) -> None:
    prompts("One", "Two", model="echo")
    first = llm_repl("run", "-q", "p.llmn", "--replay")
    assert first.returncode == 1
    assert "there is no file p.calls.jsonl with its recorded calls" in first.stderr
    assert llm_repl("run", "-q", "p.llmn", "--reuse").stdout == "One\nTwo\n"
    assert [one["source"] for one in logged(llm_repl)] == ["live", "live"]
    # Now it is on record, in the log.
    again = llm_repl("run", "-q", "p.llmn", "--mode", "reuse", "-o", "out.llmn")
    assert again.stdout == "One\nTwo\n"
    assert sorted(str(one["source"]) for one in logged(llm_repl)) == ["live"] * 2 + ["reuse"] * 2


def test_the_mode_may_stand_in_the_notebook(llm_repl: RunCommand, prompts: MakePrompts) -> None:
    path = prompts("One", model="echo")
    document = load_notebook(path)
    document.metadata["llm_repl"] = {"mode": "replay"}
    save_notebook(document, path)
    assert "there is no file p.calls.jsonl" in llm_repl("run", "p.llmn").stderr
    assert llm_repl("run", "-q", "p.llmn", "--mode", "live", "--record").returncode == 0
    assert llm_repl("run", "-q", "p.llmn").stdout == "One\n"


def test_what_a_killed_run_was_answered_is_not_paid_for_again(
    llm_repl: RunCommand,
    prompts: MakePrompts,
    start_llm_repl: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    until: Callable[[Callable[[], object], str], None],
) -> None:
    prompts("One", {"content": "Two", "model": "echo+delay=100"}, model="echo")
    process = start_llm_repl("run", "--record", "p.llmn")
    until(lambda: logged(llm_repl, "--state", "completed"), "the first answer is on record")
    process.kill()
    process.wait(30)
    assert [one["prompt"] for one in logged(llm_repl, "--state", "interrupted")] == ["Two"]
    document = load_notebook(tmp_path / "p.llmn")
    document.cells[1].model = "echo"  # type: ignore[attr-defined]  # it is a prompt
    save_notebook(document, tmp_path / "p.llmn")
    assert llm_repl("run", "-q", "p.llmn", "--reuse", "--record").stdout == "One\nTwo\n"
    sources = {one["prompt"]: one["source"] for one in logged(llm_repl, "--limit", "2")}
    assert sources == {"One": "reuse", "Two": "live"}
    assert len(lines_of(tmp_path / "p.calls.jsonl")) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--replay", "--record"], "has nothing to record"),
        (["--replay", "--reuse"], "told reuse and replay"),
        (["--mode", "live", "--replay"], "told live and replay"),
        (["--mode", "never"], "'never' is not one of"),
        (["--concurrency", "0"], "0 is not in the range"),
        (["--max-calls", "-1"], "-1 is not in the range"),
        (["--max-usd", "nan"], "must be"),
        (["--max-usd", "inf"], "must be"),
    ],
)
def test_options_that_cannot_be_meant_get_a_sentence(
    llm_repl: RunCommand, prompts: MakePrompts, arguments: list[str], sentence: str
) -> None:
    prompts("One", model="echo")
    ended = llm_repl("run", "p.llmn", *arguments)
    assert ended.returncode == 2
    assert sentence in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no JSON\n", "Line 1 of p.calls.jsonl is not JSON"),
        ("{}\n", "must be the head of a file of recorded calls"),
        ('{"format": "llm-repl recordings", "version": 9}\n', "install a newer one"),
        (
            '{"format": "llm-repl recordings", "version": 1, "defaults": 3}\n',
            "must be the head of a file of recorded calls",
        ),
    ],
)
def test_broken_recordings_are_named_before_anything_is_asked(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path, text: str, sentence: str
) -> None:
    prompts("One", model="echo")
    (tmp_path / "p.calls.jsonl").write_text(text)
    for flag in ("--record", "--replay"):
        ended = llm_repl("run", "p.llmn", flag)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert sentence in ended.stderr
    assert llm_repl("run", "-q", "p.llmn", "--no-record").stdout == "One\n"
    assert (tmp_path / "p.calls.jsonl").read_text() == text


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of files there")
def test_files_that_cannot_grow_are_each_named_and_stay_as_they_were(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    import resource

    notebook = Notebook(name="Long")
    notebook.add_code("text = 'x' * 400_000")
    notebook.add_prompt("{text}", model="mock/echo", response_var="answer")
    notebook.add_code("print(len(answer))")
    save_notebook(notebook, tmp_path / "long.llmn")
    (tmp_path / "out.llmn").write_bytes((tmp_path / "long.llmn").read_bytes())
    before = (tmp_path / "out.llmn").read_bytes()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "llm_repl_server.cli.entry",
            "run",
            "long.llmn",
            "-o",
            "out.llmn",
            "--record",
            "--quiet",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        # What the database, the notebook and the recordings are to hold is larger.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    assert done.returncode == 1
    assert "Error: out.llmn could not be written: File too large." in done.stderr
    assert "Error: long.calls.jsonl could not be written: File too large." in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.llmn").read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["long.llmn", "out.llmn"]
    assert not list(tmp_path.glob(".*.tmp"))
