"""Cells that Jupyter needs to run a notebook, and LLM-REPL leaves out again when it reads one.

Where a cell uses ``memory``, one makes it, and one behind each memory cell puts in what that cell
has assigned, since an assignment is only a variable for Jupyter. Behind a prompt whose answer a cell below
reads stands one that sets the answer's variable, since a prompt is only text for Jupyter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from llm_repl_core.errors import InvalidMemory
from llm_repl_core.formats._ipynb_text import joined, lines
from llm_repl_core.memory import parse
from llm_repl_core.model.cell import Cell, CodeCell, MemoryCell, PromptCell
from llm_repl_core.model.json_value import JSONValue

__all__ = ["is_generated", "with_generated"]

_MEMORY = """\
# Written by LLM-REPL, so that memory cells run in Jupyter too; here, nothing lasts.
class _Memory(dict):
    def update(self, *values, **named):
        super().update(*values, **named)
        globals().update(dict(*values, **named))


memory = _Memory()"""
_ANSWER = "# Written by LLM-REPL, so that the cells below find the answer in Jupyter too."
_LASTING = "# Written by LLM-REPL, so that `memory` has it in Jupyter too."
_WORD = re.compile(r"[^\W\d]\w*")


def with_generated(cells: Sequence[Cell], documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells of a file, with those that Jupyter needs.

    Args:
        cells: The notebook's cells.
        documents: The same as they are written.
    """
    needs = [_words_of(cell) for cell in cells]
    setup = None
    if any("memory" in words for words in needs):
        setup = next((at for at, cell in enumerate(cells) if isinstance(cell, MemoryCell)), None)
    if setup is not None:
        setup = next(at for at, words in enumerate(needs) if at == setup or "memory" in words)
    taken = {document["id"] for document in documents}
    written = []
    for place, (cell, document) in enumerate(zip(cells, documents, strict=True)):
        if place == setup:
            written.append(_generated(_MEMORY, "llm-repl-memory", taken))
        written.append(document)
        if setup is not None and isinstance(cell, MemoryCell):
            assigned = [f'memory["{name}"] = {name}' for name in _assigned_in(cell)]
            if assigned:
                source = "\n".join([_LASTING, *assigned])
                written.append(_generated(source, f"llm-repl-memory-{place}", taken))
        if isinstance(cell, PromptCell):
            variable = cell.answer_variable(place)
            is_read = any(variable in words for words in needs[place + 1 :])
            if is_read and (found := _answer_of(cell)):
                source = f"{_ANSWER}\n{variable} = {found[0]!r}"
                written.append(_generated(source, f"llm-repl-answer-{place}", taken))
    return written


def is_generated(document: Any) -> bool:
    """Whether a cell of a file is one of these, and nobody has changed it."""
    match document:
        case {"metadata": {"llm_repl": {"generated": str(mark)}}, "source": source}:
            return mark == _mark(joined(source))
    return False


def _answer_of(cell: PromptCell) -> tuple[JSONValue] | None:
    """The value of a prompt's variable, in a tuple; None where it has no whole answer."""
    answers = [output for output in cell.outputs if output.type == "llm_response"]
    if not answers or cell.status != "completed":
        return None
    if cell.for_each is None:
        return (answers[-1].fields.get("value", answers[-1].content),)
    values: dict[int, JSONValue] = {}
    for answer in answers:
        item = answer.fields.get("item")
        if isinstance(item, int) and not answer.fields.get("failed"):
            values[item] = answer.fields.get("value", answer.content)
    return ([values.get(item) for item in range(max(values, default=-1) + 1)],)


def _assigned_in(cell: MemoryCell) -> list[str]:
    """The names that a memory cell sets; none where it cannot be read."""
    try:
        return list(dict.fromkeys(assignment.name for assignment in parse(cell.content)))
    except InvalidMemory:
        return []


def _words_of(cell: Cell) -> set[str]:
    return set(_WORD.findall(cell.content)) if isinstance(cell, CodeCell | MemoryCell) else set()


def _generated(source: str, name: str, taken: Iterable[str]) -> dict[str, Any]:
    while name in taken:
        name += "-"
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name[:64],
        "metadata": {
            "jupyter": {"source_hidden": True},
            "llm_repl": {"generated": _mark(source)},
        },
        "outputs": [],
        "source": lines(source),
    }


def _mark(source: Any) -> str:
    text = source if isinstance(source, str) else ""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
