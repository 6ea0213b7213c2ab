"""Runs: looked up, listed, stopped."""

from __future__ import annotations

import asyncio

from llm_repl_core import NotebookNotFound, NotFound
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.run_answers import RunAnswer, RunList, run_answer
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.storage.run_record import RunRecord
from llm_repl_server.storage.store import Store

__all__ = ["RunService"]

_LIST_LIMIT = 100


class RunService:
    """What clients do with runs.

    Args:
        open_notebooks: The notebooks in memory.
        store: Where runs are kept.
        runs: Those that are under way, and the latest that have ended.
    """

    def __init__(self, open_notebooks: OpenNotebooks, store: Store, runs: RunRegistry) -> None:
        self._open_notebooks = open_notebooks
        self._store = store
        self._runs = runs

    async def show(self, run_id: str) -> RunAnswer:
        """A run, also one of an earlier server.

        Raises:
            NotFound: There is none of that id, or it is long ago and was not kept.
        """
        return run_answer(await self._find(run_id))

    async def list(self, notebook_id: str) -> RunList:
        """The latest runs of a notebook, the most recently requested first.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        await self._open_notebooks.get(notebook_id)
        kept = await asyncio.to_thread(self._store.runs.list_runs, notebook_id, _LIST_LIMIT)
        # What is in memory is newer than what was read.
        found = {record.id: record for record in (*kept, *self._runs.of_notebook(notebook_id))}
        latest = sorted(found.values(), key=lambda record: record.number, reverse=True)
        return RunList([run_answer(record) for record in latest[:_LIST_LIMIT]])

    async def interrupt(self, run_id: str) -> RunAnswer:
        """Stop a run, if it has not ended; returns when what it runs has ended.

        Raises:
            NotFound: There is none of that id.
        """
        record = await self._find(run_id)
        if record.ended_at is None:
            try:
                opened = await self._open_notebooks.get(record.notebook_id)
            except NotebookNotFound:
                return run_answer(await self._find(run_id))  # deleted, and so stopped
            if record.state == "queued":
                opened.stop_queued(run_id)
            elif opened.existing_session is not None:
                await opened.existing_session.interrupt(run_id=run_id)
            await opened.writer.run_written()
        return run_answer(await self._find(run_id))

    async def _find(self, run_id: str) -> RunRecord:
        record = self._runs.find(run_id)
        if record is None:
            record = await asyncio.to_thread(self._store.runs.load_run, run_id)
        if record is None:
            raise NotFound(
                f"There is no run `{run_id}`: a run of one cell is forgotten when the server ends, "
                "and a deleted notebook takes its runs along."
            )
        return record
