"""Which other cells a prompt is sent along with, and as what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import attrgetter

from msgspec import Struct

from llm_repl_core.errors import InvalidInput
from llm_repl_core.kernels.shortening import shortened
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output, merge_streams
from llm_repl_core.providers.base import Message

__all__ = ["Context", "SourcedMessage", "context_cells", "context_messages"]

_ABBREVIATED = re.compile(
    r"^\[\d+ rows x \d+ columns\]$"  # a frame of pandas tells its size where some is left out
    r"|^ *\[? *\.\.\.?(?:[\s,\]]|$)"  # a row of dots: a series, an array
    r"|[\s,]\.\.\.,?(?:\s|$)"  # dots within a row
    r"|[│┆] *… *[│┆]",  # polars
    re.MULTILINE,
)
_QUOTED = re.compile(r"'[^'\n]*+'|\"[^\"\n]*+\"")
_is_pinned = attrgetter("pinned")
_BACKTICKS = re.compile(r"`{3,}")


class SourcedMessage(Struct, frozen=True):
    """A message, and where in the notebook it is from.

    Attributes:
        message: What is sent.
        cell_id: The cell; None: the notebook's system text.
    """

    message: Message
    cell_id: str | None


class Context(Struct, frozen=True):
    """What a prompt is sent along with.

    Attributes:
        messages: One a turn.
        notices: What of the cells is not sent, a sentence each.
    """

    messages: list[SourcedMessage]
    notices: list[str]


def context_cells(cell: PromptCell, notebook: Notebook) -> list[Cell]:
    """The cells that a prompt is sent along with, in document order: only such as stand above it.

    Pinned cells always are among them and skipped ones never, whatever ``cell.context`` says.

    Args:
        cell: The prompt.
        notebook: The notebook that it is in.

    Raises:
        CellNotFound: The prompt is not in the notebook, where anything may belong to it.
        InvalidInput: A cell that ``cell.context`` lists does not exist, or does not stand above.
    """
    if cell.context == "isolated" and not any(map(_is_pinned, notebook)):
        return []  # most prompts, of which there may be thousands
    above = notebook.cells[: notebook.index(cell.id)]
    if isinstance(cell.context, list):
        _refuse_unusable(cell.context, above, notebook)
    return [other for other in above if not other.skipped and _belongs(other, cell)]


def context_messages(cell: PromptCell, notebook: Notebook, limit: int) -> Context:
    """What a prompt is sent along with: one message a turn.

    A markdown or memory cell is a turn of the user's with its text, a code cell one with its code
    and its outputs, and a prompt is one with what was sent, and then the answer as the
    assistant's; a prompt over items gives such a pair an item. What is empty gives nothing, as
    does a prompt without a whole answer.

    Args:
        cell: The prompt.
        notebook: The notebook that it is in.
        limit: How many characters of a code cell, with its outputs, are sent.

    Raises:
        CellNotFound: The prompt is not in the notebook.
        InvalidInput: A cell that ``cell.context`` lists does not exist, or does not stand above.
    """
    context = Context([], [])
    for other in context_cells(cell, notebook):
        turns, notice = _turns(other, limit)
        context.messages.extend(
            SourcedMessage(message, other.id) for message in turns if message.content.strip()
        )
        if notice:
            number = notebook.index(other.id) + 1
            context.notices.append(f"Cell {number}, which is sent along, {notice}.")
    return context


def _belongs(candidate: Cell, cell: PromptCell) -> bool:
    if candidate.pinned or cell.context == "above":
        return True
    return isinstance(cell.context, list) and candidate.id in cell.context


def _refuse_unusable(listed: Sequence[str], above: Sequence[Cell], notebook: Notebook) -> None:
    usable = {other.id for other in above}
    for id_ in listed:
        if id_ in usable:
            continue
        if id_ not in notebook:
            raise InvalidInput(
                f"`context` lists the cell {id_!r}, which the notebook does not have."
            )
        raise InvalidInput(
            f"`context` lists the cell {id_!r}, which is not above the prompt: "
            "move it there, or take it off the list."
        )


# Turns ---------------------------------------------------------------------------------------


def _turns(cell: Cell, limit: int) -> tuple[list[Message], str]:
    """The messages of a cell, and what is not sent of it, as the end of a sentence."""
    if isinstance(cell, PromptCell):
        return list(_exchanges(cell.outputs)), ""
    if isinstance(cell, MarkdownCell | MemoryCell):
        return [Message("user", cell.content)], ""
    if isinstance(cell, ForeignCell):
        return [], ""
    text, notice = _code_and_outputs(cell, limit)
    return [Message("user", text)], notice


def _exchanges(outputs: Sequence[Output]) -> Iterator[Message]:
    for output in outputs:
        prompt = output.fields.get("prompt")
        if output.type != "llm_response":
            continue
        is_whole = not (output.fields.get("interrupted") or output.fields.get("failed"))
        if is_whole and isinstance(prompt, str) and prompt.strip() and output.content.strip():
            yield Message("user", prompt)
            yield Message("assistant", output.content)


def _code_and_outputs(cell: Cell, limit: int) -> tuple[str, str]:
    code = cell.content.strip("\n")
    if not code.strip():
        return "", ""
    shown = "\n".join(_shown_outputs(cell.outputs))
    size = len(code) + len(shown)
    # Each may take what the other leaves of the limit, and half of it in any case.
    code = shortened(code, max(limit // 2, limit - len(shown)))
    shown = shortened(shown, limit - len(code))
    text = _fenced(code, "python" if isinstance(cell, CodeCell) else "")
    if shown:
        text = f"{text}\n\nOutput:\n\n{_fenced(shown)}"
    if size > limit:
        return (
            text,
            f"has {size:,} characters with its outputs, of which at most {limit:,} are sent",
        )
    if any(map(_is_abbreviated, cell.outputs)):
        return text, (
            "shows a value abbreviated, and is sent as it shows it: insert the value into the "
            "prompt, as in `{df}` or `{df.to_csv()}`"
        )
    return text, ""


def _is_abbreviated(output: Output) -> bool:
    """Whether a library has left something out of what a cell shows."""
    if output.type != "display" or not (".." in output.content or "…" in output.content):
        return False
    return _ABBREVIATED.search(_QUOTED.sub("", output.content)) is not None


def _shown_outputs(outputs: Sequence[Output]) -> Iterator[str]:
    for output in merge_streams(outputs):
        if output.type in ("stdout", "error", "markdown"):
            text = output.content
        elif output.type == "display":
            text = " ".join(filter(None, [output.content, *_picture_marks(output)]))
        else:
            continue
        if text.strip():
            yield text.rstrip("\n")


def _picture_marks(output: Output) -> list[str]:
    data = output.fields.get("data")
    names = data if isinstance(data, dict) else {}
    return [f"[{name}]" for name in names if name.startswith("image/")]


def _fenced(text: str, language: str = "") -> str:
    """The text in a fence that nothing within closes."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
