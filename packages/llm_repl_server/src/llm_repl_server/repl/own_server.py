"""A server that the terminal starts for its own notebook, so that the page shows the same one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from llm_repl_core import LLMReplError

__all__ = ["OwnServer"]

_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 20.0
_POLL_S = 0.05
_ADDRESS = re.compile(r"serves at (http://[^\s?]+)")


class OwnServer:
    """A server on a free port of this machine, which nobody else knows of.

    Args:
        root: The folder of the notebook's file.

    Attributes:
        base: Its address.

    Raises:
        LLMReplError: It does not start.
    """

    def __init__(self, root: Path) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed by `stop`
        self._process = subprocess.Popen(  # noqa: S603  this very program
            [
                *(sys.executable, "-m", "llm_repl_server.cli.entry", "serve"),
                *("--host", "127.0.0.1", "--port", "0", "--root", str(root)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            # Ctrl-C in this terminal is for what runs in it.
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            self.base = self._wait_for_address()
        except BaseException:
            self.stop()
            raise

    def open(self, path: Path) -> str:
        """Have it open a file; the notebook's id.

        Raises:
            LLMReplError: It cannot be opened.
        """
        from llm_repl_server.repl.attached.rest import Rest

        rest = Rest(self.base)
        try:
            opened: dict[str, Any] = rest.ask("POST", "notebooks/open", {"path": path.name})
        finally:
            rest.close()
        return str(opened["id"])

    def stop(self) -> None:
        """End it; what it has to write is written."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait_for_address(self) -> str:
        deadline_s = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < deadline_s:
            self._log.seek(0)
            said = self._log.read().decode(errors="replace")
            if found := _ADDRESS.search(said):
                return found[1].rstrip("/")
            if self._process.poll() is not None:
                raise LLMReplError(f"The server did not start: {said.strip()[-500:]}")
            time.sleep(_POLL_S)
        raise LLMReplError(f"The server was not ready within {_START_LIMIT_S:.0f} s.")
