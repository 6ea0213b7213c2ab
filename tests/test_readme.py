"""The README keeps its promise: what it shows by curl works, and it stays short."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
LIMIT_S = 60
LINES = 110


def block_with_curl() -> str:
    blocks = re.findall(
        r"^```bash\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    [block] = [block for block in blocks if "curl" in block]
    return block


@pytest.fixture
def server_url(tmp_path):
    """The address of `llm-repl serve`, with folders of its own."""
    (tmp_path / "root").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "llm_repl_server.cli.entry", "serve", "--port", "0"],
        cwd=tmp_path / "root",
        env={name: value for name, value in os.environ.items() if not name.startswith("LLM_REPL_")}
        | {
            "LLM_REPL_CONFIG_DIR": str(tmp_path / "config"),
            "LLM_REPL_DATA_DIR": str(tmp_path / "data"),
            "PYTHONUNBUFFERED": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            found = re.search(r"serves at (http://127\.0\.0\.1:\d+)", process.stdout.readline())
            assert found is not None
            yield found[1]
        finally:
            process.terminate()
            process.wait(LIMIT_S)


@pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="no bash or no curl"
)
def test_the_first_notebook_by_curl(server_url):
    address = "http://127.0.0.1:5000/api"
    script = block_with_curl()
    assert script.count(address) == 1
    process = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(address, f"{server_url}/api")],
        env={
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        },
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    shown = process.stdout
    assert '{"success":true}' in shown
    state = json.loads(shown[shown.rindex('{"state"') :])["state"]
    assert state["who"] == "world"
    assert "Say hello to world." in state["greeting"]


def test_it_stays_short():
    assert len(README.read_text("utf-8").splitlines()) <= LINES
