"""An Engine.IO client whose time is kept, and whose websocket is served, by an event loop.

The library has up to four threads for a client: to read, to read once more, to write, and to sleep
until the next ping. Here a client has none, but for a long poll that waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engineio import packet
from engineio.exceptions import EngineIOError, UnknownPacketError
from engineio.packet import Packet
from engineio.socket import Socket
from wsproto.frame_protocol import CloseReason

from llm_repl_server.sockets.websocket import WebSocket, take_connection, text_frame

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["BACKLOG_LIMIT", "BACKLOG_LIMIT_CHARACTERS", "Backlog", "Session"]

BACKLOG_LIMIT = 10_000
"""How many packets wait for a polling client that does not ask, before it is let go."""

BACKLOG_LIMIT_CHARACTERS = 64_000_000
"""How much text may wait for any client that does not read, before it is let go."""

_PACKET_TYPES = "0123456"
_STRANGERS_MESSAGES = 20
"""How much a client may say before it has shown its token, which takes one message."""

_STOP_LIMIT_S = 3.0
_TAKE_OVER_LIMIT_S = 0.5

_log = logging.getLogger(__name__)


class Backlog:
    """The packets that wait for a client, and how much text they are.

    It has what Engine.IO uses of `queue.Queue`, without that one's lock: whoever reads holds it
    while it waits to be let on by the interpreter, and the engine would wait for both.
    """

    def __init__(self) -> None:
        self.characters = 0
        self._packets: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._counts = threading.Lock()

    def qsize(self) -> int:
        """How many packets wait."""
        return self._packets.qsize()

    def put(self, packet: Any) -> None:
        """Add a packet, or None for the end."""
        with self._counts:
            self.characters += _length(packet)
        self._packets.put(packet)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
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
        return [one for one in packets if one is not None]


def _length(packet: Any) -> int:
    data = getattr(packet, "data", None)
    return len(data) if isinstance(data, str | bytes) else 0


class Session(Socket):  # type: ignore[misc]  # it brings no types
    """A client, from its handshake on.

    Args:
        server: The Engine.IO server.
        sid: The session's id.
        loop: Where its time is kept and its websocket is served.
        is_known: Whether the client has shown its token, or needs none.
        on_close: Called when it has ended.
        patience_s: How long it may take to become known.
    """

    connected: bool
    upgrading: bool
    upgraded: bool
    closing: bool
    closed: bool

    def __init__(
        self,
        server: Any,
        sid: str,
        *,
        loop: asyncio.AbstractEventLoop,
        is_known: Callable[[], bool],
        on_close: Callable[[Session], None],
        patience_s: float,
    ) -> None:
        super().__init__(server, sid)
        self.queue = Backlog()
        self._loop = loop
        self._is_known = is_known
        self._on_close = on_close
        self._patience_s = patience_s
        self._websocket: WebSocket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._messages_of_stranger = 0
        self._ending = threading.Lock()
        self._polling = threading.Lock()
        self._stopping = False
        self._told = threading.Event()

    # Time ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to keep the client's time."""
        self._in_loop(self._loop.call_later, self._patience_s, self._let_strangers_go)
        self.schedule_ping()

    def schedule_ping(self) -> None:
        """Ask after the client later: it has just shown that it is there."""
        self.last_ping = None
        self._in_loop(self._wait, self.server.ping_interval, self._ping)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if self.closed else self._loop.call_later(seconds, then)

    def _ping(self) -> None:
        self._let_strangers_go()  # also who has left its namespace
        if not self.closed:
            self.send(Packet(packet.PING))
            self._wait(self.server.ping_timeout, self._let_go)

    def _let_go(self) -> None:
        self.close(wait=False, abort=True, reason=self.server.reason.PING_TIMEOUT)

    def _let_strangers_go(self) -> None:
        if not self.closed and not self._is_known():
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)

    # Packets ------------------------------------------------------------------------------------

    def check_ping_timeout(self) -> bool:
        """Whether the client is there; who does not answer in time is let go by a timer."""
        return not self.closed

    def send(self, pkt: Packet) -> None:
        """Send a packet; to a client that is gone, nothing."""
        if self.closed:
            return
        if self.upgraded:
            self._in_loop(self._send_frame, pkt)
        elif self.queue.qsize() > BACKLOG_LIMIT or self.queue.characters > BACKLOG_LIMIT_CHARACTERS:
            self._let_deaf_go()
        else:
            self.queue.put(pkt)

    def _send_frame(self, pkt: Packet) -> None:
        websocket = self._websocket
        if websocket is None or self.closed:
            return
        frame: bytes | None = getattr(pkt, "frame", None)
        if frame is None:  # one for all clients that are sent this packet
            frame = pkt.frame = text_frame(str(pkt.encode()))
        if not websocket.send(frame):
            self._let_deaf_go()

    def _let_deaf_go(self) -> None:
        _log.warning("a client that does not read is let go")
        self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)

    def receive(self, pkt: Packet) -> None:
        """Take a packet from the client."""
        if not self._is_known():
            self._messages_of_stranger += 1
            if self._messages_of_stranger > _STRANGERS_MESSAGES:
                self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)
                return
        super().receive(pkt)

    # Long polls ---------------------------------------------------------------------------------

    def poll(self) -> list[Packet]:
        """Wait for packets, in the thread of a request.

        Raises:
            EngineIOError: The client asks several times at once, or has been let go.
        """
        if not self._polling.acquire(blocking=False):
            self.queue.put(None)  # the client has given that request up, and this is its next
            if not self._polling.acquire(timeout=_TAKE_OVER_LIMIT_S):
                raise EngineIOError("several requests wait at a time")
        try:
            first = self.queue.get(timeout=self.server.ping_interval + self.server.ping_timeout)
        except queue.Empty:
            raise EngineIOError("nothing came, not even a ping") from None
        finally:
            self._polling.release()
        if self._stopping:
            # There is no later: what is still to come in the server's last moments comes along.
            self._told.wait(_STOP_LIMIT_S)
        packets = [] if first is None else [first]
        packets += self.queue.take_all()
        return packets or [Packet(packet.NOOP)]

    # The websocket ------------------------------------------------------------------------------

    def _upgrade_websocket(self, environ: dict[str, Any], _: StartResponse) -> Any:
        """Take the connection of a request from the web server, and have the loop serve it."""
        if self.upgrading or self.upgraded:
            return self.server._bad_request("This session has its websocket already")
        connection = take_connection(environ)
        if connection is None:
            return self.server._bad_request(
                "Websockets are not served over this web server's own TLS: put a proxy before it"
            )
        is_probe = self.connected
        self.connected = True
        self.upgrading = is_probe
        serving = self._serve(connection, dict(environ), is_probe)
        try:
            asyncio.run_coroutine_threadsafe(serving, self._loop)
        except RuntimeError:  # the loop has ended
            serving.close()
            connection.close()
        # How the web servers are told that the connection is not theirs any more.
        raise StopIteration if "gunicorn.socket" in environ else ConnectionError

    async def _serve(self, connection: Any, environ: Mapping[str, Any], is_probe: bool) -> None:
        websocket = WebSocket(
            environ,
            message_limit_bytes=self.server.max_http_buffer_size,
            backlog_limit_bytes=BACKLOG_LIMIT_CHARACTERS,
            on_message=self._probe if is_probe else self._receive_text,
            on_close=self._websocket_closed,
        )
        self._websocket = websocket
        try:
            await self._loop.connect_accepted_socket(lambda: websocket, connection)
        except OSError:
            connection.close()
            self._websocket_closed()
            return
        if self.closed:
            websocket.abort()
        elif is_probe:
            self._loop.call_later(self._patience_s, self._give_probe_up)
        else:
            self._move_to_websocket()

    def _move_to_websocket(self) -> None:
        """Send what waits, and everything from now on, by the websocket."""
        self.upgraded = True
        self.upgrading = False
        for pkt in self.queue.take_all():
            self._send_frame(pkt)

    def _probe(self, data: str | bytes) -> None:
        """Follow the client's steps from polling to its websocket."""
        assert self._websocket is not None
        if self.upgraded:
            self._receive_text(data)
        elif data == "2probe":
            self._websocket.send(text_frame("3probe"))
            self.queue.put(Packet(packet.NOOP))  # ends a poll that waits
        elif data == "5":
            self._move_to_websocket()
        else:
            self._websocket.abort()

    def _give_probe_up(self) -> None:
        if self.upgrading and self._websocket is not None:
            self._websocket.abort()

    def _receive_text(self, data: str | bytes) -> None:
        if self.closed:
            return
        if isinstance(data, str) and (not data or data[0] not in _PACKET_TYPES):
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)
            return
        try:
            self.receive(Packet(encoded_packet=data))
        except UnknownPacketError:
            pass  # as the library has it
        except Exception:
            # Whatever a client sends must not end the loop; the log has a line of it.
            self.server.logger.exception("message handler error")
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)

    def _websocket_closed(self) -> None:
        if self.upgrading:  # it goes on by polling
            self.upgrading = False
            self._websocket = None
        else:
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    # The end ------------------------------------------------------------------------------------

    def close(
        self,
        wait: bool = True,  # noqa: ARG002 - the library's; nobody is waited for here
        abort: bool = False,
        reason: str | None = None,
    ) -> None:
        """End the session and its connection.

        Args:
            wait: Makes no difference.
            abort: Whether the client is told nothing.
            reason: What handlers of ``disconnect`` are told.
        """
        with self._ending:
            if self.closing or self.closed:
                return
            self.closing = True
        reason = reason or self.server.reason.SERVER_DISCONNECT
        self.server._trigger_event("disconnect", self.sid, reason, run_async=False)
        if not abort:
            self.send(Packet(packet.CLOSE))
        self.closed = True
        self.server.sockets.pop(self.sid, None)
        self.queue.put(None)  # ends a poll that waits
        self._on_close(self)
        self._in_loop(self._end_websocket, abort)

    def _end_websocket(self, abort: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._websocket is not None:
            if abort:
                self._websocket.abort()
            else:
                self._websocket.close()

    def begin_to_stop(self) -> None:
        """The server ends soon: a poll is answered with all that is still to come."""
        self._stopping = True

    async def go_away(self) -> None:
        """The server ends: send the rest and close the connection, and not the session.

        Told that its session is closed, a client would stay away; from a connection that is lost,
        it comes back.
        """
        self._told.set()
        self.queue.put(None)
        if self._websocket is not None:
            self._websocket.close(CloseReason.GOING_AWAY)
            await self._websocket.ended.wait()

    def _in_loop(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function in the loop: at once, where this is the loop."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(function, *arguments)
        else:
            if running is self._loop:
                function(*arguments)
            else:
                self._loop.call_soon_threadsafe(function, *arguments)
