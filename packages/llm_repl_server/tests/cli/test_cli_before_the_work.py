"""What cannot be used as given is found before anything runs, and the exit code is 2."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, save_notebook
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Notebooks, whose first cell leaves a mark when it runs."""

    def save(name: str, **prompt: str) -> None:
        document = Notebook(name)
        document.add_code("open('ran', 'w').close()")
        document.add_prompt("Say hello.", **prompt)
        save_notebook(document, tmp_path / name)

    save("good.llmn")
    save("unknown.llmn", provider="opnai")
    save("openai.llmn", model="openai/gpt-5.4-mini")
    save_notebook(Notebook("Empty"), tmp_path / "empty.llmn")
    save_notebook(Notebook("Empty"), tmp_path / "empty.ipynb")
    (tmp_path / "nothing.llmn").touch()
    (tmp_path / "text.ipynb").write_text("no notebook")
    (tmp_path / "binary.ipynb").write_bytes(b"\xff\x00\x01")
    (tmp_path / "latin1.llmn").write_bytes(b'{"name": "\xe9"}')
    (tmp_path / "wrong.llmn").write_text('{"cells": [{"type": "code", "content": 3}]}')
    in_r = Notebook("In R")
    in_r.add_code("x <- 1")
    in_r.metadata["language_info"] = {"name": "R"}
    save_notebook(in_r, tmp_path / "in-r.llmn")
    (tmp_path / "folder.llmn").mkdir()
    (tmp_path / "unreadable.llmn").symlink_to("/proc/self/mem")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["good.llmn", "--provider", "opnai"], "There is no provider `opnai`"),
        (["good.llmn", "--provider", "opnai"], "Did you mean `openai`?"),
        (["unknown.llmn"], "Cell 2 cannot be answered: There is no provider `opnai`"),
        (["openai.llmn"], "The provider `openai` needs a key"),
        (["good.llmn", "--provider", "openai"], "The provider `openai` needs a key"),
        (["good.llmn", "--model", "openai/gpt-4"], "The provider `openai` needs a key"),
        (["good.llmn", "--provider", "openai", "--base-url", "x"], "--base-url must be a URL"),
        (["good.llmn", "--base-url", "http://localhost:1/v1"], "name the provider too"),
        (["good.llmn", "--kernel", "wroker"], "There is no kernel `wroker`"),
        (["empty.llmn"], "empty.llmn has no cells."),
        (["empty.ipynb"], "empty.ipynb has no cells."),
        (["nothing.llmn"], "nothing.llmn cannot be used: this is not a .llmn file: it is empty."),
        (["text.ipynb"], "text.ipynb cannot be used: this is not a .ipynb file: it is not JSON"),
        (["binary.ipynb"], "binary.ipynb cannot be used: this is not a .ipynb file: byte 0 (0xff)"),
        (["latin1.llmn"], "latin1.llmn cannot be used: this is not a .llmn file: byte 10 (0xe9)"),
        (["wrong.llmn"], "wrong.llmn cannot be used: `cells[0].content` must be text"),
        (["in-r.llmn"], "The notebook's code is R"),
        (["folder.llmn"], "folder.llmn is a folder"),
        (["."], ". is a folder"),
        (["unreadable.llmn"], "unreadable.llmn could not be read"),
        (["god.llmn"], "Did you mean `good.llmn`?"),
        (["good"], "Did you mean `good.llmn`?"),
        (["nowhere/good.llmn"], "There is no file nowhere/good.llmn"),
        (["good.llmn", "-o", "no/out.llmn"], "its folder does not exist"),
        (["good.llmn", "-o", "folder.llmn"], "folder.llmn is a folder"),
        (["good.llmn", "-o", "out.txt"], "must end in one of"),
        (["good.llmn", "-o", "good.llmn/out.llmn"], "its folder does not exist"),
    ],
)
def test_it_is_one_sentence_and_nothing_runs(
    llm_repl: RunCommand, folder: Path, arguments: list[str], sentence: str
) -> None:
    ended = llm_repl("run", *arguments)
    assert ended.returncode == 2, ended.stderr
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (folder / "ran").exists()


def test_a_price_that_nobody_knows_is_told_before_anything_runs(
    llm_repl: RunCommand, folder: Path
) -> None:
    chosen = ["--provider", "openai", "--model", "of-ones-own", "--max-usd", "1"]
    ended = llm_repl("run", "good.llmn", *chosen, "-o", "out.llmn", OPENAI_API_KEY="sk-of-a-test")
    assert ended.returncode == 2
    assert ended.stderr.startswith(
        "Error: Cell 2 cannot be run: no price is known for the model `of-ones-own` of `openai`"
    )
    assert ended.stderr.count("\n") == 1
    assert not (folder / "ran").exists()
    assert not (folder / "out.llmn").exists()


