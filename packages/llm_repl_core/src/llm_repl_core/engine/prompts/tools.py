"""Functions of the state that a model may ask to have called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, cast

import msgspec
from msgspec import Struct

from llm_repl_core.engine.prompts.inspected import HELPERS, NAMESPACE, ask, listed, reason
from llm_repl_core.errors import InvalidInput
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.kernels.state import Failed, KernelState
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.names import is_variable
from llm_repl_core.model.output import Output, merge_streams
from llm_repl_core.model.output_changes import DisplayUpdate, OutputChange, OutputList
from llm_repl_core.providers.base import Tool, ToolCall
from llm_repl_core.templates.unknown_names import PYTHON_NAMES

__all__ = ["ToolResult", "call_tool", "describe_tools", "is_json"]

_ARGUMENTS_SHOWN = 500
"""How much of broken arguments a model is shown: its turn goes back without them."""

_INTERRUPTS = ("KeyboardInterrupt", "Interrupted")


class ToolResult(Struct, frozen=True, kw_only=True):
    """What became of a call that a model asked for.

    Attributes:
        text: What the model is told.
        outputs: What the function printed and showed, and the traceback where it raised; then what
            it changed of other cells' displays. No ``error`` is among them, as the cell goes on,
            but where it was interrupted.
        failed: Whether there is no result: it raised, or it could not be called like that.
        interrupted: Whether an interrupt ended it: the cell ends then, too.
    """

    text: str
    outputs: tuple[OutputChange, ...] = ()
    failed: bool = False
    interrupted: bool = False


async def describe_tools(names: Sequence[str], kernel: KernelState) -> tuple[Tool, ...]:
    """What a model is told of functions: signature and docstring as a JSON Schema.

    Args:
        names: Variables of the state.
        kernel: Where the state is.

    Raises:
        InvalidInput: One is not there, is no function, or takes what a model cannot give.
        KernelError: The kernel cannot tell.
    """
    if not names:
        return ()
    extra: dict[str, JSONValue] = {"_llm_repl_names": list(names)}
    described = await ask(kernel, "describe_functions", NAMESPACE, "_llm_repl_names", extra=extra)
    if isinstance(described, Failed):
        raise InvalidInput(f"`tools` could not be inspected: {reason(described)}.")
    tools: list[Tool] = []
    for name, description in zip(names, cast("list[dict[str, Any]]", described), strict=True):
        if description.get("problem") == "":
            raise InvalidInput(
                f"`tools`: there is no function `{name}`; "
                f"there are: {listed(await _functions(kernel), 'none')}."
            )
        if "problem" in description:
            raise InvalidInput(f"`tools`: `{name}` {description['problem'].rstrip('.')}.")
        tools.append(
            Tool(
                name=name,
                description=description["description"],
                parameters=description["parameters"],
            )
        )
    return tuple(tools)


async def call_tool(call: ToolCall, kernel: Kernel) -> ToolResult:
    """Call a function as a model asks for.

    It runs as a code cell does, so that what interrupts a cell interrupts it. The arguments are
    data all the way: no source is made of what a model wrote. Whether the model may call this
    function at all is for the caller to know.

    Args:
        call: The model's wish.
        kernel: Where the function is.

    Raises:
        KernelDied: The kernel ended meanwhile.
    """
    problem, arguments = _read_arguments(call)
    if problem is not None:
        return ToolResult(text=problem, failed=True)
    extra: dict[str, JSONValue] = {"_llm_repl_name": call.name, "_llm_repl_arguments": arguments}
    # What leaves the kernel is counted in bytes, of which a character may take four.
    limit = max(min(kernel.options.insert_limit_chars, kernel.options.value_limit_bytes // 8), 100)
    prepared = await ask(
        kernel,
        "prepare_call",
        NAMESPACE,
        "_llm_repl_name",
        "_llm_repl_arguments",
        str(limit),
        extra=extra,
    )
    if isinstance(prepared, Failed):
        return ToolResult(
            text=reason(prepared), failed=True, interrupted=prepared.ename in _INTERRUPTS
        )
    ready = cast("dict[str, Any]", prepared)
    if "problem" in ready:
        return ToolResult(text=ready["problem"], failed=True)
    word = ready["word"]
    outputs = OutputList()
    source = _source("await_call" if ready["awaits"] else "run_call", word)
    updates = await _run(kernel, source, outputs)
    result = await _take(kernel, word)
    if result["state"] == "awaitable":
        updates += await _run(kernel, _source("await_call", word), outputs)
        result = await _take(kernel, word)
    outputs.join_streams()
    judged = _judged(call.name, outputs.outputs, result)
    return msgspec.structs.replace(judged, outputs=(*judged.outputs, *updates))


def _read_arguments(call: ToolCall) -> tuple[str | None, str]:
    """A sentence for the model about what is wrong, or None; and the arguments as JSON in ASCII."""
    if not is_variable(call.name):
        return f"{call.name!r} is not the name of a function.", ""
    try:
        # Some models send nothing at all, or `null`, to a function that takes nothing.
        document = _decode(call.arguments.strip() or "{}")
        if isinstance(document, str):
            document = _decode(document)  # and some write JSON in a text
        return None, json.dumps({} if document is None else document)
    except RecursionError:
        problem = "are nested too deeply"
    except ValueError as error:
        problem = f"are not JSON: {error}"
    shown = call.arguments[:_ARGUMENTS_SHOWN]
    return f"`{call.name}` was not called: the arguments {problem}. They were: {shown}", ""


def is_json(arguments: str) -> bool:
    """Whether a model's arguments for a function are whole."""
    try:
        _decode(arguments.strip() or "{}")
    except (ValueError, RecursionError):
        return False
    return True


