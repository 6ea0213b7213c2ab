"""One conversation with a model, to its end: tools called, an answer that does not fit asked anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from msgspec import UNSET, UnsetType, structs

from llm_repl_core.engine.answer_limits import is_cut, is_refused, limit_advice
from llm_repl_core.engine.prompts.answer_form import ModelForm
from llm_repl_core.engine.prompts.prepare import Conversation, PreparedPrompt
from llm_repl_core.engine.prompts.reply_outputs import part_outputs, reply_fields
from llm_repl_core.engine.prompts.tools import ToolResult, call_tool, is_json
from llm_repl_core.engine.text_relay import TextRelay
from llm_repl_core.errors import (
    AnswerMisfit,
    ContentRefused,
    LLMReplError,
    ProviderError,
    ToolLimitReached,
)
from llm_repl_core.execution.cell_type import Execution
from llm_repl_core.execution.events import (
    CallQueued,
    CallSent,
    CellReasoning,
    CellRetried,
    CellText,
)
from llm_repl_core.execution.model_calls import CallLimit, ModelCall, ModelReply
from llm_repl_core.ledger.record import CallPlace, Mode
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputChange
from llm_repl_core.providers.base import Message, ToolCall
from llm_repl_core.providers.turn import Turn, refusal_of
from llm_repl_core.providers.usage import Usage, usage_document

__all__ = ["MISFIT_QUESTION", "Dialogue", "first_model_call"]

MISFIT_QUESTION = "Your answer does not fit:"
"""How a second question begins, about an answer that does not have the form that it must have."""

_NOT_ALLOWED = "The user did not allow this call."


class Dialogue:
    """Asks until there is an answer; the listener of its own calls.

    Args:
        cell: The prompt.
        prepared: What was read of the state.
        conversation: Which one of its.
        execution: What an executor works with.
        mode: In place of the run's; None: the run's.

    Attributes:
        item: The index of the item; None: the prompt is not over items.
        value: The answer as the variable will hold it, once there is one.
        price_usd: What its calls cost; None: not known of all, or nobody was asked.
        is_asked: Whether a model was asked; else all came from the record.
    """

    def __init__(
        self,
        cell: PromptCell,
        prepared: PreparedPrompt,
        conversation: Conversation,
        execution: Execution,
        *,
        mode: Mode | None = None,
    ) -> None:
        self.item = conversation.item
        self.value: JSONValue | UnsetType = UNSET
        self._cell = cell
        self._prepared = prepared
        self._conversation = conversation
        self._execution = execution
        self._mode = mode
        self._first = first_model_call(
            cell, prepared, conversation, notebook=execution.notebook, run_id=execution.run_id
        )
        self._messages = list(self._first.messages)
        self._former: dict[int, Message] = {}
        self._step = 0
        self._tool_rounds = 0
        self._call_id: str | None = None
        self._pieces: list[str] = []
        self._is_queued = False
        self._usage = Usage()
        self._is_counted = False
        self.price_usd: float | None = None
        self.is_asked = False
        self._is_shown = False
        self._relay = TextRelay(self._emit_text)
        self._reasoning_relay = TextRelay(self._emit_reasoning)

    async def run(self) -> AsyncGenerator[OutputChange, None]:
        """Talk; yields what the tools did, and the answer last.

        Raises:
            LLMReplError: There is no answer; `rest` has what had come of it.
        """
        misfit: AnswerMisfit | None = None
        while True:
            answer = await self._ask()
            turn = answer.turn
            if is_refused(turn) and answer.source == "reuse":
                # On record is a refusal: asking again is the only way out.
                misfit = None
                self._begin_anew()
                self._emit_retried(1, self._refusal(answer), 0.0)
                continue
            for shown in part_outputs(turn, answer.call_id, self.item):
                yield shown
            if is_refused(turn):
                yield self._output(answer)
                raise self._refusal(answer)
            if turn.tool_calls:
                self._count_tool_round()
                self._refuse_cut_calls(turn)
                self._messages.append(
                    Message(
                        "assistant",
                        turn.text,
                        tool_calls=turn.tool_calls,
                        provider_data=turn.provider_data,
                        parts=turn.parts,
                    )
                )
                said: dict[str, JSONValue] = {"said": turn.text, "reasoning": turn.reasoning}
                for call in turn.tool_calls:
                    result = await self._call_tool(call)
                    for output in result.outputs:
                        yield output
                    yield _tool_output(call, result, answer.call_id, self.item, said)
                    said = {}
                    if result.interrupted:
                        raise asyncio.CancelledError
                    self._messages.append(Message("tool", result.text, tool_call_id=call.id))
                continue
            try:
                self.value = await self._value_of(turn.text)
            except AnswerMisfit as error:
                if is_cut(turn.finish_reason):
                    # The same limit would cut the next one as well.
                    raise self._cut(f"The answer does not fit: {error}") from None
                if misfit is None:
                    misfit = error
                    self._ask_again(turn, error)
                    self._emit_retried(1, error, 0.0)
                elif answer.source == "reuse":
                    # On record are answers of no use: asking for them again is the only way out.
                    misfit = None
                    self._begin_anew()
                    self._emit_retried(2, error, 0.0)
                else:
                    raise AnswerMisfit(
                        f"The answer does not fit, and neither did the one before it. First: "
                        f"{misfit} Then: {error}"
                    ) from None
                continue
            break
        yield self._output(answer)
        if is_cut(answer.turn.finish_reason):
            yield self._cut_warning()

    def rest(self, *, interrupted: bool) -> Output | None:
        """What had come of an answer that is not complete; None: nothing.

        Args:
            interrupted: Whether somebody stopped it; else it failed.
        """
        text = "".join(self._pieces)
        if not text or self.value is not UNSET or self._is_shown:
            return None
        return self._response(
            text,
            model=self._cell.model,
            usage=self._usage_shown(),
            more={"interrupted" if interrupted else "failed": True},
        )

    def end(self) -> None:
        """Tell what was held back."""
        self._flush()

    async def _ask(self) -> ModelReply:
        model_call = structs.replace(
            self._first,
            place=structs.replace(self._first.place, step=self._step),
            messages=tuple(self._messages),
            recorded_as=self._recorded_as(),
        )
        self._step += 1
        answer = await self._execution.call(model_call, self, mode=self._mode)
        self._flush()
        self._pieces = [answer.turn.text]  # without reasoning that was heard as text
        if answer.turn.usage is not None:
            self._usage += answer.turn.usage
            self._is_counted = True
        if answer.source == "live":
            known = 0.0 if not self.is_asked else self.price_usd
            more = answer.price_usd
            self.price_usd = None if known is None or more is None else known + more
            self.is_asked = True
        return answer

    def _begin_anew(self) -> None:
        """Ask from the start, and the model this time."""
        self._mode = "live"
        self._messages = list(self._first.messages)
        self._former.clear()
        self._step = self._tool_rounds = 0
        self._usage, self._is_counted = Usage(), False

    def _ask_again(self, turn: Turn, misfit: AnswerMisfit) -> None:
        """Add a second question, with the schema: many servers do not pass it on to the model."""
        form = self._prepared.form
        assert form is not None
        self._messages.append(Message("assistant", turn.text, parts=turn.parts))
        question = f"{MISFIT_QUESTION} {misfit} Answer again, with the JSON only."
        self._former[len(self._messages)] = Message("user", question)
        schema = json.dumps(form.schema.schema, ensure_ascii=False)
        self._messages.append(Message("user", f"{question} It must fit this JSON Schema: {schema}"))

    def _recorded_as(self) -> tuple[Message, ...] | None:
        """The turns as recordings have them that were made before the schema was repeated."""
        if not self._former:
            return None
        return tuple(self._former.get(at, message) for at, message in enumerate(self._messages))

    def _refuse_cut_calls(self, turn: Turn) -> None:
        """Refuse tools whose arguments were cut off: the model would be asked, and cut, again."""
        if not is_cut(turn.finish_reason):
            return
        for call in turn.tool_calls:
            if not is_json(call.arguments):
                raise self._cut(f"What the model asks `{call.name}` for is not whole.")

    def _cut(self, what: str) -> AnswerMisfit:
        return AnswerMisfit(
            f"{what.rstrip('.')}. The answer was cut off at its token limit: "
            f"{limit_advice(self._cell.parameters)}."
        )

    def _cut_warning(self) -> Output:
        warning = Output.warning(
            f"The answer was cut off at its token limit: {limit_advice(self._cell.parameters)}."
        )
        fields: dict[str, JSONValue] = {} if self.item is None else {"item": self.item}
        return Output(warning.type, warning.content, fields)

    async def _call_tool(self, call: ToolCall) -> ToolResult:
        if call.name not in self._cell.tools:
            # A model may ask for anything that it can spell.
            known = ", ".join(self._cell.tools)
            return ToolResult(
                text=f"There is no tool `{call.name}`; there are: {known}.", failed=True
            )
        if self._cell.approve_tools and not await self._execution.approve(call, self.item):
            return ToolResult(text=_NOT_ALLOWED, failed=True)
        async with self._execution.kernel_turn():
            return await call_tool(call, self._execution.kernel)

    async def _value_of(self, text: str) -> JSONValue:
        form = self._prepared.form
        if form is None:
            return text
        value = form.parse(text)
        if isinstance(form, ModelForm):
            async with self._execution.kernel_turn():
                await form.check(self._execution.kernel, value)
        else:
            await form.check(self._execution.kernel, value)
        return value

    def _count_tool_round(self) -> None:
        self._tool_rounds += 1
        if self._tool_rounds > self._cell.tool_limit:
            raise ToolLimitReached(
                f"The model asked for tools {self._tool_rounds} times in a row, and `tool_limit` "
                f"is {self._cell.tool_limit}: raise it, or say in the prompt when to stop."
            )

    def _output(self, answer: ModelReply) -> Output:
        self._is_shown = True
        more: dict[str, JSONValue] = {"provider": answer.provider, **reply_fields(answer.turn)}
        if self._prepared.form is not None and not isinstance(self.value, UnsetType):
            more["value"] = self.value
        if answer.source == "reuse":
            more["source"] = "reuse"
        return self._response(
            answer.turn.text, model=answer.model, usage=self._usage_shown(), more=more
        )

    def _response(
        self,
        text: str,
        *,
        model: str | None,
        usage: dict[str, JSONValue] | None,
        more: dict[str, JSONValue],
    ) -> Output:
        fields = {**more, "response_var": self._prepared.variable, "call_id": self._call_id}
        if self.item is not None:
            fields["item"] = self.item
        response = Output.llm_response(self._conversation.prompt, text, model=model, usage=usage)
        return Output(response.type, response.content, response.fields | fields)

    def _refusal(self, answer: ModelReply) -> ContentRefused:
        told = " ".join((refusal_of(answer.turn.parts) or "").split())
        if told:
            return ContentRefused(f"The model {answer.model} refused: {told}")
        if answer.turn.finish_reason == "content_filter":
            return ContentRefused(
                f"The content filter of the provider `{answer.provider}` stopped the answer."
            )
        return ContentRefused(f"The model {answer.model} refused, and does not say why.")

    def _usage_shown(self) -> dict[str, JSONValue] | None:
        """The tokens of all requests, and the provider's own record of the last."""
        return usage_document(self._usage) if self._is_counted else None

    # While a call is under way -----------------------------------------------------------------

    def on_queued(
        self,
        limit: CallLimit,
        provider: str,
        place: int,
        at_once: int | None,
        pause_s: float | None = None,
    ) -> None:
        """See `CallListener`, as for the next four."""
        self._is_queued = True
        self._execution.emit(
            CallQueued(
                cell_id=self._cell.id,
                limit=limit,
                provider=provider,
                place=place,
                at_once=at_once,
                pause_s=pause_s,
                item=self.item,
            )
        )

    def on_begin(self, call_id: str) -> None:
        """The call is about to be sent."""
        if self._is_queued:
            self._is_queued = False
            self._execution.emit(CallSent(cell_id=self._cell.id, item=self.item))
        self._call_id = call_id
        self._pieces.clear()  # not before: a call that may not be made leaves what had come

    def on_reasoning(self, text: str) -> None:
        """A piece of what the model thought has come."""
        self._relay.flush()  # both are heard in the order in which they come
        self._reasoning_relay.add(text)

    def on_text(self, text: str) -> None:
        """A piece of the answer has come."""
        self._pieces.append(text)
        self._reasoning_relay.flush()  # it came first
        self._relay.add(text)

    def _flush(self) -> None:
        self._reasoning_relay.flush()
        self._relay.flush()

    def _emit_reasoning(self, text: str) -> None:
        self._execution.emit(CellReasoning(cell_id=self._cell.id, text=text, item=self.item))

    def _emit_text(self, text: str) -> None:
        self._execution.emit(CellText(cell_id=self._cell.id, text=text, item=self.item))

    def on_retry(self, attempt: int, error: ProviderError, wait_s: float) -> None:
        """What had come of the answer is void."""
        self._pieces.clear()
        self._reasoning_relay.drop()
        self._relay.drop()
        self._emit_retried(attempt, error, wait_s, self._execution.attempts_limit)

    def _emit_retried(
        self, attempt: int, error: LLMReplError, wait_s: float, attempts: int = 0
    ) -> None:
        self._execution.emit(
            CellRetried(
                cell_id=self._cell.id,
                attempt=attempt,
                error=str(error),
                wait_s=wait_s,
                attempts=attempts,
                item=self.item,
            )
        )


def first_model_call(
    cell: PromptCell,
    prepared: PreparedPrompt,
    conversation: Conversation,
    *,
    notebook: Notebook,
    run_id: str,
) -> ModelCall:
    """What a conversation begins with.

    Args:
        cell: The prompt.
        prepared: What was read of the state.
        conversation: Which one of its.
        notebook: The notebook.
        run_id: The run's UUID.
    """
    form = prepared.form
    return ModelCall(
        notebook=notebook,
        cell=cell,
        run_id=run_id,
        place=CallPlace(cell_id=cell.id, item=conversation.item, position=prepared.position),
        messages=tuple(turn.message for turn in conversation.messages),
        tools=prepared.tools,
        answer_schema=None if form is None else form.schema,
    )


def _tool_output(
    call: ToolCall, result: ToolResult, call_id: str, item: int | None, said: dict[str, JSONValue]
) -> Output:
    fields: dict[str, Any] = {
        "name": call.name,
        "arguments": call.arguments,
        "result": result.text,
        "failed": result.failed,
        "call_id": call_id,
    }
    fields |= {name: text for name, text in said.items() if text}
    if item is not None:
        fields["item"] = item
    return Output("tool_call", f"{call.name}({call.arguments}) → {result.text}", fields)
