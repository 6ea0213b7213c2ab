"""A prompt that is being written, prepared as far as can be said now: nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from llm_repl_core.engine.plan import analyse_notebook
from llm_repl_core.engine.prompts.draft_fields import (
    DraftField,
    NameOrigins,
    Origins,
    judge_fields,
)
from llm_repl_core.engine.prompts.looked_at import KnownValues, LookedAtState, calls_nothing
from llm_repl_core.engine.prompts.notices import doubtful_lookalikes
from llm_repl_core.engine.prompts.prepare import PreparedPrompt, prepare, system_text
from llm_repl_core.errors import InvalidInput, KernelError, LLMReplError
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.kernels.state import Expression, Value
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.names import named_variable
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.templates import Template, parse

__all__ = [
    "DraftLookalike",
    "DraftPiece",
    "PreparedDraft",
    "ValuesOf",
    "changed_prompt",
    "look_at_names",
    "prepare_draft",
]

ValuesOf: TypeAlias = Literal["now", "before", "nothing"]
"""``now``: the variables as they are; ``before``: something runs, and they are as they were when they
were last looked at; ``nothing``: there is no kernel yet."""

_LOOK_LIMIT_S = 2.0
"""How long looking at the state for a draft may keep the kernel."""

_PIECES = 1_000


class DraftLookalike(Struct, frozen=True, kw_only=True):
    """What looks like a field, and is sent as text.

    Attributes:
        text: The braces, with what is in them.
        line: Where they start, from 1.
        sentence: What is sent, and why, in a sentence.
    """

    text: str
    line: int
    sentence: str


class DraftPiece(Struct, frozen=True, kw_only=True):
    """A part of a filled text.

    Attributes:
        text: What is sent.
        field: The field that it was filled into; null: it is the template's own.
    """

    text: str
    field: str | None = None


class PreparedDraft(Struct, frozen=True, kw_only=True):
    """A prompt as far as it can be prepared.

    Attributes:
        cell: The prompt, without what cannot be said of it now.
        prepared: What would be sent; None: it cannot be said.
        fields: What is known of its fields.
        pieces: Of its own text, and of the system text: what was filled in.
        lookalikes: What looks like a field and is sent as text.
        problems: Why it would not be sent, a sentence each.
        later: What is left out here and is sent, a sentence each.
        values: Of when the values are.
    """

    cell: PromptCell
    prepared: PreparedPrompt | None
    fields: tuple[DraftField, ...]
    pieces: dict[Literal["content", "system"], tuple[DraftPiece, ...]]
    lookalikes: tuple[DraftLookalike, ...]
    problems: tuple[str, ...]
    later: tuple[str, ...]
    values: ValuesOf

    @property
    def is_whole(self) -> bool:
        """Whether a run would send exactly this now."""
        return (
            self.prepared is not None
            and not self.problems
            and not self.later
            and all(field.state in ("known", "stale", "item") for field in self.fields)
        )


def changed_prompt(notebook: Notebook, cell_id: str, changes: Mapping[str, Any]) -> PromptCell:
    """A prompt with some of its fields changed, beside the notebook's own, which stays.

    Args:
        notebook: The notebook.
        cell_id: The prompt.
        changes: Fields, by name.

    Raises:
        CellNotFound: There is no such cell.
        InvalidInput: It is no prompt, or a change cannot be made.
    """
    cell = notebook[cell_id]
    if not isinstance(cell, PromptCell):
        raise InvalidInput(
            f"Only a prompt has a preview, and cell {notebook.index(cell_id) + 1} is "
            f"a {cell.type or 'foreign'} cell."
        )
    draft = cell.copy(id=cell_id)
    draft.change(**changes)
    assert isinstance(draft, PromptCell)
    return draft


async def look_at_names(
    notebook: Notebook, kernel: Kernel, known: KnownValues, *, is_free: bool
) -> tuple[NameOrigins, bool]:
    """Which names there are in a notebook, before its prompts are prepared.

    Args:
        notebook: The notebook.
        kernel: Its kernel.
        known: What was seen of the state before; the names are put there.
        is_free: Whether the kernel is there, and nothing else uses it.

    Returns:
        The names; and whether the kernel can be asked further.
    """
    if is_free:
        try:
            async with asyncio.timeout(_LOOK_LIMIT_S):
                known.names = tuple(await kernel.names())
        except (KernelError, TimeoutError):
            is_free = False
    return NameOrigins(notebook, analyse_notebook(notebook), known.names), is_free


async def prepare_draft(
    cell: PromptCell,
    index: NameOrigins,
    kernel: Kernel,
    known: KnownValues,
    *,
    is_free: bool,
    may_call: bool,
) -> PreparedDraft:
    """Prepare a prompt as for a run, leaving out what cannot be known now.

    Args:
        cell: The prompt, which may differ from the notebook's cell of its id.
        index: Which cells of its notebook set which names; see `look_at_names`.
        kernel: The notebook's kernel.
        known: What was seen of the state before.
        is_free: Whether the kernel is there, and nothing else uses it.
        may_call: Whether expressions that call something are evaluated.
    """
    notebook = index.notebook
    templates: dict[Literal["content", "system"], Template] = {
        "system": parse(system_text(cell, notebook)),
        "content": parse(cell.content),
    }
    state = _looked_at(kernel, known, templates, is_free=is_free, may_call=may_call)
    problems: list[str] = []
    later: list[str] = []
    reduced = _without_unsaid(cell, state, later, may_call=may_call)
    prepared = await _prepare(reduced, notebook, state, problems)
    if prepared is None:
        reduced = _plain(reduced)
        prepared = await _prepare(reduced, notebook, state, [])
        if prepared is None:
            reduced.context = "isolated"
            prepared = await _prepare(reduced, notebook, state, [])
    position = notebook.index(cell.id)
    origins = Origins(index, position)
    return PreparedDraft(
        cell=reduced,
        prepared=prepared,
        fields=judge_fields(
            cell,
            templates,
            state,
            origins,
            # Items were filled together, or not at all.
            is_filled=prepared is not None and reduced.for_each is not None,
        ),
        pieces={place: _pieces(template, state) for place, template in templates.items()},
        lookalikes=tuple(
            DraftLookalike(text=found.text, line=found.line, sentence=found.notice)
            for found in doubtful_lookalikes([*templates.values()], notebook)
        ),
        problems=tuple(problems),
        later=tuple(later),
        values="now" if is_free else "before" if kernel.alive else "nothing",
    )


def _looked_at(
    kernel: Kernel,
    known: KnownValues,
    templates: dict[Literal["content", "system"], Template],
    *,
    is_free: bool,
    may_call: bool,
) -> LookedAtState:
    limit = kernel.options.insert_limit_chars
    texts: dict[Expression, str] = {}
    refused: set[Expression] = set()
    for template in templates.values():
        for field in template.fields:
            expression = structs.replace(field.expression, insert_limit_chars=limit)
            texts[expression] = field.text
            if any(name not in known.names for name in field.builtins):
                refused.add(expression)
    return LookedAtState(
        kernel, known, texts=texts, refused=refused, is_free=is_free, may_call=may_call
    )


async def _prepare(
    cell: PromptCell, notebook: Notebook, state: LookedAtState, problems: list[str]
) -> PreparedPrompt | None:
    try:
        async with asyncio.timeout(_LOOK_LIMIT_S):
            prepared = await prepare(cell, notebook, state, keep=True)
    except TimeoutError:
        state.is_free = False
        problems.append("Filling it takes long: see what its fields compute.")
        return None
    except LLMReplError as error:
        problems.append(str(error))
        return None
    if not prepared.conversations:
        problems.append("`for_each` has no items, so nothing would be sent.")
        return None
    return prepared


def _without_unsaid(
    cell: PromptCell, state: LookedAtState, later: list[str], *, may_call: bool
) -> PromptCell:
    """The prompt without what only the kernel could say, where that cannot be asked."""
    copy = cell.copy(id=cell.id)
    assert isinstance(copy, PromptCell)
    may_look = state.is_free and may_call
    if copy.for_each is not None and not (
        state.is_free and (may_call or calls_nothing(copy.for_each))
    ):
        later.append("How many items there are is known when the prompt is run.")
        copy.for_each = None
    if copy.tools and not state.is_free:
        later.append("Its tools are described when the prompt is run.")
        copy.tools = []
    if named_variable(copy.schema) is not None and not state.is_free:
        later.append("The form of the answer is looked up when the prompt is run.")
        copy.schema = None
    if not may_look and any(named_variable(entry) is not None for entry in copy.attachments):
        later.append("What it is sent with from variables is added when the prompt is run.")
        copy.attachments = [entry for entry in copy.attachments if named_variable(entry) is None]
    return copy


def _plain(cell: PromptCell) -> PromptCell:
    """The prompt without all that may be wrong with it beside its text."""
    copy = cell.copy(id=cell.id)
    assert isinstance(copy, PromptCell)
    copy.for_each, copy.schema, copy.tools, copy.attachments = None, None, [], []
    return copy


def _pieces(template: Template, state: LookedAtState) -> tuple[DraftPiece, ...]:
    pieces: list[DraftPiece] = []
    for part in template.parts[:_PIECES]:
        if isinstance(part, str):
            pieces.append(DraftPiece(text=part))
            continue
        value = state.results.get(state.asked(part.expression))
        is_filled = isinstance(value, Value) and not value.truncated
        text = value.text if isinstance(value, Value) and is_filled else part.text
        pieces.append(DraftPiece(text=text, field=part.text))
    return tuple(pieces)
