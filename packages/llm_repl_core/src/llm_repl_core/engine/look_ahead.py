"""Prompts that are sent before the order of the document has come to them.

While the order waits for an answer, or code runs, prompts further down that nothing between is
predicted to touch are rendered on a copy of the state, and sent. That is a bet on time only: at
its place each is rendered again, and what was sent ahead counts only where it is the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging

from msgspec import structs

from llm_repl_core.engine.call_policies import CallPolicy
from llm_repl_core.engine.plan import Candidate, Plan, PlannedCell
from llm_repl_core.engine.prompts.dialogue import first_model_call
from llm_repl_core.engine.prompts.prepare import PreparedPrompt, prepare
from llm_repl_core.engine.run_resources import RunResources
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.engine.speculative_call import SpeculativeCall
from llm_repl_core.engine.speculative_prompt import SpeculativePrompt
from llm_repl_core.engine.state_copies import StateCopies, StateCopy
from llm_repl_core.errors import LLMReplError
from llm_repl_core.execution.events import CellSuperseded
from llm_repl_core.execution.model_calls import ModelCall, ModelReply
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue

__all__ = ["LookAhead"]

_log = logging.getLogger(__name__)

_WINDOW = 64
"""How many cells further down are looked at."""

_CALLS_LIMIT = 64
"""How many calls may be ahead at once."""

_RENDER_LIMIT_S = 1.0
_SUPERSEDED_LIMIT = 3
"""After so many calls in vain a run goes on in order."""


class LookAhead:
    """Sends the prompts of one run ahead. Used in the engine's loop.

    Args:
        plan: The cells of the run.
        session: The parts of the session.
        run: The parts of the run.
        is_on: Whether anything is sent ahead.
    """

    def __init__(
        self, plan: Plan, session: SessionResources, run: RunResources, *, is_on: bool
    ) -> None:
        self._plan = plan
        self._session = session
        self._run = run
        self._is_on = is_on
        self._run_ids = frozenset(plan.cell_ids)
        self._notebook = session.notebook
        self._copies = StateCopies(session.kernels, run.kernel_turn)
        self._index = -1
        """The order has come to this cell."""
        self._looked_at = 0
        """The cells before it have been looked at as candidates."""
        self._revision = -1
        self._candidates: dict[str, Candidate] = {}
        """The prompts that may be sent ahead and were not, in order."""
        self._begun: set[str] = set()
        """Those that were sent, or are being rendered for it."""
        self._sent: dict[str, SpeculativePrompt] = {}
        self._values: dict[str, JSONValue] = {}
        """The answers that are known as plain data, by cell."""
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        self._failed_to_render: set[str] = set()
        self._working: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._superseded = 0
        self._reading: set[asyncio.Task[None]] = set()

    # What the order tells ------------------------------------------------------------------------

    async def look(self, index: int) -> None:
        """The order waits before a cell, or the cell is about to run: send what can be sent.

        Args:
            index: Of the cell, in the run.
        """
        if not self._is_on:
            return
        self._index = max(self._index, index)
        self._find_candidates()
        wanted = [
            candidate
            for candidate in self._candidates.values()
            if candidate.ahead_from <= index < candidate.index
        ]
        if not wanted:
            return
        copy = self._copies.current
        if copy is None or any(copy.index < candidate.ahead_from for candidate in wanted):
            names = frozenset[str]().union(*(candidate.reads for candidate in wanted))
            await self._copies.renew(names, index, self._ended)
        self._wake.set()
        if self._copies.current is not None and (self._working is None or self._working.done()):
            self._working = asyncio.ensure_future(self._work())

    def reached(self, planned: PlannedCell) -> None:
        """The order has come to a cell, which is rendered there and no more ahead.

        Args:
            planned: The cell.
        """
        self._index = max(self._index, planned.index)
        self._candidates.pop(planned.cell_id, None)

    def drop(self, cell_id: str) -> None:
        """Close what was sent ahead for a prompt that was taken out of the run.

        Args:
            cell_id: The prompt.
        """
        self._candidates.pop(cell_id, None)
        self._begun.add(cell_id)  # so that it is not looked at again
        sent = self._sent.pop(cell_id, None)
        if sent is not None:
            sent.supersede("The prompt was taken out of the run.")
        self._values.pop(cell_id, None)

    def ended(self, planned: PlannedCell, *, ok: bool) -> None:
        """A cell has ended.

        Args:
            planned: The cell.
            ok: Whether its answer can be used.
        """
        self._ended.add(planned.cell_id)
        if not ok:
            self._failed.add(planned.cell_id)
        sent = self._sent.pop(planned.cell_id, None)
        if sent is not None:
            sent.supersede("The prompt did not ask this when its place had come.")
        self._wake.set()

    def answered(self, cell_id: str, value: JSONValue) -> None:
        """A prompt's answer is known, before the kernel has it.

        Args:
            cell_id: The prompt.
            value: The answer, as plain data.
        """
        self._values[cell_id] = value
        self._wake.set()

    def take(self, model_call: ModelCall) -> SpeculativeCall | None:
        """The call that was sent ahead for what a prompt now asks at its place.

        Args:
            model_call: What it asks.

        Returns:
            None: there is none, or it asked something else, and is closed.
        """
        place = model_call.place
        sent = self._sent.get(place.cell_id)
        if sent is None or place.step:
            return None
        call = sent.calls.pop(place.item, None)
        if call is None:
            return None
        if self._session.model_caller.requests.identity(model_call) == call.identity:
            return call
        above = self._run_since_copy(sent)
        self._session.mispredictions.note(place.cell_id, above)
        self._run.emitter.emit(
            CellSuperseded(cell_id=place.cell_id, item=place.item, above_ids=tuple(above))
        )
        told = ", ".join(f"`{cell_id}`" for cell_id in above[-3:])
        call.supersede(
            "When its place had come, the prompt asked something else"
            + (f": {told}, which ran between, changed it." if told else ".")
        )
        self._superseded += 1
        self._values.pop(place.cell_id, None)  # it was the answer to something else
        self._revision = -1  # what may be ahead is found anew
        if self._superseded >= _SUPERSEDED_LIMIT:
            self._is_on = False
        return None

    def _run_since_copy(self, sent: SpeculativePrompt) -> list[str]:
        """The cells that may have changed what a prompt asks since it was rendered on a copy.

        Prompts only where they are known to run code, or where nothing else stands between: a
        template can always count.
        """
        between = [self._plan.at(index) for index in range(sent.index, sent.candidate.index)]
        cells = [planned for planned in between if planned is not None]
        likely = [
            cell for cell in cells if not cell.is_prompt or cell.holds_order or cell.effects.changes
        ]
        return [cell.cell_id for cell in likely or cells]

    def halt(self) -> None:
        """Close what was sent ahead and not taken over: the run does not come to it."""
        self._is_on = False
        self._candidates.clear()
        for sent in self._sent.values():
            sent.supersede("The run ended before the prompt's place had come.")
        self._sent.clear()
        self._wake.set()

    async def close(self) -> None:
        """End all; leaves nothing of it."""
        self.halt()
        tasks = [task for task in (self._working, *self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._copies.close()

    # Inside --------------------------------------------------------------------------------------

    def _find_candidates(self) -> None:
        """Look at the cells that have come into the window, or at all where some were edited."""
        end = min(self._index + 1 + _WINDOW, len(self._plan))
        if self._revision != self._notebook.revision:
            self._candidates.clear()
            self._looked_at = 0
        for index in range(max(self._looked_at, self._index + 1), end):
            candidate = self._plan.candidate(index)
            if candidate is None or candidate.cell_id in self._begun:
                continue
            cell = self._notebook[candidate.cell_id]
            if isinstance(cell, PromptCell) and self._may_ask(cell):
                self._candidates[candidate.cell_id] = candidate
        self._looked_at = max(self._looked_at, end)
        self._revision = self._notebook.revision

    def _may_ask(self, cell: PromptCell) -> bool:
        """Whether a prompt asks a model at all, and from the start."""
        catch_up = self._run.catch_up
        goes_on = cell.for_each is not None and cell.status in ("error", "interrupted")
        return not goes_on and cell.id not in catch_up.rerun and cell.id not in catch_up.restored

    async def _work(self) -> None:
        """Send what can be sent as long as there is a copy to render it on."""
        while (copy := self._copies.current) is not None and self._is_on:
            policy = await self._run.policy.get()
            if self._copies.current is not copy:
                continue  # there is a newer one meanwhile
            candidate = self._next(copy, policy)
            if candidate is not None:
                del self._candidates[candidate.cell_id]
                self._begun.add(candidate.cell_id)
                await self._send(candidate, copy, policy)
                continue
            if not any(waiting.ahead_from <= copy.index for waiting in self._candidates.values()):
                # A newer one may be there when this one has ended: then it goes on.
                await self._copies.close()
                continue
            self._wake.clear()
            await self._wake.wait()
        await self._copies.close()

    def _next(self, copy: StateCopy, policy: CallPolicy) -> Candidate | None:
        """The first prompt that can be rendered now."""
        ahead = sum(len(sent.calls) for sent in self._sent.values())
        if policy.slots.locked() or ahead >= _CALLS_LIMIT:
            return None
        for candidate in tuple(self._candidates.values()):
            if candidate.index <= self._index or not self._failed.isdisjoint(
                candidate.sources.values()
            ):
                del self._candidates[candidate.cell_id]
            elif candidate.ahead_from <= copy.index and self._is_ready(candidate, copy):
                return candidate
        return None

    def _is_ready(self, candidate: Candidate, copy: StateCopy) -> bool:
        has_values = all(
            source in copy.ended or source in self._values for source in candidate.sources.values()
        )
        return has_values and candidate.needs & self._run_ids <= self._ended

    async def _send(self, candidate: Candidate, copy: StateCopy, policy: CallPolicy) -> None:
        """Render a prompt on the copy, and send it."""
        cell_id = candidate.cell_id
        try:
            cell = self._notebook[cell_id]
            assert isinstance(cell, PromptCell)
            async with asyncio.timeout(_RENDER_LIMIT_S):
                prepared = await self._render(cell, candidate, copy)
            sent = SpeculativePrompt(
                candidate=candidate,
                index=copy.index,
                form=prepared.form,
                is_list=cell.for_each is not None,
                expected=len(prepared.conversations),
            )
            for conversation in prepared.conversations:
                call = await self._session.model_caller.send_ahead(
                    first_model_call(
                        cell,
                        prepared,
                        conversation,
                        notebook=self._notebook,
                        run_id=self._run.run_id,
                    ),
                    policy,
                    is_wanted=lambda: self._is_on and self._index < candidate.index,
                )
                if call is None:
                    break
                self._sent[cell_id] = sent
                item = conversation.item
                sent.calls[item] = call
                call.when_done(functools.partial(self._note_answer, sent, item))
        except (LLMReplError, TimeoutError):
            # At its place it is asked, or fails, as it would have.
            _log.debug("cell %s was not sent ahead", cell_id, exc_info=True)
            self._try_again_later(candidate, copy)
            if self._copies.current is copy and not copy.state.alive:
                await self._copies.close()
        except Exception:  # noqa: BLE001  # a plugin's code may raise anything
            _log.warning("cell %s could not be sent ahead", cell_id, exc_info=True)

    def _try_again_later(self, candidate: Candidate, copy: StateCopy) -> None:
        """Have a prompt rendered once more: on the copy that has replaced this one, or a later."""
        cell_id = candidate.cell_id
        is_replaced = self._copies.current is not None and self._copies.current is not copy
        if cell_id in self._sent or cell_id in self._failed_to_render:
            return
        if not is_replaced:
            if not copy.state.alive:
                return
            self._failed_to_render.add(cell_id)
            candidate = structs.replace(candidate, ahead_from=copy.index + 1)
        self._begun.discard(cell_id)
        self._candidates[cell_id] = candidate

    async def _render(
        self, cell: PromptCell, candidate: Candidate, copy: StateCopy
    ) -> PreparedPrompt:
        values = {
            name: self._values[source]
            for name, source in candidate.sources.items()
            if source not in copy.ended
        }
        if values:
            await copy.state.assign(values)
        return await prepare(cell, self._notebook, copy.state, keep=True)

    def _note_answer(
        self, sent: SpeculativePrompt, item: int | None, reply: ModelReply | None
    ) -> None:
        self._wake.set()  # there may be room for another call
        if sent.note_reply(item, reply):
            task = asyncio.ensure_future(self._read(sent))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def _read(self, sent: SpeculativePrompt) -> None:
        """Find out what a prompt's variable will hold, for those below that use it."""
        with contextlib.suppress(LLMReplError):  # it does not fit, and is asked for again
            value = await sent.answer(self._session.kernel)
            if sent.candidate.cell_id not in self._values:
                self.answered(sent.candidate.cell_id, value)
