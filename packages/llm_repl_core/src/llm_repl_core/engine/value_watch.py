"""What becomes of the variables of a cell that runs again, for those who read them before."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from llm_repl_core.engine.dependencies import ValueChange
from llm_repl_core.engine.run_resources import RunResources
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.staleness import bounded_text

__all__ = ["ValueWatch", "value_excerpt"]

_log = logging.getLogger(__name__)

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
"""In the text of an object that has none of its own: it differs each time, and says nothing."""

_NAMES_LIMIT = 4
"""How many variables of a cell are looked at: each may take a second to become text."""

_REDACTED_LENGTH = 4000
"""How many characters are searched for keys; fewer are kept of them."""


def value_excerpt(text: str, session: SessionResources) -> str:
    """The beginning of a value's text, without keys."""
    return bounded_text(session.model_caller.redactor.text(text[:_REDACTED_LENGTH]))


class ValueWatch:
    """Looks at the variables of one cell before and after it runs.

    Only where cells outside of the run have read them, so that most runs ask the kernel nothing.

    Args:
        cell: The cell.
        session: The parts of the session.
        run: Whose cell it is.
    """

    def __init__(self, cell: Cell, session: SessionResources, run: RunResources) -> None:
        self._cell = cell
        self._session = session
        self._run = run
        self._names: tuple[str, ...] = ()
        self._before: Mapping[str, str] = {}
        former = cell.answer_text()
        self._former_answer = cell.staleness.answer if former is None else self._excerpt(former)

    async def look_before(self) -> None:
        """Read what is about to be set again, within the cell's turn with the kernel."""
        state, notebook = self._run.state, self._session.notebook
        names: set[str] = set()
        unseen: set[str] = set()
        for reader_id, read in self._session.dependencies.watchers(self._cell.id).items():
            if reader_id not in state.begun and not state.will_run(reader_id):
                names |= read
                unseen |= read - notebook[reader_id].staleness.seen.keys()
        self._names = tuple(sorted(names)[:_NAMES_LIMIT])
        self._before = await self._texts([name for name in self._names if name in unseen])

    async def look_after(self) -> Mapping[str, ValueChange]:
        """Read what has been set, within the same turn."""
        now = await self._texts(self._names)
        return {
            name: ValueChange(self._before.get(name), now.get(name))
            for name in self._names
            if name in now
        }

    def answer_change(self) -> Mapping[str, ValueChange]:
        """What became of the answer of a prompt, which is among its outputs."""
        cell, notebook = self._cell, self._session.notebook
        now = cell.answer_text()
        if not isinstance(cell, PromptCell) or cell.id not in notebook or now is None:
            return {}
        variable = cell.answer_variable(notebook.index(cell.id))
        return {variable: ValueChange(self._former_answer, self._excerpt(now))}

    async def _texts(self, names: list[str] | tuple[str, ...]) -> Mapping[str, str]:
        if not names or not self._session.kernel.alive:
            return {}
        try:
            values = await self._session.kernel.snapshot(names)
        except Exception:  # noqa: BLE001  # a plugin's kernel may raise anything
            _log.debug("the variables of cell %s could not be read", self._cell.id, exc_info=True)
            return {}
        return {
            name: self._excerpt(value.text)
            for name, value in values.items()
            if not _ADDRESS.search(value.text[:_REDACTED_LENGTH])
        }

    def _excerpt(self, text: str) -> str:
        return value_excerpt(text, self._session)
