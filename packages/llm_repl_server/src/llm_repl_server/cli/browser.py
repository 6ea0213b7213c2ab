"""A browser on an address, where there is one to open."""

from __future__ import annotations

import subprocess
import sys
import threading

__all__ = ["open_in_browser"]


def open_in_browser(address: str) -> None:
    """Have a browser show an address, in a process of its own.

    The terminal is not the browser's: where there is no desktop, the programs that are tried say so
    one after the other, and a browser for terminals would take over this one.

    Args:
        address: What to show; other users of the machine may see it.
    """
    opening = subprocess.Popen(  # noqa: S603  our own interpreter
        [sys.executable, "-m", "webbrowser", address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=opening.wait, name="browser", daemon=True).start()
