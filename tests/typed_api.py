"""Typed use of the public API: mypy reads this file (`tox -e types`), nothing runs it.

Each line says what a caller's type checker is to see; an API that loses its types fails here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_type

from llm_repl_core import (
    Cell,
    CodeCell,
    MarkdownCell,
    MemoryCell,
    Notebook,
    Output,
    PromptCell,
    Session,
)
from llm_repl_core.model.cell import CellStatus
from llm_repl_core.model.json_value import JSONValue


def notebook_is_typed() -> None:
    notebook = Notebook(name="Greeting", metadata={"tags": ["one", 2, None]})
    assert_type(notebook.id, str)
    assert_type(notebook.created_at, datetime)
    assert_type(notebook.metadata, dict[str, JSONValue])
    assert_type(notebook.cells, tuple[Cell, ...])
    assert_type(notebook["a1b2c3d4"], Cell)
    assert_type(len(notebook), int)
    assert_type([cell.content for cell in notebook], list[str])
    assert_type(notebook.index("a1b2c3d4"), int)


def adding_cells_is_typed(notebook: Notebook) -> None:
    assert_type(notebook.add_code("who = 'world'"), CodeCell)
    assert_type(notebook.add_markdown("# Greeting"), MarkdownCell)
    assert_type(notebook.add_memory("seen = []"), MemoryCell)
    prompt = notebook.add_prompt("Say hello to {who}.", response_var="greeting")
    assert_type(prompt, PromptCell)
    assert_type(prompt.temperature, float | None)
    assert_type(notebook.insert(prompt, 0), Cell)
    assert_type(notebook.duplicate(prompt.id), Cell)


def cells_are_typed(cell: Cell) -> None:
    assert_type(cell.status, CellStatus)
    assert_type(cell.outputs, list[Output])
    assert_type(cell.options(), dict[str, Any])
    assert_type(cell.copy(), Cell)


def outputs_are_typed() -> None:
    output = Output.error("ValueError", "no", ["Traceback"])
    assert_type(output, Output)
    assert_type(output.to_wire(), dict[str, JSONValue])


def opening_is_typed(notebook: Notebook) -> None:
    with notebook.open() as session:
        assert_type(session, Session)


def misuse_is_refused(notebook: Notebook) -> None:
    # Each line is an error that mypy must find: an ignore that ignores nothing is one itself.
    Notebook(title="Greeting")  # type: ignore[call-arg]
    notebook.add_code(1)  # type: ignore[arg-type]
    PromptCell(temperature="warm")  # type: ignore[arg-type]
    Output("stdout", "text").content = "other"  # type: ignore[misc]
