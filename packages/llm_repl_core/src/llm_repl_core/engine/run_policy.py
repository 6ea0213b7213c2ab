"""What one run allows its calls: made when the first is about to be made, as most runs make none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from llm_repl_core.engine.call_policies import CallPolicies, CallPolicy
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.errors import LLMReplError
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook

__all__ = ["RunPolicy"]


class RunPolicy:
    """Makes the policy of a run once. Used in the engine's loop.

    Args:
        policies: Makes policies.
        notebook: Whose run.
        options: How it is to go.
        cell_ids: Its cells, in order.
    """

    def __init__(
        self,
        policies: CallPolicies,
        notebook: Notebook,
        options: RunOptions,
        cell_ids: Sequence[str],
    ) -> None:
        self._policies = policies
        self._notebook = notebook
        self._options = options
        self._cell_ids = cell_ids
        # Now: a cell that runs has no outputs.
        self._in_use = _calls_in_use(notebook, cell_ids)
        self._making: asyncio.Future[CallPolicy] | None = None

    async def get(self) -> CallPolicy:
        """What the run allows its calls.

        Raises:
            InvalidInput: The notebook's own mode or budget cannot be used.
            StorageError: What the notebook has spent cannot be read.
        """
        return await asyncio.shield(self._start())

    async def prepare(self) -> None:
        """Have it made, or fail, so that no call overtakes another one while it waits for it."""
        await asyncio.wait([self._start()])

    async def speculates(self) -> bool:
        """Whether calls are sent ahead of the order of the document."""
        try:
            return (await self.get()).speculate
        except LLMReplError:
            return False  # each call is told why

    def conversation_ended(self, cell_id: str, item: int | None, *, failed: bool) -> None:
        """Tell the calls that wait that a conversation makes no more; see `Admission`."""
        if (policy := self._made()) is not None:
            policy.admission.conversation_ended(cell_id, item, failed=failed)

    def cell_ended(self, cell_id: str, *, halts: bool) -> None:
        """Tell the calls that wait that a cell makes no more; see `Admission`."""
        if (policy := self._made()) is not None:
            policy.admission.cell_ended(cell_id, halts=halts)

    def _made(self) -> CallPolicy | None:
        making = self._making
        if making is None or not making.done() or making.cancelled() or making.exception():
            return None
        return making.result()

    def _start(self) -> asyncio.Future[CallPolicy]:
        if self._making is None:
            self._making = self._make()
            # Looked at, or asyncio logs an error that no call has come to be told.
            self._making.add_done_callback(lambda made: made.cancelled() or made.exception())
        return self._making

    def _make(self) -> asyncio.Future[CallPolicy]:
        """Make it, at once where nothing has to be looked up: the first call waits for no task."""
        notebook, options, in_use = self._notebook, self._options, self._in_use
        made: asyncio.Future[CallPolicy] = asyncio.get_running_loop().create_future()
        try:
            policy = self._policies.without_budget(notebook, options, in_use=in_use)
        except LLMReplError as error:
            made.set_exception(error)
            return made
        if policy is None:
            return asyncio.ensure_future(
                self._policies.for_run(notebook, options, self._cell_ids, in_use=in_use)
            )
        made.set_result(policy)
        return made


def _calls_in_use(notebook: Notebook, cell_ids: Iterable[str]) -> frozenset[str]:
    """The calls whose answers cells show."""
    found = set()
    cells = (notebook[cell_id] for cell_id in cell_ids if cell_id in notebook)
    for cell in cells:
        if isinstance(cell, PromptCell):
            shown = (output.fields.get("call_id") for output in cell.outputs)
            found |= {call_id for call_id in shown if isinstance(call_id, str)}
    return frozenset(found)
