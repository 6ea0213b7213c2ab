"""A server with a real model, for all checks; it is waited for, and ended by its own handle."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

START_LIMIT_S = 120.0
SERVE = Path(__file__).with_name("serve.py")


@pytest.fixture(scope="session")
def real_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base address of a server whose model is small, slow and real."""
    folder = tmp_path_factory.mktemp("real_model")
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen([sys.executable, str(SERVE)], stdout=stdout, stderr=stderr)
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while not (found := re.search(r"serves at (\S+)", out.read_text())):
            assert process.poll() is None, err.read_text()
            assert time.monotonic() < deadline, f"it does not serve: {err.read_text()}"
            time.sleep(0.05)
        yield found[1]
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def environment(real_model: str, tmp_path: Path) -> dict[str, str]:
    """The variables of a command that asks the real model, with settings and data of its own."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLM_REPL_", "OPENAI_"))
    }
    return inherited | {
        "LLM_REPL_CONFIG_DIR": str(tmp_path / "config"),
        "LLM_REPL_DATA_DIR": str(tmp_path / "data"),
        "LLM_REPL_PROVIDER": "openai",
        "LLM_REPL_MODEL": "smollm2",
        "LLM_REPL_BASE_URL": real_model,
        "OPENAI_API_KEY": "none-is-needed",
        "PYTHONUNBUFFERED": "1",
    }
