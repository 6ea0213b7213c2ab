"""Prompts: what they would send, and the tools that they ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from llm_repl_core import Conflict
from llm_repl_core.engine.approvals import ToolApprovalRequest
from llm_repl_core.engine.live_session import LiveSession
from llm_repl_core.engine.prompts.draft_preview import DraftPreview
from llm_repl_core.engine.prompts.preview import Preview
from llm_repl_core.ledger.record import Mode
from llm_repl_server.services.cells import CellService
from llm_repl_server.services.open_notebooks import OpenNotebooks

__all__ = ["PromptService", "ToolQuestions"]

BUSY_LIMIT_S = 3.0
"""How long a preview waits for what runs."""

FILL_LIMIT_S = 10.0
"""How long a template may take that is filled for a preview."""

_POLL_S = 0.02


class ToolQuestions(Struct, frozen=True):
    """The tool calls that are waiting for a decision."""

    tool_calls: list[ToolApprovalRequest]


class PromptService:
    """What clients do with prompts, besides running them.

    Args:
        open_notebooks: The notebooks in memory.
        cells: Knows the fields of cells.
    """

    def __init__(self, open_notebooks: OpenNotebooks, cells: CellService) -> None:
        self._open_notebooks = open_notebooks
        self._cells = cells

    async def preview(self, notebook_id: str, cell_id: str) -> Preview:
        """What running a prompt would send now; nothing is sent.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or cannot be filled.
            Conflict: Something runs, or filling the template takes too long.
        """
        opened = await self._open_notebooks.get(notebook_id)
        _ = opened.notebook[cell_id]
        session = opened.session
        await _wait_for_turn(session)
        try:
            # Where this ends it, the kernel is interrupted as well.
            async with asyncio.timeout(FILL_LIMIT_S):
                return await session.preview(cell_id)
        except TimeoutError:
            raise Conflict(
                f"Filling the template took longer than {FILL_LIMIT_S:g} s and was stopped: see "
                "what its fields compute."
            ) from None

    async def preview_draft(
        self,
        notebook_id: str,
        cell_id: str,
        fields: dict[str, Any],
        *,
        mode: Mode | None,
        may_call: bool,
        models: Sequence[str],
    ) -> DraftPreview:
        """What a prompt would send with some fields changed; nothing is sent, and nobody waits.

        Args:
            notebook_id: In which notebook.
            cell_id: Which cell.
            fields: The fields, and perhaps others of an answer.
            mode: Where a run would take answers from; None: as the notebook says.
            may_call: Whether fields that call something are filled as well.
            models: Which other models are to say what they would take.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            InvalidInput: It is no prompt, or a value cannot be used.
        """
        opened, draft = await self._cells.draft(notebook_id, cell_id, fields)
        return await opened.session.preview_draft(
            draft, mode=mode, may_call=may_call, models=models
        )

    async def preview_new(
        self, notebook_id: str, fields: dict[str, Any], *, mode: Mode | None, may_call: bool
    ) -> DraftPreview:
        """What a prompt would send that is not there yet, at the end of the notebook.

        Args:
            notebook_id: In which notebook.
            fields: The fields, and perhaps others of an answer.
            mode: Where a run would take answers from; None: as the notebook says.
            may_call: Whether fields that call something are filled as well.

        Raises:
            NotebookNotFound: There is no such notebook.
            InvalidInput: A value cannot be used.
        """
        opened, draft = await self._cells.new_draft(notebook_id, fields)
        return await opened.session.preview_draft(draft, mode=mode, may_call=may_call)

    async def decide(
        self,
        notebook_id: str,
        cell_id: str,
        call_id: str,
        *,
        approved: bool,
        whole_run: bool = False,
    ) -> None:
        """Say whether a tool may be called.

        Args:
            notebook_id: In which notebook.
            cell_id: The prompt that asks.
            call_id: Which call.
            approved: Whether it may.
            whole_run: Whether approving counts for all calls of this function in the run.

        Raises:
            NotebookNotFound: There is no such notebook.
            CellNotFound: There is no such cell.
            NotFound: Nobody waits for this answer.
        """
        opened = await self._open_notebooks.get(notebook_id)
        _ = opened.notebook[cell_id]
        await opened.session.approve(
            call_id, approved=approved, cell_id=cell_id, whole_run=whole_run
        )

    async def questions(self, notebook_id: str) -> ToolQuestions:
        """The tool calls that are waiting for a decision.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        session = opened.existing_session
        found = () if session is None else session.approvals.questions
        return ToolQuestions(list(found))


async def _wait_for_turn(session: LiveSession) -> None:
    deadline_s = asyncio.get_running_loop().time() + BUSY_LIMIT_S
    while session.busy:
        if asyncio.get_running_loop().time() > deadline_s:
            raise Conflict(
                "The notebook runs something, and what a prompt would send depends on what that "
                "leaves: ask again when it has ended, or interrupt it."
            )
        await asyncio.sleep(_POLL_S)
