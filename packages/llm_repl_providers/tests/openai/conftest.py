from __future__ import annotations

import os

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer


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
