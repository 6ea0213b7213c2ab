"""The OpenAPI description against a real server: every check, and nothing to be found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIMIT_S = 600.0
NOTES = (
    '{"name": "Notes", "cells": [{"cell_id": "c", "type": "ComputationCell", "content": "x = 1"}]}'
)

# More for a long look: `SCHEMATHESIS_EXAMPLES=500 SCHEMATHESIS_SEED=…`.
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "25")
SEED = os.environ.get("SCHEMATHESIS_SEED", "20")


@pytest.mark.one_python
@pytest.mark.unmeasured
def test_schemathesis_finds_nothing(start_server, tmp_path):
    (tmp_path / "root").mkdir(exist_ok=True)
    (tmp_path / "root" / "notes.llmn").write_text(NOTES)  # the description's example
    server = start_server(script=HERE / "mock_server.py", LLM_REPL_CELL_TIMEOUT_S="5")
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{server.url}/api/openapi.json", "--checks", "all"),
        *("--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure", "--no-color"),
    ]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    counted = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert counted is not None, run.stdout
    assert counted[1] == counted[2]
    assert int(counted[1]) > 500
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "defect" not in log
