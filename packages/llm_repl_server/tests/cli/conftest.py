"""The command line in processes of its own, away from the user's settings and data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LLM_REPL = [sys.executable, "-m", "llm_repl_server.cli.main"]
LIMIT_S = 60.0

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLM_REPL_", "OPENAI_"))
    }
    return inherited | {
        "LLM_REPL_CONFIG_DIR": str(tmp_path / "config"),
        "LLM_REPL_DATA_DIR": str(tmp_path / "data"),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def llm_repl(tmp_path: Path, environment: dict[str, str]) -> RunCommand:
    """Run ``llm-repl`` with arguments, in a folder of the test's own."""

    def run(
        *arguments: str, stdin: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*LLM_REPL, *arguments],
            cwd=tmp_path,
            env=environment | variables,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )

    return run


@pytest.fixture
def interrupt_when(tmp_path: Path, environment: dict[str, str]) -> Callable[..., tuple[int, str]]:
    """Run ``llm-repl`` until it prints a text, press Ctrl-C, and give its exit code and output."""

    def run(text: str, *arguments: str) -> tuple[int, str]:
        with subprocess.Popen(
            [*LLM_REPL, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            printed = ""
            for line in process.stdout:
                printed += line
                if text in line:
                    process.send_signal(signal.SIGINT)
                    break
            rest, _ = process.communicate(timeout=LIMIT_S)
        return process.returncode, printed + rest

    return run
