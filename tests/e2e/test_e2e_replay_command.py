"""A notebook with 50 prompts, recorded with the real SDK, then replayed with everything cut off."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook
from llm_repl_core.testing.openai_server import OpenAIServer, ReceivedRequest, Reply

PROMPTS = 50
LIMIT_S = 120.0


def llm_repl(stage, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["llm-repl", *arguments],
        cwd=stage.root,
        env=stage.environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


def answer(request: ReceivedRequest) -> Reply:
    return Reply(text=f"To «{request.prompt}»: ✓", delay_s=0.02)


@pytest.fixture
def notebook(stage) -> Path:
    """A chain, prompts that need nothing, code that reads answers, and two equal prompts."""
    document = Notebook("Fifty")
    document.add_code("topic = 'bridges'")
    for number in range(PROMPTS - 5):
        document.add_prompt(f"Tell fact {number} about {{topic}}.", response_var=f"fact_{number}")
    document.add_prompt("Continue: {fact_0}", response_var="more")
    document.add_prompt("Continue: {more}", response_var="most")
    document.add_code("print(len(most), fact_7)")
    document.add_prompt("Roll a die.")
    document.add_prompt("Roll a die.")
    document.add_prompt("Sum up {most}", model="openai/another-model")
    path = stage.root / "fifty.llmn"
    save_notebook(document, path)
    return path


def record(stage, server: OpenAIServer) -> subprocess.CompletedProcess[str]:
    arguments = ("run", "fifty.llmn", "--record", "-o", "live.llmn", "--provider", "openai")
    variables = {"OPENAI_API_KEY": "sk-test", "LLM_REPL_BASE_URL": server.base_url}
    return llm_repl(stage, *arguments, "--model", "test-model", **variables)


def test_fifty_prompts_are_replayed_byte_for_byte_without_key_or_network(stage, notebook):
    with OpenAIServer(reply=answer, key="sk-test") as server:
        recorded = record(stage, server)
        assert recorded.returncode == 0, recorded.stderr
        assert len(server.requests) == PROMPTS
    recordings = (stage.root / "fifty.calls.jsonl").read_bytes()
    assert b"sk-test" not in recordings
    assert recordings.count(b"\n") == PROMPTS + 1
    # The server is gone, there is no key, and no flag says who answered.
    replayed = llm_repl(stage, "run", "fifty.llmn", "--replay", "-o", "again.llmn")
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout == recorded.stdout
    live, again = (stage.root / name for name in ("live.llmn", "again.llmn"))
    assert again.read_bytes() == live.read_bytes()
    assert (stage.root / "fifty.calls.jsonl").read_bytes() == recordings
    # Cell after cell gives the same bytes, too.
    serial = llm_repl(stage, "run", "fifty.llmn", "--replay", "--serial", "-o", "serial.llmn")
    assert serial.returncode == 0, serial.stderr
    assert (stage.root / "serial.llmn").read_bytes() == live.read_bytes()


def test_one_changed_word_fails_and_is_shown(stage, notebook):
    with OpenAIServer(reply=answer) as server:
        assert record(stage, server).returncode == 0
    document = load_notebook(notebook)
    changed = document.cells[10]
    changed.content = changed.content.replace("fact", "legend")
    save_notebook(document, notebook)
    replayed = llm_repl(stage, "run", "fifty.llmn", "--replay", "-o", "again.llmn")
    assert replayed.returncode == 1
    assert "- Tell fact 9 about bridges." in replayed.stderr
    assert "+ Tell legend 9 about bridges." in replayed.stderr
    assert f"Failed: [11/{len(document)}] prompt" in replayed.stderr
    assert "Traceback" not in replayed.stderr


def test_reuse_asks_only_what_has_changed_and_whom_it_asked_before(stage, notebook):
    with OpenAIServer(reply=answer) as server:
        assert record(stage, server).returncode == 0
        document = load_notebook(notebook)
        document.cells[10].content = "Tell a legend about {topic}."
        save_notebook(document, notebook)
        variables = {"OPENAI_API_KEY": "sk-test", "LLM_REPL_BASE_URL": server.base_url}
        reused = llm_repl(stage, "run", "fifty.llmn", "--reuse", "--record", **variables)
        assert reused.returncode == 0, reused.stderr
        [last] = server.requests[PROMPTS:]
        assert (last.prompt, last.body["model"]) == ("Tell a legend about bridges.", "test-model")
    replayed = llm_repl(stage, "run", "-q", "fifty.llmn", "--replay")
    assert replayed.returncode == 0, replayed.stderr
    listed = llm_repl(stage, "calls", "list", "--limit", "100")
    assert listed.stdout.count("  reuse  ") == PROMPTS - 1
    assert listed.stdout.count("  completed  ") == PROMPTS + 1
