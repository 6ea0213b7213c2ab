"""A prompt that was meant for a server of one's own does not leave for another one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_repl_core import load_notebook, save_notebook
from llm_repl_core.testing.openai_server import OpenAIServer

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


MakePrompts = Callable[..., Path]

KEY = "sk-of-the-user-0123456789"


@pytest.fixture
def recorded_at() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def other() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


def head_of(tmp_path: Path) -> dict[str, object]:
    head: dict[str, object] = json.loads((tmp_path / "p.calls.jsonl").read_text().splitlines()[0])
    return head


def add_prompt(tmp_path: Path) -> None:
    notebook = load_notebook(tmp_path / "p.llmn")
    notebook.add_prompt("Two")
    save_notebook(notebook, tmp_path / "p.llmn")


def prompts_at(server: OpenAIServer) -> list[str]:
    return [request.prompt for request in server.requests]


def authorizations_at(server: OpenAIServer) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "LLM_REPL_BASE_URL"])
def test_a_miss_goes_to_the_recorded_address_without_the_key_of_another(
    llm_repl: RunCommand,
    prompts: MakePrompts,
    tmp_path: Path,
    recorded_at: OpenAIServer,
    other: OpenAIServer,
    variable: str,
) -> None:
    prompts("One")
    named = ("--provider", "openai", "--model", "m", "--base-url", recorded_at.base_url)
    assert llm_repl("run", "-q", "p.llmn", "--record", "--no-log", *named).returncode == 0
    assert head_of(tmp_path)["defaults"] == {
        "provider": "openai",
        "model": "m",
        "base_url": recorded_at.base_url,
    }
    add_prompt(tmp_path)
    variables = {variable: other.base_url, "OPENAI_API_KEY": KEY}
    ended = llm_repl("run", "-q", "p.llmn", "--reuse", "--no-log", **variables)
    assert (ended.returncode, ended.stdout) == (0, "One\nTwo\n"), ended.stderr
    assert prompts_at(other) == []
    assert prompts_at(recorded_at) == ["One", "Two"]
    assert not any(KEY in (one or "") for one in authorizations_at(recorded_at))


def test_the_address_of_the_command_line_goes_before(
    llm_repl: RunCommand,
    prompts: MakePrompts,
    tmp_path: Path,
    recorded_at: OpenAIServer,
    other: OpenAIServer,
) -> None:
    prompts("One")
    named = ("--provider", "openai", "--model", "m", "--base-url")
    llm_repl("run", "-q", "p.llmn", "--record", "--no-log", *named, recorded_at.base_url)
    add_prompt(tmp_path)
    ended = llm_repl(
        "run", "-q", "p.llmn", "--reuse", "--record", "--no-log", *named, other.base_url
    )
    assert (ended.returncode, ended.stdout) == (0, "One\nTwo\n"), ended.stderr
    assert prompts_at(other) == ["Two"]
    assert other.base_url in str(head_of(tmp_path))


def test_the_address_of_the_environment_is_recorded_and_keeps_its_key(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path, recorded_at: OpenAIServer
) -> None:
    prompts("One")
    variables = {"OPENAI_BASE_URL": recorded_at.base_url, "OPENAI_API_KEY": KEY}
    named = ("--provider", "openai", "--model", "m")
    llm_repl("run", "-q", "p.llmn", "--record", "--no-log", *named, **variables)
    assert recorded_at.base_url in str(head_of(tmp_path))
    add_prompt(tmp_path)
    assert llm_repl("run", "-q", "p.llmn", "--reuse", "--no-log", **variables).returncode == 0
    assert prompts_at(recorded_at) == ["One", "Two"]
    assert authorizations_at(recorded_at) == [f"Bearer {KEY}"] * 2


def test_a_recorded_address_that_holds_a_key_is_refused_and_not_repeated(
    llm_repl: RunCommand, prompts: MakePrompts, tmp_path: Path
) -> None:
    prompts("One")
    defaults = {"provider": "openai", "model": "m", "base_url": f"http://user:{KEY}@127.0.0.1:1/v1"}
    head = {"format": "llm-repl recordings", "version": 1, "defaults": defaults}
    (tmp_path / "p.calls.jsonl").write_text(json.dumps(head) + "\n")
    ended = llm_repl("run", "-q", "p.llmn", "--reuse", "--no-log")
    assert ended.returncode != 0
    assert "The `base_url` in the first line of p.calls.jsonl must hold no user" in ended.stderr
    assert KEY not in ended.stderr
    assert "Traceback" not in ended.stderr
