"""The events of a session: one stream, numbered, to all who listen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

from msgspec import structs

from llm_repl_core.execution.events import Event
from llm_repl_core.model.notebook import Notebook

__all__ = ["EventStream", "Listener", "RunEmitter"]

Listener: TypeAlias = Callable[[Event], None]

_log = logging.getLogger(__name__)


class EventStream:
    """Numbers the events of a session's runs and passes them on. Used in the engine's loop.

    Args:
        notebook: Whose session.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._listeners: list[Listener] = []
        self._sequence = 0

    def listen(self, listener: Listener) -> None:
        """Have every event of every run passed to ``listener``, in order."""
        self._listeners.append(listener)

    def emit(self, event: Event, run_id: str, listener: Listener | None) -> None:
        """Pass an event to all listeners and to one more; what they raise stays with them.

        Args:
            event: What happened.
            run_id: Of which run.
            listener: That run's own, if any.
        """
        self._sequence += 1
        event = structs.replace(
            event, notebook_id=self._notebook.id, run_id=run_id, sequence=self._sequence
        )
        for session_listener in self._listeners:
            _notify(session_listener, event)
        if listener is not None:
            _notify(listener, event)


class RunEmitter:
    """Emits the events of one run.

    Args:
        stream: That of the session.
        run_id: The run's UUID.
        listener: Called with the events of this run only, if any.
    """

    def __init__(self, stream: EventStream, run_id: str, listener: Listener | None) -> None:
        self.run_id = run_id
        self._stream = stream
        self._listener = listener

    def emit(self, event: Event) -> None:
        """Pass an event of the run to whoever listens."""
        self._stream.emit(event, self.run_id, self._listener)

    def end(self) -> None:
        """The run has ended: what its cells give later only the session's listeners hear."""
        self._listener = None


def _notify(listener: Listener, event: Event) -> None:
    try:
        listener(event)
    except Exception:  # noqa: BLE001  # a listener may be anybody's code
        # The cell goes on, and has its ending, whoever cannot hear it.
        _log.exception("a listener failed at %s", type(event).__name__)
