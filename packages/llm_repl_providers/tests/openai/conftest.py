from __future__ import annotations

import os

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer, Reply


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch):
    """Neither keys nor proxies of the machine that runs the tests."""
    for name in os.environ:
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server():
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def refuse_for_ever(server):
    """Have the server refuse every request, in these words."""

    def refuse(words):
        server.reply = Reply(status=400, error=words)

    return refuse
