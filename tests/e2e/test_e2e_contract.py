"""The wire contract, checked by clients that were written from it alone."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

# What the clients give as API keys; the fields are in the contract, the values are theirs.
KEY_MARK = b"sk-contract-client"


def assert_the_key_is_kept_in_one_place(stage) -> None:
    """A key is in no notebook, saved file, database or log; and its file is the user's alone."""
    files = (Path(folder, name) for folder, _, names in os.walk(stage.folder) for name in names)
    holding = [path for path in files if path.is_file() and KEY_MARK in path.read_bytes()]
    assert holding == [stage.folder / "config" / "keys.json"]
    assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600


def test_a_client_in_python(server):
    said = server.check_contract()
    assert said.count("passed check_") == 16, said
    assert_the_key_is_kept_in_one_place(server.stage)


def test_a_client_with_the_libraries_of_a_web_ui(server, js_folder):
    process = subprocess.run(
        ["node", "contract_client.js", server.base, str(server.stage.root)],
        cwd=js_folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    said = process.stdout
    assert process.returncode == 0, said + process.stderr
    assert said.count("passed ") == 7, said
    assert_the_key_is_kept_in_one_place(server.stage)
