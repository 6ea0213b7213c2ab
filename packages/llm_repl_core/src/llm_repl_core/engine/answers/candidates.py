"""Several answers of one prompt side by side: of several models, or of one several times.

Nothing of the notebook changes by it. Each answer is recorded as the cell's own, so that one of them
can be taken into use like any other version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from llm_repl_core.engine.answers.asked import AskedAnswer, AskedModel
from llm_repl_core.engine.answers.candidate_conversation import CandidateConversation
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.prompts.prepare import PreparedPrompt, needs_kernel, prepare
from llm_repl_core.engine.run_queue import RunQueue
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.errors import Conflict, InvalidInput
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.ids import new_id

__all__ = ["CANDIDATES_LIMIT", "Asking", "start_asking"]

CANDIDATES_LIMIT = 10
"""How many are asked at once at most."""


class Asking:
    """One prompt that several are asked. Used in the engine's loop.

    Attributes:
        id: A UUID, which its events have as their run.
        cell_id: The prompt.
        item: The index of the item; None: the prompt is not over items.
        answers: What has come of each.
    """

    def __init__(
        self,
        cell_id: str,
        item: int | None,
        models: Sequence[AskedModel],
        asking_id: str | None = None,
    ) -> None:
        self.id = asking_id or new_id()
        self.cell_id = cell_id
        self.item = item
        self.answers = [
            AskedAnswer(candidate=number, model=model.model) for number, model in enumerate(models)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ended(self) -> bool:
        """Whether all have ended."""
        return all(task.done() for task in self._tasks)

    def start(self, conversations: Iterable[CandidateConversation]) -> None:
        """Ask all of them."""
        self._tasks = [asyncio.ensure_future(each.run()) for each in conversations]

    async def wait(self) -> None:
        """Wait until all have ended; cancelling it stops none."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self, candidate: int | None = None) -> None:
        """Stop all of them, or one; returns when that has ended."""
        await asyncio.sleep(0)  # until each has begun: one that has not could not say that it ended
        chosen = self._tasks if candidate is None else self._tasks[candidate : candidate + 1]
        for task in chosen:
            task.cancel()
        await asyncio.gather(*chosen, return_exceptions=True)


async def start_asking(
    session: SessionResources,
    queue: RunQueue,
    cell: PromptCell,
    models: Sequence[AskedModel],
    item: int | None,
    *,
    asking_id: str | None = None,
) -> Asking:
    """Fill a prompt, and ask several for an answer.

    Args:
        session: The parts of the session.
        queue: Its runs: the prompt is filled while none has the kernel.
        cell: The prompt.
        models: Who is asked.
        item: The index of the item; None: the prompt is not over items.
        asking_id: The id of it all; None: a new one.

    Raises:
        Conflict: The notebook asks nobody, as it is in ``replay`` mode.
        InvalidInput: The prompt cannot be filled, has tools, or there are too many to ask.
        LLMReplError: What `prepare` raises.
    """
    if not 1 <= len(models) <= CANDIDATES_LIMIT:
        raise InvalidInput(f"Ask 1 to {CANDIDATES_LIMIT} at once, not {len(models)}.")
    if cell.tools:
        raise InvalidInput(
            "A prompt with tools cannot be asked side by side, as its tools may change the "
            "variables: run the cell instead."
        )
    asked = [model.of(cell) for model in models]
    policies = [
        await session.policies.for_run(session.notebook, RunOptions(), [cell.id]) for _ in asked
    ]
    if any(policy.mode == "replay" for policy in policies):
        raise Conflict("The notebook is in `replay` mode, which asks nobody: choose another mode.")

    async def filled() -> PreparedPrompt:
        if needs_kernel(cell, session.notebook):
            await session.kernels.ensure()
        return await prepare(cell, session.notebook, session.kernel, keep=True)

    prepared = await queue.ask(filled)
    conversation = next((each for each in prepared.conversations if each.item == item), None)
    if conversation is None:
        raise InvalidInput(f"There is no item {item}: they count from 0.")
    asking = Asking(cell.id, item, models, asking_id)
    asking.start(
        CandidateConversation(
            asking.id, answer, each, prepared, conversation, session, queue, policy
        )
        for answer, each, policy in zip(asking.answers, asked, policies, strict=True)
    )
    return asking
