"""What others do in a notebook that several work on: told from what is done here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from llm_repl_server.cli.terminal_text import one_line
from llm_repl_server.repl.attached.mirror import Heard, Mirror
from llm_repl_server.repl.target import News

__all__ = ["Others"]

_EXPECTED_LIMIT = 200
_COLUMNS = 60
_SENTENCES = {
    "cell_deleted": "Somebody has deleted a cell.",
    "kernel_restarted": "Somebody has restarted the kernel: its variables are gone.",
    "disconnected": "The server does not answer; it is tried again.",
    "read": "The server is back, and the notebook was read again.",
}
_DONE = {
    "cell_created": "added",
    "cell_changed": "changed",
    "cell_moved": "moved",
    "cell_execution_completed": "run",
    "cell_execution_failed": "run",
}


class Others:
    """Knows what was asked for here, so that all else is news.

    Args:
        mirror: The notebook.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._lock = threading.Lock()
        self._expected: list[tuple[str, str]] = []
        """What was asked for here and will be heard: events' names and cells."""
        self._own_runs: set[str] = set()
        self._starting = threading.Lock()
        """Held while a run is asked for whose id is not known yet."""

    @contextmanager
    def own(self, name: str, cell_id: str = "") -> Iterator[None]:
        """Around a request: the event that tells of what it does is no news.

        Args:
            name: The event's name on the wire.
            cell_id: Its cell; empty: it is not about one.
        """
        with self._lock:
            self._expected.append((name, cell_id))
            del self._expected[:-_EXPECTED_LIMIT]
        try:
            yield
        except BaseException:
            with self._lock, suppress(ValueError):
                self._expected.remove((name, cell_id))
            raise

    @contextmanager
    def starting(self) -> Iterator[Callable[[str], str]]:
        """Around the request for a run: what is yielded takes its id, and gives it back."""

        def note(run_id: str) -> str:
            self._own_runs.add(run_id)
            return run_id

        with self._starting:
            yield note

    def telling(self, listener: Callable[[News], None]) -> Callable[[Heard], None]:
        """A listener of the mirror that passes on what is news."""

        def pass_on(heard: Heard) -> None:
            news = None if self._is_own(heard) else self._news_of(heard)
            if news is not None:
                listener(news)

        return pass_on

    def _is_own(self, heard: Heard) -> bool:
        if heard.run_id is not None:
            # Its first events may be here before the answer that says its id.
            with self._starting:
                return heard.run_id in self._own_runs
        expected = heard.name, heard.payload.get("cell_id", "")
        with self._lock:
            if expected in self._expected:
                self._expected.remove(expected)
                return True
        return not heard.is_news

    def _news_of(self, heard: Heard) -> News | None:
        if heard.name in _SENTENCES:
            return News(text=_SENTENCES[heard.name])
        cell_id, done = heard.payload.get("cell_id", ""), _DONE.get(heard.name)
        with self._mirror.reading() as notebook:
            if done is None or cell_id not in notebook:
                return None
            number = notebook.index(cell_id) + 1
            first = one_line(notebook[cell_id].content, _COLUMNS)
        text = f"Somebody has {done} cell {number}: {first}"
        return News(text=text, cell_id=cell_id if done == "run" else None)
