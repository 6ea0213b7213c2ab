"""Asks a kernel for what `llm_repl_core.kernels.inspection` tells of the user's objects."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET

from llm_repl_core.errors import KernelError
from llm_repl_core.kernels.state import Expression, Failed, KernelState
from llm_repl_core.model.json_value import JSONValue

__all__ = ["HELPERS", "NAMESPACE", "ask"]

HELPERS = (
    "(__import__('sys').modules.get('_llm_repl_helpers')"
    " or __import__('llm_repl_core.kernels.inspection', fromlist=['inspection']))"
)
"""The module of the helpers: in a Jupyter kernel it is a text that was sent there."""

NAMESPACE = "__import__('builtins').globals()"
"""The state, as an expression sees it; with ``extra`` it is a copy, and changes do not stay."""


async def ask(
    state: KernelState,
    function: str,
    *sources: str,
    extra: Mapping[str, JSONValue] | None = None,
) -> JSONValue | Failed:
    """Call a helper in the kernel.

    Args:
        state: The kernel, or a fork of it.
        function: The helper's name.
        sources: Its arguments as expressions. Nothing that a model wrote may be among them: that
            goes into ``extra``.
        extra: Names that the arguments see, with their values.

    Returns:
        What it gave; what became of it instead where it, or an argument, raised.

    Raises:
        KernelDied: The kernel ended meanwhile.
        KernelUnsupported: The kernel runs another language.
        KernelError: What it gave is larger than a value may be.
    """
    source = f"{HELPERS}.{function}({', '.join(sources)})"
    [value] = await state.evaluate([Expression(source)], extra=extra)
    if isinstance(value, Failed):
        return value
    if value.json is UNSET:
        raise KernelError(
            "What the kernel tells of an object is longer than a value may be: raise the setting "
            "`value_limit_bytes`, or describe less."
        )
    return value.json
