"""The server that the terminal starts to share its notebook."""

from __future__ import annotations

import json

import pytest

from llm_repl_core import LLMReplError
from llm_repl_server.repl.attached.address import ServerAddress
from llm_repl_server.repl.attached.joining import attach
from llm_repl_server.repl.own_server import OwnServer
from llm_repl_server.repl.target import RunChoice


def test_a_file_is_shared_and_written_to_its_end(folders, root):
    path = root / "shared.llmn"
    path.write_text(json.dumps({"name": "Shared", "cells": []}))
    server = OwnServer(root)
    try:
        notebook_id = server.open(path)
        assert server.open(path) == notebook_id
        target = attach(ServerAddress(server.base, notebook_id), None)
        cell = target.add("code", "print('in the file')")
        for _ in target.run(RunChoice(cell_ids=(cell.id,), mode="reuse")):
            pass
        target.close()
    finally:
        server.stop()
    (written,) = json.loads(path.read_text())["cells"]
    assert written["outputs"][0]["content"] == "in the file\n"


def test_why_it_does_not_start_is_said(folders, root, monkeypatch):
    monkeypatch.setenv("LLM_REPL_AUTH", "nonsense")
    with pytest.raises(LLMReplError, match=r"did not start: .*nonsense"):
        OwnServer(root)
