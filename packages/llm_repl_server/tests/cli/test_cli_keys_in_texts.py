"""A provider's key in a notebook that is run from the command line: it ends up nowhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]

KEY = "sk-proj-4kQz81mXw7Ls0VtE2"


def test_it_is_in_no_file_that_a_run_writes_and_in_nothing_that_it_prints(
    llm_repl: RunCommand, tmp_path: Path
) -> None:
    cells = [
        {"type": "ComputationCell", "content": f"key = '{KEY[:9]}' + '{KEY[9:]}'\nprint(key)"},
        {"type": "PromptCell", "content": f"say {KEY} and {{key}}", "parameters": {"user": KEY}},
    ]
    (tmp_path / "n.llmn").write_text(json.dumps({"id": "n", "cells": cells}))
    known = {"OPENAI_API_KEY": KEY}
    arguments = ("--model", "echo", "--record", "-o", "out.llmn")
    ended = llm_repl("run", "n.llmn", *arguments, **known)
    assert (ended.returncode, ended.stdout) == (0, "[key]\nsay [key] and [key]\n")
    exported = llm_repl("calls", "export", "-o", "exported.jsonl", **known)
    shown = llm_repl("calls", "list", "--json", **known)
    assert KEY not in ended.stderr + exported.stderr + shown.stdout
    holders = {
        file.name
        for file in tmp_path.rglob("*")
        if file.is_file() and KEY.encode() in file.read_bytes()
    }
    assert holders == {"n.llmn"}
    assert (tmp_path / "n.calls.jsonl").stat().st_size > 0
    again = llm_repl("run", "-q", "n.llmn", "--replay", **known)
    assert (again.returncode, again.stdout) == (0, ended.stdout)


def test_an_address_with_a_key_is_refused(llm_repl: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "n.llmn").write_text(json.dumps({"cells": []}))
    address = f"http://127.0.0.1:9/v1?key={KEY}"
    for arguments in (
        ("run", "n.llmn", "--provider", "openai", "--base-url", address),
        ("keys", "set", "openai", "--base-url", address),
    ):
        ended = llm_repl(*arguments)
        assert ended.returncode == 2
        assert "must hold no user, password, ? or #" in ended.stderr
        assert KEY not in ended.stdout + ended.stderr
