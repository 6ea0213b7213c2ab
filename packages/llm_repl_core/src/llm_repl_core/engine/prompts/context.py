"""Which other cells a prompt is sent along with, and as what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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

__all__ = ["CELL_LIMIT", "SourcedMessage", "context_cells", "context_messages"]

CELL_LIMIT = 20_000
"""How many characters of a code cell, with its outputs, are sent."""

_BACKTICKS = re.compile(r"`{3,}")


class SourcedMessage(Struct, frozen=True):
    """A message, and where in the notebook it is from.

    Attributes:
        message: What is sent.
        cell_id: The cell; None: the notebook's system text.
    """

    message: Message
    cell_id: str | None


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
    if cell.context == "isolated" and not any(one.pinned for one in notebook):
        return []  # most prompts, of which there may be thousands
    above = notebook.cells[: notebook.index(cell.id)]
    if isinstance(cell.context, list):
        _refuse_unusable(cell.context, above, notebook)
    return [one for one in above if not one.skipped and _belongs(one, cell)]


def context_messages(cell: PromptCell, notebook: Notebook) -> list[SourcedMessage]:
    """What a prompt is sent along with: one message a turn.

    A markdown or memory cell is a turn of the user's with its text, a code cell one with its code
    and its outputs, and a prompt is one with what was sent, and then the answer as the
    assistant's; a prompt over items gives such a pair an item. What is empty gives nothing, as
    does a prompt without a whole answer.

    Args:
        cell: The prompt.
        notebook: The notebook that it is in.

    Raises:
        CellNotFound: The prompt is not in the notebook.
        InvalidInput: A cell that ``cell.context`` lists does not exist, or does not stand above.
    """
    return [
        SourcedMessage(message, one.id)
        for one in context_cells(cell, notebook)
        for message in _turns(one)
        if message.content.strip()
    ]


def _belongs(candidate: Cell, cell: PromptCell) -> bool:
    if candidate.pinned or cell.context == "above":
        return True
    return isinstance(cell.context, list) and candidate.id in cell.context


def _refuse_unusable(listed: Sequence[str], above: Sequence[Cell], notebook: Notebook) -> None:
    usable = {one.id for one in above}
    for id_ in listed:
        if id_ in usable:
            continue
        if id_ not in notebook:
            raise InvalidInput(
                f"`context` lists the cell {id_!r}, which the notebook does not have."
            )
        raise InvalidInput(
            f"`context` lists the cell {id_!r}, which does not stand above the prompt: "
            "move it there, or take it off the list."
        )


# Turns ---------------------------------------------------------------------------------------


def _turns(cell: Cell) -> Iterator[Message]:
    if isinstance(cell, PromptCell):
        yield from _exchanges(cell.outputs)
    elif isinstance(cell, MarkdownCell | MemoryCell):
        yield Message("user", cell.content)
    elif not isinstance(cell, ForeignCell):
        yield Message("user", _code_and_outputs(cell))


def _exchanges(outputs: Sequence[Output]) -> Iterator[Message]:
    for output in outputs:
        prompt = output.fields.get("prompt")
        if output.type != "llm_response":
            continue
        is_whole = not (output.fields.get("interrupted") or output.fields.get("failed"))
        if is_whole and isinstance(prompt, str) and prompt.strip() and output.content.strip():
            yield Message("user", prompt)
            yield Message("assistant", output.content)


def _code_and_outputs(cell: Cell) -> str:
    code = cell.content.strip("\n")
    if not code.strip():
        return ""
    shown = "\n".join(_shown_outputs(cell.outputs))
    # Each may take what the other leaves of the limit, and half of it in any case.
    code = shortened(code, max(CELL_LIMIT // 2, CELL_LIMIT - len(shown)))
    shown = shortened(shown, CELL_LIMIT - len(code))
    text = _fenced(code, "python" if isinstance(cell, CodeCell) else "")
    return f"{text}\n\nOutput:\n\n{_fenced(shown)}" if shown else text


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
