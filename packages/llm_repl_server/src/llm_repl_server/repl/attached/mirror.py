"""A notebook of a server, kept as it is there: read once, and then changed by the server's events."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import socketio
from msgspec import Struct

from llm_repl_core import Cell, Event, LLMReplError, Notebook
from llm_repl_server.repl.attached.decoding import decode_cell, decode_event, decode_outputs
from llm_repl_server.repl.attached.rest import Rest, ServerUnreachable

__all__ = ["Heard", "Mirror"]

_CONNECT_LIMIT_S = 10
_RUN_NAMES = frozenset({"run_queued", "run_started", "run_ended"})


class Heard(Struct, frozen=True):
    """Something that the server said, once the mirror shows it.

    Attributes:
        name: The event's name on the wire; ``connected``, ``disconnected``, or ``read``: the
            notebook was read anew, as it is not known any more what was missed.
        payload: What came with it.
        event: The same in the engine's words; None: it is not about a run.
        is_news: Whether the notebook was otherwise before.
    """

    name: str
    payload: Mapping[str, Any]
    event: Event | None = None
    is_news: bool = True

    @property
    def run_id(self) -> str | None:
        """The run that it is about, if any."""
        return self.payload.get("run_id")


class Mirror:
    """A notebook of a server.

    It connects again for ever where the connection is lost, and goes on where it was cut.

    Args:
        rest: The server's API.
        notebook_id: Which notebook.

    Attributes:
        notebook: As it is on the server. Only read it, within `reading` where that matters.
        kernel_state: As the server names it: ``idle``, ``busy``, ``none``, ``ended``.
        is_connected: Whether events come.
    """

    def __init__(self, rest: Rest, notebook_id: str) -> None:
        self._rest = rest
        self._path = f"notebooks/{notebook_id}"
        self._lock = threading.RLock()
        self._listeners: list[Callable[[Heard], None]] = []
        self._epoch, self._sequence = "", 0
        self._ahead: dict[int, tuple[str, Mapping[str, Any]]] = {}
        """Events that are here before those that they follow."""
        self._running: set[str] = set()
        self._subscribed = threading.Event()
        self._is_open = self._is_closed = False
        self.is_connected = False
        self.kernel_state = "none"
        self.notebook = Notebook(id=notebook_id)
        # It tries for ever; a signal is the terminal's to handle.
        self._socket = socketio.Client(reconnection_delay_max=5, handle_sigint=False)
        self._socket.on("connect", self._connected)
        self._socket.on("disconnect", self._disconnected)
        self._socket.on("*", self._take)

    def open(self) -> None:
        """Read the notebook, and listen from then on.

        Raises:
            ServerUnreachable: Nobody answers.
            LLMReplError: It is refused, or there is no such notebook.
        """
        self._read()
        base = urlsplit(self._rest.base)
        try:
            self._socket.connect(
                f"{base.scheme}://{base.netloc}",
                auth=None if self._rest.token is None else {"token": self._rest.token},
                transports=["websocket"],
                socketio_path=f"{base.path}/socket.io".lstrip("/"),
                wait_timeout=_CONNECT_LIMIT_S,
            )
        except socketio.exceptions.ConnectionError as error:
            raise ServerUnreachable(
                f"The server at {self._rest.base} sends no events: {error}."
            ) from None
        try:
            self._follow_from_here()
        except BaseException:
            self.close()  # or it would try for ever
            raise

    def _follow_from_here(self) -> None:
        self._await_subscription()
        # What happened up to here was told to nobody; from here on everything is.
        self._read()
        self._is_open = True
        self._subscribed.clear()
        self._subscribe()
        self._await_subscription()

    def close(self) -> None:
        """Listen no longer."""
        self._is_closed = True
        with suppress(Exception):  # a library's, about a connection that is gone already
            self._socket.shutdown()

    @contextmanager
    def reading(self) -> Iterator[Notebook]:
        """The notebook, which changes not meanwhile."""
        with self._lock:
            yield self.notebook

    @contextmanager
    def listening(
        self, listener: Callable[[Heard], None] | None = None
    ) -> Iterator[queue.SimpleQueue[Heard]]:
        """Have all that is heard from now on put into a queue."""
        inbox: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        heard_by = listener or inbox.put
        with self._lock:
            self._listeners.append(heard_by)
        try:
            yield inbox
        finally:
            with self._lock:
                self._listeners.remove(heard_by)

    def put(self, document: Mapping[str, Any], position: int | None = None) -> Cell:
        """Take a cell from an answer, ahead of the event that says the same."""
        with self._lock:
            cell = decode_cell(document)
            if cell.id in self.notebook:
                self.notebook.replace(cell)
            else:
                self.notebook.insert(cell, position)
            return cell

    def take_out(self, cell_id: str) -> None:
        """Take a cell out, ahead of the event that says the same."""
        with self._lock:
            if cell_id in self.notebook:
                self.notebook.remove(cell_id)

    def move(self, cell_id: str, position: int) -> None:
        """Move a cell, ahead of the event that says the same."""
        with self._lock:
            if cell_id in self.notebook:
                self.notebook.move(cell_id, position)

    def take_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Have other metadata, ahead of the event that says the same."""
        with self._lock:
            self.notebook.metadata = dict(metadata)

    # What comes ------------------------------------------------------------------------------

    def _read(self) -> None:
        document = self._rest.ask("GET", self._path)
        with self._lock:
            self.notebook = Notebook(
                document["name"],
                id=document["id"],
                cells=[decode_cell(cell) for cell in document["cells"]],
                metadata=document["metadata"],
                state_keys=document["state_keys"],
            )
            self._epoch, self._sequence = document["epoch"], document["sequence"]
            self._ahead.clear()
            self._running = {run["run_id"] for run in document["runs"]}
            self.kernel_state = document["kernel"]["state"]

    def _connected(self) -> None:
        self._subscribe()
        self.is_connected = True
        self._notify(Heard("connected", {}))

    def _subscribe(self) -> None:
        wanted: dict[str, Any] = {"notebook_id": self.notebook.id}
        with self._lock:
            if self._is_open:
                wanted |= {"epoch": self._epoch, "after": self._sequence}
        self._socket.emit("subscribe", wanted, callback=lambda *_: self._subscribed.set())

    def _await_subscription(self) -> None:
        if not self._subscribed.wait(_CONNECT_LIMIT_S):
            raise ServerUnreachable(f"The server at {self._rest.base} sends no events.")

    def _disconnected(self, *_: Any) -> None:
        self.is_connected = False
        if not self._is_closed:
            self._notify(Heard("disconnected", {}))

    def _take(self, name: str, payload: Any = None) -> None:
        if not isinstance(payload, dict) or payload.get("notebook_id") != self.notebook.id:
            return
        if name == "resync":
            self._resync()
            return
        with self._lock:
            # The library takes each message in a thread of its own, so that a later one may be here
            # first. A lower number is in what was read already.
            if payload["sequence"] > self._sequence:
                self._ahead[payload["sequence"]] = name, payload
            while self._sequence + 1 in self._ahead:
                self._sequence += 1
                self._take_next(*self._ahead.pop(self._sequence))

    def _take_next(self, name: str, payload: Mapping[str, Any]) -> None:
        is_news = self._is_news(name, payload)
        self._apply(name, payload)
        self._notify(Heard(name, payload, decode_event(name, payload), is_news))

    def _resync(self) -> None:
        try:
            self._read()
        except LLMReplError:
            return  # it is gone again: what follows the next connection is the same
        self._connected()
        self._notify(Heard("read", {}))

    def _notify(self, heard: Heard) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(heard)

    def _is_news(self, name: str, payload: Mapping[str, Any]) -> bool:
        notebook, cell_id = self.notebook, payload.get("cell_id", "")
        if name == "cell_created":
            return cell_id not in notebook
        if name == "cell_deleted":
            return cell_id in notebook
        if name == "cell_moved":
            return cell_id in notebook and notebook.index(cell_id) != payload["position"]
        if name == "cell_changed" and cell_id in notebook:
            before, after = notebook[cell_id], decode_cell(payload["cell"])
            return (before.content, before.options()) != (after.content, after.options())
        if name == "notebook_changed":
            return bool(
                notebook.metadata != payload["metadata"] or notebook.name != payload["name"]
            )
        return True

    def _apply(self, name: str, payload: Mapping[str, Any]) -> None:
        notebook = self.notebook
        if name in ("cell_created", "cell_changed"):
            self.put(payload["cell"], payload.get("position"))
        elif name == "cell_deleted":
            self.take_out(payload["cell_id"])
        elif name == "cell_moved":
            self.move(payload["cell_id"], payload["position"])
        elif name == "notebook_changed":
            notebook.name = payload["name"]
            notebook.metadata = dict(payload["metadata"])
        elif name == "outputs_cleared":
            for cell_id in payload["cell_ids"]:
                if cell_id in notebook:
                    notebook[cell_id].clear_outputs()
        elif name == "kernel_restarted":
            self.kernel_state = "idle"
        elif name in _RUN_NAMES:
            running = self._running
            (running.discard if name == "run_ended" else running.add)(payload["run_id"])
            self.kernel_state = "busy" if running else "idle"
        elif payload.get("cell_id") in notebook:
            self._apply_to_cell(notebook[payload["cell_id"]], name, payload)
        elif name == "cells_stale":
            for cell_id in payload["cell_ids"]:
                if cell_id in notebook:
                    notebook[cell_id].be_stale()

    def _apply_to_cell(self, cell: Cell, name: str, payload: Mapping[str, Any]) -> None:
        if name == "cell_execution_started":
            cell.status = "running"
        elif name == "cell_execution_completed" or name == "cell_execution_failed":
            cell.outputs = decode_outputs(payload["outputs"])
            cell.status = payload["status"]
            cell.execution_count = payload["execution_count"]
            cell.be_fresh()
        elif name == "cell_outputs_cleared":
            cell.outputs = []
