"""A prompt at its place in the notebook: all that it reads of the state is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from llm_repl_core.engine.prompts.answer_form import AnswerForm, resolve_form
from llm_repl_core.engine.prompts.attachments import load_attachments
from llm_repl_core.engine.prompts.context import SourcedMessage, context_messages
from llm_repl_core.engine.prompts.items import ITEM, Items, refuse_interrupt
from llm_repl_core.engine.prompts.notices import doubtful_braces, few, refuse_builtins
from llm_repl_core.engine.prompts.tools import describe_tools
from llm_repl_core.kernels.state import KernelState, Value
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.providers.base import Attachment, Message, Tool
from llm_repl_core.templates import Template, parse

__all__ = ["Conversation", "PreparedPrompt", "needs_kernel", "prepare", "system_text"]


class Conversation(Struct, frozen=True, kw_only=True):
    """What a model is sent at first.

    Attributes:
        messages: The turns, with the cell that each is from.
        prompt: The cell's own text, filled.
        item: The index of the item; None: the prompt is not over items.
    """

    messages: tuple[SourcedMessage, ...]
    prompt: str
    item: int | None = None


class PreparedPrompt(Struct, frozen=True, kw_only=True):
    """A prompt that needs the state no more, but for its tools.

    Attributes:
        variable: Of the answer.
        position: The cell's index in the notebook, from 0.
        conversations: One; of a prompt over items, one an item.
        form: What the answer must be; None: any text.
        tools: The tools that the model may call.
        notices: Notices about what is sent, one sentence each.
        seen: By variable that stands alone in a field: its text.
    """

    variable: str
    position: int
    conversations: tuple[Conversation, ...]
    form: AnswerForm | None
    tools: tuple[Tool, ...]
    notices: tuple[str, ...] = ()
    seen: Mapping[str, str] = {}


def needs_kernel(cell: PromptCell, notebook: Notebook) -> bool:
    """Whether preparing a prompt looks at the state at all."""
    return bool(
        cell.for_each is not None
        or cell.attachments
        or cell.tools
        or isinstance(cell.schema, str)
        or parse(cell.content).fields
        or parse(system_text(cell, notebook)).fields
    )


async def prepare(
    cell: PromptCell, notebook: Notebook, kernel: KernelState, *, keep: bool = False
) -> PreparedPrompt:
    """Fill the templates and gather what goes with them.

    Args:
        cell: The prompt.
        notebook: Its notebook.
        kernel: The kernel, which nothing else uses meanwhile.
        keep: Whether nothing of the state may be used up: it is only looked at.

    Raises:
        InvalidTemplate: A field cannot be filled.
        InvalidInput: Something that the cell names is not there, or is no use.
        KernelDied: The kernel ended meanwhile.
    """
    form = await resolve_form(cell.schema, kernel)
    tools = await describe_tools(cell.tools, kernel) if cell.tools else ()
    system, template = parse(system_text(cell, notebook)), parse(cell.content)
    limit = kernel.options.insert_limit_chars
    context = context_messages(cell, notebook, limit)
    around = _ConversationFrame(cell, context.messages)
    await refuse_builtins([system, template], kernel)
    notices = [*doubtful_braces([system, template], notebook), *context.notices]
    root = Path(kernel.options.cwd or ".")
    each_has_its_own = cell.for_each is not None and ITEM in cell.attachments
    # What is the same for all items is held once.
    common = [entry for entry in cell.attachments if not (each_has_its_own and entry == ITEM)]
    shared = await load_attachments(common, kernel, root=root)
    seen: dict[str, str] = {}
    if cell.for_each is None:
        [system_filled, prompt] = await _fill([system, template], kernel, notices, seen)
        conversations = [around.conversation(system_filled, prompt, shared)]
    else:
        conversations = []
        async with Items(cell.for_each, kernel, keep=keep) as items:
            texts = await items.fill([system, template])
            notices += items.notices
            for place, [system_filled, prompt] in enumerate(texts):
                attachments = shared
                if each_has_its_own:
                    [own] = await load_attachments(
                        [ITEM], kernel, root=root, extra=items.names(place)
                    )
                    rest = iter(shared)
                    attachments = tuple(
                        own if entry == ITEM else next(rest) for entry in cell.attachments
                    )
                conversations.append(around.conversation(system_filled, prompt, attachments, place))
    position = notebook.index(cell.id)
    return PreparedPrompt(
        variable=cell.answer_variable(position),
        position=position,
        conversations=tuple(conversations),
        form=form,
        tools=tools,
        notices=few(notices),
        seen=seen,
    )


class _ConversationFrame:
    """What stands around a prompt in a conversation."""

    def __init__(self, cell: PromptCell, context: Sequence[SourcedMessage]) -> None:
        self._cell = cell
        self._context = context

    def conversation(
        self, system: str, prompt: str, attachments: tuple[Attachment, ...], item: int | None = None
    ) -> Conversation:
        """All turns, in order."""
        cell = self._cell
        first: list[SourcedMessage] = []
        if system.strip():
            source = None if cell.system is None else cell.id
            first.append(SourcedMessage(Message("system", system), source))
        last = SourcedMessage(Message("user", prompt, attachments=attachments), cell.id)
        return Conversation(messages=(*first, *self._context, last), prompt=prompt, item=item)


async def _fill(
    templates: Sequence[Template],
    kernel: KernelState,
    notices: list[str],
    seen: dict[str, str],
) -> list[str]:
    limit = kernel.options.insert_limit_chars
    expressions = [
        structs.replace(expression, insert_limit_chars=limit)
        for template in templates
        for expression in template.expressions
    ]
    evaluated = await kernel.evaluate(expressions) if expressions else []
    for expression, value in zip(expressions, evaluated, strict=True):
        refuse_interrupt(value)
        if isinstance(value, Value) and expression.source.isidentifier():
            seen[expression.source] = value.text
    remaining = iter(evaluated)
    texts = []
    for template in templates:
        values = [next(remaining) for _ in template.expressions]
        texts.append(template.fill(values))
        notices += template.notices(values)
    return texts


def system_text(cell: PromptCell, notebook: Notebook) -> str:
    """The template of a prompt's system text: its own, else the notebook's."""
    if cell.system is not None:
        return cell.system
    return notebook.preference("system") or ""
