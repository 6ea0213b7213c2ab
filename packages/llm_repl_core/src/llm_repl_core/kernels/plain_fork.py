"""The fork of a kernel whose process can't be forked: a copy of variables that are plain data."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from llm_repl_core.errors import KernelDied, KernelUnsupported
from llm_repl_core.kernels.asking import HELPERS, NAMESPACE
from llm_repl_core.kernels.evaluation import evaluate_all, user_names
from llm_repl_core.kernels.state import (
    Evaluated,
    Expression,
    Failed,
    KernelFork,
    KernelOptions,
    KernelState,
    Value,
)
from llm_repl_core.kernels.whole_display import libraries_left_alone
from llm_repl_core.model.json_value import JSONValue

__all__ = ["PlainFork", "copy_plain"]

_LIMIT_CHARS = 100_000
"""Of a variable's literal."""
_LARGE_NUMBER = re.compile(r"\d{5}")
_NODES = (
    ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Subscript, ast.Slice, ast.Tuple,
)  # fmt: skip


class PlainFork(KernelFork):
    """Variables that are plain data, in this process.

    It evaluates what is made of their names, constants and subscripts, by the code that kernels
    evaluate with. Whatever else it is asked has failed: what it does could be anything.

    Args:
        options: The kernel's.
        values: The variables.
    """

    def __init__(self, options: KernelOptions, values: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._values: dict[str, Any] | None = dict(values)

    @property
    def alive(self) -> bool:
        """Whether it has not been closed."""
        return self._values is not None

    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        """Evaluate what is plain; see `KernelState.evaluate`."""
        known = {**self._require_open(), **(extra or {})}
        results: list[Evaluated] = []
        for expression in expressions:
            refusal = _refusal(expression, known)
            results.append(refusal or self._evaluate(expression, known, restricted=restricted))
        return results

    async def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables of the copy; see `KernelState.assign`."""
        self._require_open().update(copy.deepcopy(dict(values)))

    async def names(self) -> list[str]:
        """The variables, sorted; see `KernelState.names`."""
        return user_names(self._require_open())

    async def close(self) -> None:
        """Forget the variables; see `KernelFork.close`."""
        self._values = None

    def _evaluate(
        self, expression: Expression, known: dict[str, Any], *, restricted: bool
    ) -> Evaluated:
        # Code of an in-process kernel may run at this moment, and would see changed options.
        with libraries_left_alone():
            [result] = evaluate_all(
                [msgspec.to_builtins(expression)],
                {**known},
                restricted=restricted,
                extra={},
                limit_bytes=self.options.value_limit_bytes,
            )
        return msgspec.convert(result, Value | Failed)

    def _require_open(self) -> dict[str, Any]:
        if self._values is None:
            raise KernelDied("The copy of the kernel's variables was closed.")
        return self._values


async def copy_plain(kernel: KernelState, names: Collection[str]) -> PlainFork | None:
    """A fork with those of the variables that are plain data.

    Args:
        kernel: Whose variables they are.
        names: Which are wanted.

    Returns:
        The fork; None where the kernel runs another language than Python.

    Raises:
        KernelDied: The kernel ended meanwhile.
    """
    wanted = sorted(name for name in set(names) if name.isidentifier())
    # A literal and its JSON are to be within the limit of a value.
    limit = min(_LIMIT_CHARS, kernel.options.value_limit_bytes // 2)
    expressions = [
        Expression(f"{HELPERS}.plain_literal({NAMESPACE}, {name!r}, {limit})") for name in wanted
    ]
    try:
        literals = await kernel.evaluate(expressions)
    except KernelUnsupported:
        return None
    values: dict[str, Any] = {}
    for name, literal in zip(wanted, literals, strict=True):
        if isinstance(literal, Value) and isinstance(literal.json, str):
            values[name] = ast.literal_eval(literal.json)
    return PlainFork(kernel.options, values)


def _refusal(expression: Expression, known: Mapping[str, Any]) -> Failed | None:
    """Why an expression is not evaluated here; None: it is."""
    try:
        tree = ast.parse(f"({expression.source.strip()}\n)", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Failed(type(error).__name__, "It is no expression.")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in known:
            return Failed("NameError", f"name {node.id!r} is not copied")
        is_negative = isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
        if not (isinstance(node, (*_NODES, ast.USub)) or is_negative):
            return Failed("NotPlain", "Only names and subscripts are evaluated over plain data.")
    for part in expression.format_spec:
        # A width makes as many characters.
        if not isinstance(part, str) or _LARGE_NUMBER.search(part):
            return Failed("NotPlain", "Only short format specs are used over plain data.")
    return None
