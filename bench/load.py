"""A load generator, in a process of its own: requests a second over connections that are kept."""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.http_client import body_of, encode_request, is_complete

__all__ = ["requests_per_second"]

_GRACE_S = 30.0


def requests_per_second(
    port: int, paths: Sequence[str], *, must_have: str, duration_s: float = 1.5
) -> float:
    """How many POST requests are answered a second, by a client a path that each wait their turn.

    Args:
        port: Where the server is.
        paths: What each client asks for, again and again.
        must_have: What every answer has in it.
        duration_s: For how long.

    Raises:
        RuntimeError: An answer is not as it should be.
    """
    order = json.dumps([port, list(paths), must_have, duration_s])
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=order,
        capture_output=True,
        text=True,
        timeout=duration_s + _GRACE_S,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return float(done.stdout)


class _Client:
    """One connection, and what has come of the answer that it waits for."""

    def __init__(self, port: int, path: str) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), _GRACE_S)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = encode_request("POST", path)
        self.answer = b""


def _generate(port: int, paths: Sequence[str], must_have: bytes, duration_s: float) -> float:
    with selectors.DefaultSelector() as selector:
        for path in paths:
            client = _Client(port, path)
            selector.register(client.connection, selectors.EVENT_READ, client)
            client.connection.sendall(client.request)
        answered = 0
        started = time.perf_counter()
        ends = started + duration_s
        while time.perf_counter() < ends:
            ready = selector.select(_GRACE_S)
            if not ready:
                raise TimeoutError(f"no answer within {_GRACE_S:g} s")
            for key, _ in ready:
                client = key.data
                piece = client.connection.recv(65536)
                if not piece:
                    raise ConnectionError("the server closed a connection")
                client.answer += piece
                if is_complete(client.answer):
                    if must_have not in body_of(client.answer):
                        raise RuntimeError(f"an answer without {must_have!r}: {client.answer!r}")
                    answered += 1
                    client.answer = b""
                    client.connection.sendall(client.request)
        took_s = time.perf_counter() - started
        for key in list(selector.get_map().values()):
            key.data.connection.close()
    return answered / took_s


if __name__ == "__main__":
    asked_port, asked_paths, wanted, round_s = json.load(sys.stdin)
    print(_generate(asked_port, asked_paths, wanted.encode(), round_s))
