"""``llm-repl providers``: servers under names of their own, from the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, save_notebook
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
KEY = "key-of-the-lab-0123"


def test_each_provider_says_its_state_in_one_sentence(llm_repl: RunCommand) -> None:
    listed = llm_repl("providers", "list")
    assert listed.returncode == 0, listed.stderr
    assert "default model:" in listed.stdout
    assert ".;" not in listed.stdout


def test_the_first_model_that_a_server_offers_is_its_default(llm_repl: RunCommand) -> None:
    with OpenAIServer(reply=Reply(text="from the lab"), models=["embedder", "qwen"]) as server:
        added = llm_repl("providers", "add", "lab", "--base-url", server.base_url)
        assert (added.returncode, added.stderr) == (0, "")
        assert "its default model is qwen." in added.stdout
        assert llm_repl("ask", "Hi", "--provider", "lab").stdout == "from the lab\n"
        assert llm_repl("ask", "Hi", "-m", "lab").stdout == "from the lab\n"
        assert server.requests[-1].body["model"] == "qwen"
    added = llm_repl("providers", "add", "gone", "--base-url", server.base_url)
    assert added.returncode == 0
    assert "`llm-repl providers test gone` tries again." in added.stderr


def test_a_server_is_added_given_a_key_tried_used_and_removed(
    llm_repl: RunCommand, tmp_path: Path
) -> None:
    with OpenAIServer(reply=Reply(text="from the lab"), key=KEY) as server:
        added = llm_repl("providers", "add", "lab", "--base-url", server.base_url, "--model", "m")
        assert added.returncode == 0, added.stderr
        assert "llm-repl keys set lab" in added.stdout
        assert llm_repl("providers", "test", "lab").returncode == 1
        stored = llm_repl("keys", "set", "lab", stdin=KEY)
        assert f"lab at {server.base_url}" in stored.stdout
        tried = llm_repl("providers", "test", "lab")
        assert (tried.returncode, tried.stdout) == (0, "It answers, and offers 1 model.\n")
        listed = json.loads(llm_repl("providers", "list", "--json").stdout)
        assert [(one["name"], one["key"]["source"]) for one in listed][-1] == ("lab", "file")
        assert KEY not in str(listed)
        notebook = Notebook()
        notebook.add_prompt("Hi", model="lab/m")
        save_notebook(notebook, tmp_path / "n.llmn")
        ran = llm_repl("run", str(tmp_path / "n.llmn"))
        assert ran.returncode == 0, ran.stderr
        assert "from the lab" in ran.stdout
        assert llm_repl("providers", "remove", "lab").returncode == 0
        assert llm_repl("providers", "remove", "lab").returncode != 0
        assert "lab" not in llm_repl("keys", "list").stdout
