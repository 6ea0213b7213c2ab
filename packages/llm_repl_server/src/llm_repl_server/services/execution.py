"""Running cells and notebooks, and looking at the state that they leave."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from llm_repl_core import CellCompleted, CellEndedBadly, Event, Notebook, Value
from llm_repl_server.services.events import Announcement, Announcer
from llm_repl_server.services.live import LiveNotebooks
from llm_repl_server.services.wire import outputs_on_wire, status_of

__all__ = ["ExecutionService"]


class ExecutionService:
    """What clients do with a notebook's kernel.

    Args:
        live: The notebooks in memory.
        announcer: Who tells the clients.
    """

    def __init__(self, live: LiveNotebooks, announcer: Announcer) -> None:
        self._live = live
        self._announcer = announcer

    async def execute(self, notebook_id: str, cell_id: str) -> dict[str, Any]:
        """Run a cell, after what was asked for before; returns when its outputs are on disk.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
        """
        live = await self._live.get(notebook_id)
        # The cell itself may be in its next run, or changed, by the time that this one is kept.
        endings: list[CellCompleted | CellEndedBadly] = []

        def note(event: Event) -> None:
            if isinstance(event, CellCompleted | CellEndedBadly):
                endings.append(event)

        await live.session.start([cell_id], listener=note)
        await live.written()
        if not endings:
            return _not_run(live.notebook, cell_id)
        [ending] = endings
        return {
            "id": cell_id,
            "cell_id": cell_id,
            "outputs": outputs_on_wire(ending.outputs),
            "status": status_of(ending),
            "execution_count": ending.execution_count,
        }

    async def execute_all(self, notebook_id: str) -> dict[str, Any]:
        """Run all cells in order; returns when their outputs are on disk.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        live = await self._live.get(notebook_id)
        result = await live.session.start()
        await live.written()
        if result.error is None:
            return {"success": True}
        return {"success": False, "error": result.error, "cell_id": result.cell_id}

    async def interrupt(self, notebook_id: str) -> None:
        """Stop what runs and what waits; returns when it has stopped.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        live = await self._live.get(notebook_id)
        if live.existing_session is not None:
            await live.existing_session.interrupt_here()
            await live.written()

    async def restart(self, notebook_id: str) -> None:
        """Stop what runs and begin again with an empty kernel.

        Raises:
            NotebookNotFound: There is no such notebook.
            KernelStartFailed: None can be started.
        """
        live = await self._live.get(notebook_id)
        await live.session.restart_here()
        live.last_snapshot = {}
        self._announcer.announce(
            Announcement("kernel_restarted", notebook_id, {"notebook_id": notebook_id})
        )

    async def state(self, notebook_id: str) -> dict[str, Any]:
        """The variables. While something runs: as they were when they were last looked at.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        live = await self._live.get(notebook_id)
        session = live.existing_session
        if session is None or not (session.kernel.alive or session.busy):
            return {"state": dict(live.notebook.memory), "busy": False}
        snapshot = await session.snapshot()
        if snapshot is not None:
            live.last_snapshot = snapshot
        return {
            "state": {name: _json_or_text(value) for name, value in live.last_snapshot.items()},
            "busy": snapshot is None,
        }


def _not_run(notebook: Notebook, cell_id: str) -> dict[str, Any]:
    """What is answered for a run that was stopped, or whose cell was deleted, before its turn."""
    cell = notebook[cell_id]
    return {
        "id": cell_id,
        "cell_id": cell_id,
        "outputs": outputs_on_wire(cell.outputs),
        "status": cell.status,
        "execution_count": cell.execution_count,
    }


def _json_or_text(value: Value) -> Any:
    return value.text if value.json is UNSET else value.json