def test_so_are_earlier_calls_of_which_nobody_knows_the_price(
    llm_repl: RunCommand, folder: Path
) -> None:
    document = Notebook("Paid")
    document.add_code("open('ran', 'w').close()")
    document.add_prompt("Say hello.", provider="openai", parameters={"max_tokens": 10})

    def run(model: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        document.change(document.cells[1].id, model=model)
        save_notebook(document, folder / "paid.llmn")
        (folder / "ran").unlink(missing_ok=True)
        given = ["--provider", "openai", "--base-url", server.base_url, *arguments]
        return llm_repl("run", "paid.llmn", *given, OPENAI_API_KEY="sk-of-a-test")

    with OpenAIServer(reply=lambda _: Reply(text="Hello.")) as server:
        assert run("of-ones-own").returncode == 0
        document.metadata["llm_repl"] = {"budget": {"usd": 1}}
        for more in ([], ["--record"]):
            ended = run("gpt-4o", *more)
            assert ended.returncode == 2, ended.stderr
            assert ended.stderr.startswith(
                "Error: The notebook's budget limits money, and no price is known for 1 earlier call "
                "to the model `of-ones-own` of `openai`, which would count as free: put its price"
            )
            assert ended.stderr.count("\n") == 1
            assert not (folder / "ran").exists()
        assert len(server.requests) == 1
        assert run("gpt-4o", "--allow-unpriced").returncode == 0
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("fifo", "fifo is a pipe to which nothing is written."),
        ("folder.llmn", "folder.llmn is a folder; name a file."),
        ("socket", "socket could not be read"),
        ("none.yaml", "There is no settings file none.yaml."),
        ("/dev/zero", "/dev/zero is larger than the limit"),
        ("/dev/stdin", "/dev/stdin cannot be used: it names `port` twice (lines 2 and 3)"),
    ],
)
def test_a_server_says_at_once_that_its_settings_cannot_be_read(
    llm_repl: RunCommand, folder: Path, config: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "fifo")
    monkeypatch.chdir(folder)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        ended = llm_repl("serve", "--config", config, stdin="server:\n  port: 0\n  port: 1\n")
    assert ended.returncode == 2, ended.stderr
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["preview", "graph"])
@pytest.mark.parametrize(
    "name",
    ["empty.llmn", "folder.llmn", "god.llmn", "unreadable.llmn", "binary.ipynb", "wrong.llmn"],
)
def test_other_commands_say_it_too(
    llm_repl: RunCommand, folder: Path, command: str, name: str
) -> None:
    ended = llm_repl(command, name, *(["1"] if command == "preview" else []))
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr


def test_a_replay_needs_no_key(llm_repl: RunCommand, folder: Path) -> None:
    ended = llm_repl("run", "-q", "openai.llmn", "--replay")
    assert ended.returncode == 1
    assert "ReplayMiss" in ended.stderr
    assert (folder / "ran").exists()


def test_a_key_is_bound_to_its_address(llm_repl: RunCommand, folder: Path) -> None:
    with OpenAIServer(reply=Reply(text="Hello from here.")) as server:
        kept = llm_repl("keys", "set", "openai", "--base-url", server.base_url, stdin="sk-bound\n")
        assert f"--base-url {server.base_url}" in kept.stdout
        refused = llm_repl("run", "-q", "good.llmn", "--provider", "openai")
        assert refused.returncode == 2
        assert f"kept for it goes to {server.base_url} only" in refused.stderr
        chosen = ["--provider", "openai", "--base-url", server.base_url]
        ended = llm_repl("run", "-q", "good.llmn", *chosen)
        assert ended.stdout == "Hello from here.\n", ended.stderr
        assert server.requests[-1].headers["authorization"] == "Bearer sk-bound"
        listed = llm_repl("keys", "list").stdout
        assert listed == f"openai: file, for {server.base_url} only\n"
        assert llm_repl("keys", "set", "openai", stdin="sk-general\n").returncode == 0
        llm_repl("run", "-q", "good.llmn", *chosen)
        assert server.requests[-1].headers["authorization"] == "Bearer sk-bound"
        removed = llm_repl("keys", "remove", "openai", "--base-url", server.base_url)
        assert removed.returncode == 0
        llm_repl("run", "-q", "good.llmn", *chosen)
        assert server.requests[-1].headers["authorization"] == "Bearer sk-general"
    removed = llm_repl("keys", "remove", "openai", OPENAI_API_KEY="sk-env")
    assert "The key for openai was removed" in removed.stdout
    assert "environment variable OPENAI_API_KEY still holds a key" in removed.stdout
    assert llm_repl("keys", "list").stdout.startswith("There are no keys")
    again = llm_repl("keys", "remove", "openai")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)


def test_a_model_may_name_its_provider(llm_repl: RunCommand, folder: Path) -> None:
    with OpenAIServer(reply=Reply(text="Hello from here.")) as server:
        ended = llm_repl(
            *("run", "-q", "good.llmn", "--model", "openai/gpt-5.4-mini"),
            *("--base-url", server.base_url),
        )
        assert ended.stdout == "Hello from here.\n", ended.stderr
        assert server.requests[-1].body["model"] == "gpt-5.4-mini"
    # A prefix that is no provider's is part of the model's name.
    assert llm_repl("run", "-q", "good.llmn", "--model", "meta/echo").returncode == 0
    other = llm_repl("run", "-q", "good.llmn", "--provider", "mock", "--model", "openai/gpt-4")
    assert "This is the mock model" in other.stdout
