"""Opening a browser leaves the terminal alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.one_python

OPENS = (
    "from llm_repl_server.cli.browser import open_in_browser; open_in_browser({address!r}); input()"
)


def test_a_browser_gets_the_address_and_not_the_terminal(
    tmp_path: Path, until: Callable[..., Any]
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    # As a browser for terminals does: it prints, and takes what is typed.
    browser.write_text(f'#!/bin/sh\necho noise\necho noise >&2\necho "$1 $(cat)" > {seen}\n')
    browser.chmod(0o700)
    address = "http://127.0.0.1:5000/#/notebooks/a b"
    with subprocess.Popen(
        [sys.executable, "-c", OPENS.format(address=address)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"BROWSER": f"{browser} %s"},
        text=True,
    ) as terminal:
        until(lambda: seen.is_file() and seen.read_text(), "the browser is opened")
        printed, _ = terminal.communicate("typed\n", timeout=30)
    assert (printed, terminal.returncode) == ("", 0)
    assert seen.read_text() == f"{address} \n"


def test_no_browser_is_no_trouble(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPENS.format(address="http://127.0.0.1:5000")],
        input="\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env=os.environ | {"BROWSER": str(tmp_path / "none"), "PATH": str(tmp_path)},
    )
    assert (done.stdout, done.stderr) == ("", "")
