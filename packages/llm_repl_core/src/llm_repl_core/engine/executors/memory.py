"""Memory cells: assignments whose values persist with the notebook."""

from __future__ import annotations

import copy
import itertools
from collections.abc import AsyncGenerator, Mapping
from typing import cast

from msgspec import UNSET

from llm_repl_core.engine.prompts.inspected import reason
from llm_repl_core.errors import InvalidMemory, LLMReplError
from llm_repl_core.execution.cell_type import Execution
from llm_repl_core.kernels.base import Evaluated, Expression, Failed, Kernel, Value
from llm_repl_core.memory import Assignment, parse
from llm_repl_core.model.cell import MemoryCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["MEMORY_VARIABLE", "execute_memory", "restore_memory"]

MEMORY_VARIABLE = "memory"
"""The dictionary of all that persists, as code and templates see it."""


async def execute_memory(cell: MemoryCell, execution: Execution) -> AsyncGenerator[Output, None]:
    """Carry the statements out in order; what ran before a failing one stays set, and is shown."""
    texts: dict[str, str] = {}
    try:
        for _, assignments in itertools.groupby(
            parse(cell.content), lambda assignment: assignment.group
        ):
            texts |= await _carry_out(list(assignments), execution)
    except LLMReplError:
        if texts:
            yield Output.memory_update(texts, texts)
        raise
    yield Output.memory_update(texts, texts)


async def _carry_out(assignments: list[Assignment], execution: Execution) -> dict[str, str]:
    """Carry one statement out: all of it or nothing."""
    memory = execution.notebook.memory
    values = await execution.kernel.evaluate(
        [Expression(assignment.expression) for assignment in assignments],
        restricted=True,
        extra={MEMORY_VARIABLE: dict(memory)},
    )
    found = {
        assignment.name: _persistent(assignment, value)
        for assignment, value in zip(assignments, values, strict=True)
    }
    # None of these is UNSET: `_persistent` has looked.
    memory |= {
        name: cast("JSONValue", execution.redact(value.json)) for name, value in found.items()
    }
    await execution.kernel.assign(_own({name: memory[name] for name in found}, memory))
    return {name: value.text for name, value in found.items()}


async def restore_memory(memory: Mapping[str, JSONValue], kernel: Kernel) -> None:
    """Give a kernel that has just started what persists."""
    if memory:
        await kernel.assign(_own(memory, memory))


def _own(values: Mapping[str, JSONValue], memory: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """What a kernel is given: nothing that its code does to it changes what persists."""
    return {name: copy.deepcopy(value) for name, value in values.items()} | {
        MEMORY_VARIABLE: copy.deepcopy(dict(memory))
    }


def _persistent(assignment: Assignment, value: Evaluated) -> Value:
    where = f"Line {assignment.line}"
    if isinstance(value, Failed):
        seen = f"; a memory cell sees {', '.join(value.names)} and a few safe builtins"
        raise InvalidMemory(f"{where}: {reason(value)}{seen if value.names else ''}.")
    if value.json is UNSET:
        raise InvalidMemory(
            f"{where}: `{assignment.name}` is a {value.type_name}, which JSON can't hold, so it "
            "would not be there when the notebook is opened again: keep what you need of it, such "
            f"as str(…), or set `{assignment.name}` in a code cell."
        )
    return value
