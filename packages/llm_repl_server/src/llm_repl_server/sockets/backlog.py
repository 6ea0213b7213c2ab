"""What waits for a client that uses long polling."""

from __future__ import annotations

import contextlib
import queue
import threading

from llm_repl_server.compat.engineio import Packet

__all__ = ["Backlog"]


class Backlog:
    """The packets that wait for a client, and how much text they are.

    It has what Engine.IO uses of `queue.Queue`, without that one's lock: whoever reads holds it
    while it waits to be let on by the interpreter, and the engine would wait for both.
    """

    def __init__(self) -> None:
        self.characters = 0
        self._packets: queue.SimpleQueue[Packet | None] = queue.SimpleQueue()
        self._counts = threading.Lock()

    def qsize(self) -> int:
        """How many packets wait."""
        return self._packets.qsize()

    def put(self, packet: Packet | None) -> None:
        """Add a packet, or None for the end."""
        with self._counts:
            self.characters += _length(packet)
        self._packets.put(packet)

    def get(self, block: bool = True, timeout: float | None = None) -> Packet | None:
        """Take a packet.

        Raises:
            queue.Empty: There is none.
        """
        packet = self._packets.get(block, timeout)
        with self._counts:
            self.characters -= _length(packet)
        return packet

    def take_all(self) -> list[Packet]:
        """Take all packets that are there."""
        packets = []
        with contextlib.suppress(queue.Empty):
            while True:
                packets.append(self.get(block=False))
        return [packet for packet in packets if packet is not None]


def _length(packet: Packet | None) -> int:
    data = getattr(packet, "data", None)
    return len(data) if isinstance(data, str | bytes) else 0
