"""Prompt cells: fill the template in the kernel, ask the model, set the variable."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from llm_repl_core.engine.cell_type import Execution
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.providers.base import Message, Usage
from llm_repl_core.templates import parse

__all__ = ["answer_variable", "execute_prompt"]

LAST_ANSWER = "_"


async def execute_prompt(cell: PromptCell, execution: Execution) -> AsyncGenerator[Output, None]:
    """Send the filled template and keep the answer as a variable."""
    template = parse(cell.content)
    values = await execution.kernel.evaluate(template.expressions) if template.expressions else []
    prompt = template.fill(values)
    # The name follows the cell's place, which an edit may change while the model thinks.
    variable = answer_variable(cell, execution.notebook)
    answer = await execution.call(
        execution.notebook,
        cell,
        (Message("user", prompt),),
        run_id=execution.run_id,
    )
    # The output first: an answer that was paid for is kept, even where the kernel has died.
    yield Output.llm_response(
        prompt,
        answer.text,
        model=answer.model,
        usage=_usage_on_wire(answer.usage),
        provider=answer.provider,
        finish_reason=answer.finish_reason,
        response_var=variable,
    )
    await execution.kernel.assign({variable: answer.text, LAST_ANSWER: answer.text})


def answer_variable(cell: PromptCell, notebook: Notebook) -> str:
    """The variable of a prompt's answer: its own, else ``response_<index of the cell>``."""
    return cell.response_var or f"response_{notebook.index(cell.id)}"


def _usage_on_wire(usage: Usage | None) -> dict[str, JSONValue] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "raw": usage.raw,
    }
