"""The events of a run in a server, to its end, whatever happens to the connection and the server."""

from __future__ import annotations

import queue
from collections.abc import Iterator

from llm_repl_core import Event, LLMReplError, RunCompleted, RunFailed
from llm_repl_server.repl.attached.mirror import Heard, Mirror
from llm_repl_server.repl.attached.rest import Rest, ServerUnreachable

__all__ = ["FollowedRun"]

GONE_LIMIT_S = 60.0
"""How long a run is followed whose server does not answer."""


class FollowedRun:
    """A run that was asked for here.

    Args:
        rest: The server's API.
        mirror: The notebook.
        run_id: Which run.
        inbox: What was heard since before it was asked for.
    """

    def __init__(
        self, rest: Rest, mirror: Mirror, run_id: str, inbox: queue.SimpleQueue[Heard]
    ) -> None:
        self._rest = rest
        self._mirror = mirror
        self._run_id = run_id
        self._inbox = inbox

    def events(self) -> Iterator[Event]:
        """What happens in it. Ctrl-C interrupts it; its events go on to the end then.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, once all has been yielded.
            ServerUnreachable: The server is gone.
        """
        is_stopped = False
        events = self._follow()
        while True:
            try:
                event = next(events, None)
            except KeyboardInterrupt:
                is_stopped = True
                self._interrupt()
                events = self._follow()
                continue
            if event is None:
                break
            yield event
        if is_stopped:
            raise KeyboardInterrupt

    def _follow(self) -> Iterator[Event]:
        is_gone = not self._mirror.is_connected
        while True:
            try:
                heard = self._inbox.get(timeout=GONE_LIMIT_S if is_gone else None)
            except queue.Empty:
                raise ServerUnreachable(
                    f"The server at {self._rest.base} does not answer any more. What it was asked "
                    "to run goes on there, if it lives."
                ) from None
            if heard.name in ("connected", "disconnected"):
                is_gone = heard.name == "disconnected"
            elif heard.name == "read":
                ended = self._ended()
                if ended is not None:
                    yield ended
                    return
            elif heard.run_id == self._run_id and heard.event is not None:
                yield heard.event
                if isinstance(heard.event, RunCompleted | RunFailed):
                    return

    def _ended(self) -> Event | None:
        """How it has ended if its last events are not known any more; None: it runs."""
        try:
            run = self._rest.ask("GET", f"runs/{self._run_id}")
        except ServerUnreachable:
            return None
        except LLMReplError:
            run = {"state": "interrupted", "error": None, "cell_id": None}
        if run["state"] in ("queued", "running"):
            return None
        if run["state"] == "completed":
            return RunCompleted(run_id=self._run_id)
        return RunFailed(
            run_id=self._run_id,
            error=run["error"] or "The server was started again while this ran.",
            cell_id=run["cell_id"],
            interrupted=run["state"] == "interrupted",
        )

    def _interrupt(self) -> None:
        try:
            self._rest.ask("POST", f"runs/{self._run_id}/interrupt")
        except ServerUnreachable:
            raise KeyboardInterrupt from None  # nothing will be heard of it
