"""The conversation with one of several that are asked: the `Execution` of a dialogue outside a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from msgspec import UNSET

from llm_repl_core.engine.answers.asked import AskedAnswer
from llm_repl_core.engine.call_policies import CallPolicy
from llm_repl_core.engine.prompts.dialogue import Dialogue
from llm_repl_core.engine.prompts.prepare import Conversation, PreparedPrompt
from llm_repl_core.engine.run_queue import RunQueue
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.errors import LLMReplError
from llm_repl_core.execution.cell_type import Deliver, ItemChoice
from llm_repl_core.execution.events import (
    CandidateEnded,
    CandidateRetried,
    CandidateText,
    CellRetried,
    CellText,
    Event,
)
from llm_repl_core.execution.model_calls import CallListener, ModelCall, ModelReply
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import CellStatus, PromptCell
from llm_repl_core.model.ids import new_id
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.providers.base import ToolCall

__all__ = ["CandidateConversation"]

T = TypeVar("T")


class CandidateConversation:
    """The conversation with one of several. The `Execution` of its own dialogue.

    Args:
        asking_id: What its events have as their run.
        answer: Keeps what comes.
        cell: The prompt as this one is asked it.
        prepared: What was read of the state.
        conversation: What is asked.
        session: The parts of the session.
        queue: Its runs.
        policy: What is allowed.
    """

    def __init__(
        self,
        asking_id: str,
        answer: AskedAnswer,
        cell: PromptCell,
        prepared: PreparedPrompt,
        conversation: Conversation,
        session: SessionResources,
        queue: RunQueue,
        policy: CallPolicy,
    ) -> None:
        self._asking_id = asking_id
        self._answer = answer
        self._cell = cell
        self._prepared = prepared
        self._conversation = conversation
        self._session = session
        self._queue = queue
        self._policy = policy
        self._run_id = new_id()

    async def run(self) -> None:
        """Ask to the end."""
        answer, started = self._answer, time.perf_counter()
        dialogue = Dialogue(self._cell, self._prepared, self._conversation, self, mode="live")
        self._policy.admission.prepared(self._cell.id, [self._conversation.item])
        try:
            async with aclosing(dialogue.run()) as outputs:
                async for output in outputs:
                    if isinstance(output, Output) and output.type == "llm_response":
                        self._take(output)
            answer.state = "completed"
            answer.value = None if dialogue.value is UNSET else dialogue.value
        except asyncio.CancelledError:
            answer.state, answer.error = "interrupted", "It was stopped."
        except LLMReplError as error:
            answer.state, answer.error = "failed", str(error)
        except Exception as error:  # noqa: BLE001  # a plugin's code may raise anything
            answer.state, answer.error = "failed", f"{type(error).__name__}: {error}"
        finally:
            dialogue.end()
            answer.duration_s = time.perf_counter() - started
            self._policy.admission.cell_ended(self._cell.id, halts=False)
            await self._session.model_caller.ends.settled()
            self._emit(
                CandidateEnded(
                    cell_id=self._cell.id,
                    candidate=answer.candidate,
                    item=self._conversation.item,
                    state=answer.state,
                    error=answer.error,
                )
            )

    def _take(self, output: Output) -> None:
        fields: Mapping[str, Any] = output.fields
        usage = fields.get("usage")
        self._answer.text = output.content
        self._answer.call_id = fields.get("call_id")
        self._answer.provider = fields.get("provider")
        self._answer.answered_by = fields.get("model")
        self._answer.finish_reason = fields.get("finish_reason")
        self._answer.output_tokens = usage.get("output_tokens") if isinstance(usage, dict) else None

    def _emit(self, event: Event) -> None:
        self._session.events.emit(event, self._asking_id, None)

    @property
    def notebook(self) -> Notebook:
        """See `Execution`, as for all that follows."""
        return self._session.notebook

    @property
    def kernel(self) -> Kernel:
        """The notebook's kernel."""
        return self._session.kernel

    @property
    def run_id(self) -> str:
        """Another one for each: each is a conversation of its own on record."""
        return self._run_id

    @property
    def runs_ahead(self) -> bool:
        """It is no cell of a run."""
        return False

    @property
    def prior_status(self) -> CellStatus:
        """The cell's own."""
        return self._cell.status

    @property
    def prior_outputs(self) -> Sequence[Output]:
        """None: nothing is kept."""
        return ()

    @property
    def items(self) -> ItemChoice:
        """All."""
        return None

    @property
    def reruns(self) -> bool:
        """It is asked anew."""
        return False

    @property
    def attempts_limit(self) -> int:
        """How often a call is tried."""
        return self._session.model_caller.attempts_limit

    def redact(self, value: T) -> T:
        """Take the keys of providers out of a JSON value."""
        return self._session.model_caller.redactor.value(value)

    def emit(self, event: Event) -> None:
        """Pass on what concerns the text, as this one's."""
        candidate, item = self._answer.candidate, self._conversation.item
        if isinstance(event, CellText):
            self._answer.text += event.text
            self._emit(
                CandidateText(
                    cell_id=self._cell.id, candidate=candidate, text=event.text, item=item
                )
            )
        elif isinstance(event, CellRetried):
            self._answer.text = ""
            self._emit(
                CandidateRetried(
                    cell_id=self._cell.id, candidate=candidate, error=event.error, item=item
                )
            )

    @asynccontextmanager
    async def kernel_turn(self) -> AsyncIterator[None]:
        """Have the kernel while no run has it."""
        async with self._queue.between_runs():
            await self._session.kernels.ensure()
            yield

    def note_state_read(self) -> None:
        """Nothing waits for it."""

    def note_seen(self, values: Mapping[str, str]) -> None:
        """Nothing of the cell changes."""

    async def await_answer(self, names: Sequence[str]) -> None:
        """No variable changes."""

    async def set_answer(
        self, names: Sequence[str], value: JSONValue, deliver: Deliver | None
    ) -> None:
        """No variable changes."""

    async def mode(self) -> Mode:
        """It is asked, whatever is on record."""
        return "live"

    async def expect_conversations(self, items: Iterable[int | None]) -> None:
        """There is one."""

    async def call(
        self, model_call: ModelCall, listener: CallListener, *, mode: Mode | None = None
    ) -> ModelReply:
        """Ask the model."""
        return await self._session.model_caller.call(
            model_call, self._policy, listener, mode=mode or "live"
        )

    def end_conversation(
        self,
        item: int | None,
        *,
        error: Exception | None = None,
        price_usd: float | None = None,
        is_asked: bool = True,
    ) -> None:
        """Its policy has no other."""

    async def approve(self, call: ToolCall, item: int | None) -> bool:  # noqa: ARG002  # a prompt with tools is refused
        """There are no tools."""
        return False

    def resume_hint(self) -> str:
        """Nothing is to be resumed."""
        return ""
