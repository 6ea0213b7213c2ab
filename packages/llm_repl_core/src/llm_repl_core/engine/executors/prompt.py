"""Prompt cells: fill the template in the kernel, ask the model, set the variable."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from msgspec import UNSET, UnsetType

from llm_repl_core.dataflow.effects import LAST_ANSWER
from llm_repl_core.engine.prompts.answer_form import ModelForm
from llm_repl_core.engine.prompts.dialogue import Dialogue
from llm_repl_core.engine.prompts.kept_answers import KeptAnswer, KeptAnswers
from llm_repl_core.engine.prompts.prepare import (
    Conversation,
    PreparedPrompt,
    needs_kernel,
    prepare,
)
from llm_repl_core.errors import CallNotSent, LLMReplError
from llm_repl_core.execution.cell_type import Deliver, Execution
from llm_repl_core.execution.events import EXCERPT_CHARACTERS, EXCERPTS, ItemsStarted
from llm_repl_core.ledger.record import Mode
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputChange
from llm_repl_core.short_text import cut_short

__all__ = ["execute_prompt"]

_log = logging.getLogger(__name__)

_ERRORS_SHOWN = 3
_ERRORS_LISTED = 10_000
_ERROR_CHARACTERS = 300


async def execute_prompt(
    cell: PromptCell, execution: Execution
) -> AsyncGenerator[OutputChange, None]:
    """Send the filled template and keep the answer as a variable."""
    if execution.runs_ahead or needs_kernel(cell, execution.notebook):
        async with execution.kernel_turn():
            prepared = await prepare(cell, execution.notebook, execution.kernel)
            if execution.runs_ahead:
                await execution.await_answer((prepared.variable, LAST_ANSWER))
    else:
        prepared = await prepare(cell, execution.notebook, execution.kernel)
    execution.note_state_read()
    execution.note_seen(prepared.seen)
    for notice in prepared.notices:
        yield Output.warning(notice)
    await execution.expect_conversations(
        [conversation.item for conversation in prepared.conversations]
    )
    ask = _ask_one if cell.for_each is None else _ask_for_each
    async with aclosing(ask(cell, prepared, execution)) as outputs:
        async for output in outputs:
            yield output


async def _ask_one(
    cell: PromptCell, prepared: PreparedPrompt, execution: Execution
) -> AsyncGenerator[OutputChange, None]:
    [conversation] = prepared.conversations
    kept = KeptAnswers(cell, prepared, execution).written() if execution.reruns else None
    if kept is not None:
        for written in kept.outputs:
            yield written
        execution.end_conversation(None)
        await _deliver(prepared, execution, kept.value)
        return
    mode = await _mode(execution, goes_on=execution.reruns)
    dialogue = Dialogue(cell, prepared, conversation, execution, mode=mode)
    try:
        async with aclosing(dialogue.run()) as outputs:
            async for output in outputs:
                yield output
    except (asyncio.CancelledError, LLMReplError) as error:
        rest = dialogue.rest(interrupted=isinstance(error, asyncio.CancelledError))
        if rest is not None:
            yield rest
        raise
    finally:
        dialogue.end()
    execution.end_conversation(None)
    assert not isinstance(dialogue.value, UnsetType)
    # The output came first: an answer that was paid for is kept, even where the kernel has died.
    await _deliver(prepared, execution, dialogue.value)


class _ItemRun:
    """One item under way: what it puts out, and how it ends.

    Args:
        dialogue: Its conversation.
        execution: What an executor works with.
        kept: The answer that it has already, so that nobody is asked; None: it is to be asked for.
    """

    def __init__(
        self, dialogue: Dialogue, execution: Execution, kept: KeptAnswer | None = None
    ) -> None:
        self.dialogue = dialogue
        self._execution = execution
        self._kept = kept
        self.outputs: list[OutputChange] = []
        self.error: Exception | None = None

    @property
    def value(self) -> JSONValue:
        """The answer; None: there is none."""
        if self._kept is not None:
            return self._kept.value
        return None if self.dialogue.value is UNSET else self.dialogue.value

    async def run(self) -> None:
        """Talk to the end; a failure is kept, so that the other items go on."""
        if self._kept is not None:
            self.outputs += self._kept.outputs
            self._execution.end_conversation(self.dialogue.item, is_asked=False)
            return
        try:
            async with aclosing(self.dialogue.run()) as outputs:
                async for output in outputs:
                    self.outputs.append(output)
        except (asyncio.CancelledError, LLMReplError) as error:
            rest = self.dialogue.rest(interrupted=isinstance(error, asyncio.CancelledError))
            if rest is not None:
                self.outputs.append(rest)
            if isinstance(error, asyncio.CancelledError):
                raise
            self.error = error
        except Exception as error:  # noqa: BLE001  a plugin's code may raise anything
            _log.exception("item %s failed in the engine", self.dialogue.item)
            self.error = error
        finally:
            self.dialogue.end()
        self._execution.end_conversation(
            self.dialogue.item,
            error=self.error,
            price_usd=self.dialogue.price_usd,
            is_asked=self.dialogue.is_asked,
        )


async def _ask_for_each(
    cell: PromptCell, prepared: PreparedPrompt, execution: Execution
) -> AsyncGenerator[OutputChange, None]:
    """Ask for all items at once, within the limits; outputs come in the order of the items."""
    # A run over items that did not end well goes on.
    goes_on = execution.reruns or execution.prior_status in ("error", "interrupted")
    mode = await _mode(execution, goes_on=goes_on and execution.items is None)
    kept = KeptAnswers(cell, prepared, execution).by_item(goes_on=goes_on)
    items = [
        _ItemRun(
            Dialogue(cell, prepared, conversation, execution, mode=mode),
            execution,
            kept.get(conversation.item),
        )
        for conversation in prepared.conversations
    ]
    execution.emit(_started(cell, prepared.conversations))
    tasks = [asyncio.ensure_future(item.run()) for item in items]
    shown = 0
    try:
        for item, task in zip(items, tasks, strict=True):
            await asyncio.wait([task])
            task.result()
            shown += 1
            for output in item.outputs:
                yield output
    except asyncio.CancelledError:
        await _cancel(tasks)
        for item in items[shown:]:
            for output in item.outputs:
                yield output
        raise
    finally:
        await _cancel(tasks)
    errors = [item.error for item in items]
    if errors and all(isinstance(error, CallNotSent) for error in errors):
        raise CallNotSent(str(errors[0]))
    await _deliver(prepared, execution, [item.value for item in items], many=True)
    failed = [(index, item.error) for index, item in enumerate(items) if item.error is not None]
    if failed:
        yield _items_failed(failed, len(items), execution.resume_hint())


def _started(cell: PromptCell, conversations: Sequence[Conversation]) -> ItemsStarted:
    start = cell.content.partition("{")[0]
    excerpts = (
        each.prompt.removeprefix(start)[:EXCERPT_CHARACTERS] for each in conversations[:EXCERPTS]
    )
    return ItemsStarted(cell_id=cell.id, total=len(conversations), excerpts=tuple(excerpts))


async def _mode(execution: Execution, *, goes_on: bool) -> Mode | None:
    """The mode in place of the run's: what was answered is not paid for again."""
    return "reuse" if goes_on and await execution.mode() == "live" else None


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _deliver(
    prepared: PreparedPrompt, execution: Execution, value: JSONValue, *, many: bool = False
) -> None:
    deliver: Deliver | None = None
    if isinstance(prepared.form, ModelForm):
        deliver = functools.partial(prepared.form.deliver, execution.kernel, many=many)
    await execution.set_answer((prepared.variable, LAST_ANSWER), value, deliver)


def _items_failed(failed: Sequence[tuple[int, Exception]], total: int, resume_hint: str) -> Output:
    shown = "; ".join(
        f"item {index + 1}: {type(error).__name__}: {str(error).rstrip('.')}"
        for index, error in failed[:_ERRORS_SHOWN]
    )
    more = len(failed) - _ERRORS_SHOWN
    rest = f"; and {more} more" if more > 0 else ""
    output = Output.error(
        "ItemsFailed",
        f"{len(failed)} of {total} items have no answer, and are None in the list ({shown}{rest}). "
        f"{resume_hint}",
    )
    listed: list[JSONValue] = [
        {
            "item": index,
            "ename": type(error).__name__,
            "error": cut_short(str(error), _ERROR_CHARACTERS),
        }
        for index, error in failed[:_ERRORS_LISTED]
    ]
    return Output(
        output.type, output.content, {**output.fields, "total": total, "failed_items": listed}
    )