def _decode(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON value")


def _source(function: str, word: str) -> str:
    # The word is of hexadecimal digits, made by the helpers.
    call = f"{HELPERS}.{function}({word!r})"
    return f"await {call}" if function == "await_call" else call


async def _run(kernel: Kernel, source: str, outputs: OutputList) -> list[DisplayUpdate]:
    """Run code; what it updates of other cells' displays is answered, all else is in the list."""
    kernel.number_next(0)
    async with aclosing(kernel.execute(source)) as produced:
        return [
            change
            async for change in produced
            if not outputs.apply(change) and isinstance(change, DisplayUpdate)
        ]


async def _take(kernel: KernelState, word: str) -> dict[str, Any]:
    taken = await ask(kernel, "take_result", repr(word))
    if isinstance(taken, Failed):
        return {"state": "stopped"}
    return cast("dict[str, Any]", taken)


def _judged(name: str, outputs: list[Output], result: dict[str, Any]) -> ToolResult:
    if result["state"] == "returned":
        if result["notice"]:
            outputs.append(Output.warning(f"The result of `{name}` {result['notice']}."))
        return ToolResult(text=result["text"], outputs=tuple(outputs))
    if result["state"] == "raised":
        text = f"{result['ename']}: {result['evalue']}" if result["evalue"] else result["ename"]
        outputs.append(Output.stderr(f"{result['traceback']}\n"))
        return ToolResult(text=text, outputs=tuple(merge_streams(outputs)), failed=True)
    last = next((output for output in reversed(outputs) if output.type == "error"), None)
    text = "It was interrupted." if last is None else last.content
    interrupted = last is None or last.fields.get("ename") in _INTERRUPTS
    if not interrupted:
        outputs = merge_streams(map(_told_only, outputs))
    return ToolResult(text=text, outputs=tuple(outputs), failed=True, interrupted=interrupted)


def _told_only(output: Output) -> Output:
    """An error as the text of its traceback, which does not make the cell fail."""
    if output.type != "error":
        return output
    lines = cast("list[str]", output.fields.get("traceback") or [output.content])
    return Output.stderr("\n".join([*lines, ""]))


async def _functions(kernel: KernelState) -> list[str]:
    """The names of the functions that there are."""
    names: list[JSONValue] = [name for name in await kernel.names() if name not in PYTHON_NAMES]
    found = await ask(
        kernel,
        "callable_names",
        NAMESPACE,
        "_llm_repl_names",
        extra={"_llm_repl_names": names},
    )
    return [] if isinstance(found, Failed) else cast("list[str]", found)
