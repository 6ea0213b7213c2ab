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
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wsproto.frame_protocol import CloseReason

from llm_repl_server.compat.engineio import (
    CLOSE,
    MESSAGE,
    NOOP,
    PING,
    ClientSocket,
    EngineIOError,
    EngineServer,
    Packet,
)
from llm_repl_server.sockets.backlog import Backlog
from llm_repl_server.sockets.websocket import WebSocket, take_connection, text_frame

__all__ = ["BACKLOG_LIMIT", "BACKLOG_LIMIT_CHARACTERS", "SocketSession"]

BACKLOG_LIMIT = 10_000
"""How many packets wait for a polling client that does not ask, before it is dropped."""

BACKLOG_LIMIT_CHARACTERS = 64_000_000
"""How much text may wait for any client that does not read, before it is dropped."""

_UNAUTHENTICATED_MESSAGES = 20
"""How much a client may say before it has shown its token, which takes one message."""

_STOP_LIMIT_S = 3.0
_TAKE_OVER_LIMIT_S = 0.5

_log = logging.getLogger(__name__)


class SocketSession(ClientSocket):
    """A client, from its handshake on.

    Args:
        engine: The Engine.IO server.
        sid: The session's id.
        loop: Where its time is kept and its websocket is served.
        is_admitted: Whether its handshake had all that is needed to come in.
        on_close: Called when it has ended.
        authentication_timeout_s: How long it may take to show its token otherwise.
    """

    def __init__(
        self,
        engine: EngineServer,
        sid: str,
        *,
        loop: asyncio.AbstractEventLoop,
        is_admitted: bool,
        on_close: Callable[[SocketSession], None],
        authentication_timeout_s: float,
    ) -> None:
        super().__init__(engine, sid)
        self.queue = Backlog()
        #: Whether it has shown its token since.
        self.is_authenticated = False
        self._engine = engine
        self._loop = loop
        self._is_admitted = is_admitted
        self._on_close = on_close
        self._authentication_timeout_s = authentication_timeout_s
        self._websocket: WebSocket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unauthenticated_messages = 0
        self._ending = threading.Lock()
        self._polling = threading.Lock()
        self._stopping = False
        self._told = threading.Event()

    @property
    def is_known(self) -> bool:
        """Whether the client may be here for longer than it takes to show a token."""
        return self._is_admitted or self.is_authenticated

    # Time ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to keep the client's time."""
        self.in_loop(self._loop.call_later, self._authentication_timeout_s, self._drop_unknown)
        self.schedule_ping()

    def schedule_ping(self) -> None:
        """Ask after the client later: it has just shown that it is there."""
        self.last_ping = None
        self.in_loop(self._wait, self.ping_interval_s, self._ping)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if self.closed else self._loop.call_later(seconds, then)

    def _ping(self) -> None:
        self._drop_unknown()  # also who has left its namespace
        if not self.closed:
            self.send(Packet(PING))
            self._wait(self.ping_timeout_s, self._ping_timed_out)

    def _ping_timed_out(self) -> None:
        self.close(abort=True, reason=self.reasons.PING_TIMEOUT)

    def _drop_unknown(self) -> None:
        if not self.closed and not self.is_known:
            self.drop()

    def drop(self) -> None:
        """End the session and cut its connection, without a word."""
        self.close(abort=True, reason=self.reasons.TRANSPORT_ERROR)

    # Packets ------------------------------------------------------------------------------------

    def send(self, pkt: Packet) -> None:
        """Send a packet; to a client that is gone, nothing."""
        if self.closed:
            return
        if self.upgraded:
            self.in_loop(self._send_packet, pkt)
        elif self.queue.qsize() > BACKLOG_LIMIT or self.queue.characters > BACKLOG_LIMIT_CHARACTERS:
            self._drop_slow()
        else:
            self.queue.put(pkt)

    def send_events(self, packets: Sequence[bytes], frames: bytes) -> None:
        """Send packets of Socket.IO, in the loop.

        Args:
            packets: For a client that polls.
            frames: The same as frames for a websocket, which all clients share.
        """
        if self.upgraded:
            self._send_frames(frames)
        else:
            for packet in packets:
                self.send(Packet(MESSAGE, packet.decode()))

    def _send_packet(self, packet: Packet) -> None:
        self._send_frames(text_frame(str(packet.encode()).encode("utf-8", "replace")))

    def _send_frames(self, frames: bytes) -> None:
        websocket = self._websocket
        if websocket is not None and not self.closed and not websocket.send(frames):
            self._drop_slow()

    def _drop_slow(self) -> None:
        _log.warning("a client that does not read is dropped")
        self.drop()

    def receive(self, pkt: Packet) -> None:
        """Take a packet from the client."""
        if not self.is_known:
            self._unauthenticated_messages += 1
            if self._unauthenticated_messages > _UNAUTHENTICATED_MESSAGES:
                self.drop()
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
            first = self.queue.get(timeout=self.ping_interval_s + self.ping_timeout_s)
        except queue.Empty:
            raise EngineIOError("nothing came, not even a ping") from None
        finally:
            self._polling.release()
        if self._stopping:
            # There is no later: what is still to come in the server's last moments comes along.
            self._told.wait(_STOP_LIMIT_S)
        packets = [] if first is None else [first]
        packets += self.queue.take_all()
        return packets or [Packet(NOOP)]

    # The websocket ------------------------------------------------------------------------------

    def upgrade(self, environ: dict[str, Any]) -> Any:
        """Take the connection of a request from the web server, and have the loop serve it."""
        if self.upgrading or self.upgraded:
            return self._engine.bad_request("This session has its websocket already")
        connection = take_connection(environ)
        if connection is None:
            return self._engine.bad_request(
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
            message_limit_bytes=self.message_limit_bytes,
            backlog_limit_bytes=BACKLOG_LIMIT_CHARACTERS,
            on_message=self._probe if is_probe else self._receive_message,
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
            self._loop.call_later(self._authentication_timeout_s, self._give_probe_up)
        else:
            self._move_to_websocket()

    def _move_to_websocket(self) -> None:
        """Send what waits, and everything from now on, by the websocket."""
        self.upgraded = True
        self.upgrading = False
        for packet in self.queue.take_all():
            self._send_packet(packet)

    def _probe(self, data: str | bytes) -> None:
        """Follow the client's steps from polling to its websocket."""
        assert self._websocket is not None
        if self.upgraded:
            self._receive_message(data)
        elif data == "2probe":
            self._websocket.send(text_frame(b"3probe"))
            self.queue.put(Packet(NOOP))  # ends a poll that waits
        elif data == "5":
            self._move_to_websocket()
        else:
            self._websocket.abort()

    def _give_probe_up(self) -> None:
        if self.upgrading and self._websocket is not None:
            self._websocket.abort()

    def _receive_message(self, message: str | bytes) -> None:
        if self.closed:
            return
        packet = self.decode(message)
        if packet is None:
            self.drop()
            return
        with self.nonsense_logged():
            self.receive(packet)

    def _websocket_closed(self) -> None:
        if self.upgrading:  # it goes on by polling
            self.upgrading = False
            self._websocket = None
        else:
            self.close(abort=True, reason=self.reasons.TRANSPORT_CLOSE)

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
        self._engine.disconnected(self.sid, reason or self.reasons.SERVER_DISCONNECT)
        if not abort:
            self.send(Packet(CLOSE))
        self.closed = True
        self.queue.put(None)  # ends a poll that waits
        self._on_close(self)
        self.in_loop(self._end_websocket, abort)

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

    def in_loop(self, function: Callable[..., object], *arguments: Any) -> None:
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
