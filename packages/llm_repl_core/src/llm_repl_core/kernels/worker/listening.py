"""The socket on which a worker is found."""

from __future__ import annotations

import socket
from pathlib import Path

__all__ = ["listen"]


def listen(path: str) -> socket.socket:
    """A listening Unix socket that only its user may connect to."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        Path(path).chmod(0o600)
        listener.listen(8)
    except OSError:
        listener.close()
        raise
    return listener
