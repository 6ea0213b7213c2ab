"""Several answers of one prompt side by side: of several models, or of one several times.

Nothing of the notebook changes by it. Each answer is recorded as the cell's own, so that one of them
can be taken into use like any other version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, Any, Literal, TypeVar

from msgspec import UNSET, Meta, Struct
from msgspec.structs import asdict

from llm_repl_core.engine.call_policies import CallPolicy
from llm_repl_core.engine.options import RunOptions
from llm_repl_core.engine.prompts.dialogue import Dialogue
from llm_repl_core.engine.prompts.prepare import Conversation, PreparedPrompt, needs_kernel, prepare
from llm_repl_core.engine.run_queue import RunQueue
from llm_repl_core.engine.session_resources import SessionResources
from llm_repl_core.errors import Conflict, InvalidInput, LLMReplError
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
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = ["CANDIDATES_LIMIT", "AskedAnswer", "AskedModel", "Asking", "start_asking"]

T = TypeVar("T")

CANDIDATES_LIMIT = 10
"""How many are asked at once at most."""


class AskedModel(Struct, frozen=True, kw_only=True):
    """Who is asked, and how; what is None is as the prompt has it.

    Attributes:
        model: The model's name, optionally after the provider's and a slash.
        provider: The provider's name.
        temperature: From 0 to 2.
        reasoning_effort: How much the model is to think.
        parameters: Further parameters of the call, in the place of the prompt's.
    """

    model: str | None = None
    provider: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    reasoning_effort: ReasoningEffort | None = None
    parameters: dict[str, JSONValue] | None = None

    def of(self, cell: PromptCell) -> PromptCell:
        """The prompt as it asks this one.

        Raises:
            InvalidInput: A value does not fit.
        """
        changes = {name: value for name, value in asdict(self).items() if value is not None}
        if self.model is not None and self.provider is None:
            changes["provider"] = None  # the model's name says it, or the notebook does
        asked = cell.copy(id=cell.id)
        asked.change(**changes)
        assert isinstance(asked, PromptCell)
        return asked


class AskedAnswer(Struct, kw_only=True):
    """An answer of one of several that are asked.

    Attributes:
        candidate: Its place among them, from 0.
        state: How far it is.
        model: Who was asked; null: as the prompt has it.
        text: What has come.
        value: Of a structured answer: its value.
        call_id: The call, by which it is taken into use; null: there is none.
        provider: Who answered.
        answered_by: The model that answered.
        duration_s: How long it took.
        output_tokens: Of the answer.
        finish_reason: Why it ended.
        error: Why there is no answer.
    """

    candidate: int
    state: Literal["running", "completed", "failed", "interrupted"] = "running"
    model: str | None = None
    text: str = ""
    value: Any = None
    call_id: str | None = None
    provider: str | None = None
    answered_by: str | None = None
    duration_s: float | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    error: str | None = None


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
        CandidateConversation(asking, answer, each, prepared, conversation, session, queue, policy)
        for answer, each, policy in zip(asking.answers, asked, policies, strict=True)
    )
    return asking


class CandidateConversation:
    """The conversation with one of several. The `Execution` of its own dialogue.

    Args:
        asking: Whose.
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
        asking: Asking,
        answer: AskedAnswer,
        cell: PromptCell,
        prepared: PreparedPrompt,
        conversation: Conversation,
        session: SessionResources,
        queue: RunQueue,
        policy: CallPolicy,
    ) -> None:
        self._asking = asking
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
                    item=self._asking.item,
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
        self._session.events.emit(event, self._asking.id, None)

    # As an execution ----------------------------------------------------------------------------

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
        candidate, item = self._answer.candidate, self._asking.item
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

    def end_conversation(self, item: int | None, *, failed: bool) -> None:
        """Its policy has no other."""

    async def approve(self, call: ToolCall, item: int | None) -> bool:  # noqa: ARG002  # a prompt with tools is refused
        """There are no tools."""
        return False

    def resume_hint(self) -> str:
        """Nothing is to be resumed."""
        return ""
