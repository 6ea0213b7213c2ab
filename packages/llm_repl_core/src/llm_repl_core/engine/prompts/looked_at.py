"""A notebook's state for a prompt that is only looked at: nobody waits, and nothing is called."""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import structs

from llm_repl_core.errors import KernelDied
from llm_repl_core.kernels.state import Evaluated, Expression, Failed, KernelState, Value
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.syntax import parse_expression
from llm_repl_core.templates.unknown_names import PYTHON_NAMES, unknown_name

__all__ = ["KnownValues", "LookedAtState", "calls_nothing"]

_VALUES = 500
_CHARACTERS = 2_000_000
_LONGEST_VALUE = 200_000

NOT_AT_HAND = "NotAtHand"
"""What a question to a kernel becomes that cannot be asked now."""

_QUIET = (
    ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.Load,
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


@lru_cache(maxsize=4096)
def calls_nothing(source: str) -> bool:
    """Whether an expression only names, picks and compares, so that looking at it starts nothing.

    >>> calls_nothing("orders['day'][0]"), calls_nothing("orders.head()")
    (True, False)

    Args:
        source: A Python expression.
    """
    try:
        tree = parse_expression(source.strip())
    except (SyntaxError, ValueError, RecursionError):
        return False
    return all(isinstance(node, _QUIET) for node in ast.walk(tree))


class KnownValues:
    """What fields were when they were last looked at; bounded, the latest stay."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        """The variables that there were."""
        self._values: OrderedDict[Expression, Evaluated] = OrderedDict()
        self._characters = 0

    def get(self, expression: Expression) -> Evaluated | None:
        """What an expression was; None: nobody looked."""
        return self._values.get(expression)

    def put(self, expression: Expression, value: Evaluated) -> None:
        """Keep what an expression is; one that is too long is not kept, nor what it was before."""
        before = self._values.pop(expression, None)
        if before is not None:
            self._characters -= _length(before)
        if _length(value) > _LONGEST_VALUE:
            return
        self._characters += _length(value)
        self._values[expression] = value
        while len(self._values) > _VALUES or self._characters > _CHARACTERS:
            _, dropped = self._values.popitem(last=False)
            self._characters -= _length(dropped)

    def clear(self) -> None:
        """Forget all: the kernel is another one."""
        self.names = ()
        self._values.clear()
        self._characters = 0


class LookedAtState(KernelState):
    """Fields of templates are filled as far as they can be now; where not, they stay as written.

    Args:
        kernel: The notebook's kernel.
        known: What was seen before; what is seen now is put there.
        texts: How each field was written.
        refused: Fields that name what only Python has.
        is_free: Whether the kernel may be asked: it is there, and nothing else uses it.
        may_call: Whether expressions that call something are evaluated.

    Attributes:
        results: What became of each field.
        old: Those whose value is of before.
        untried: Those that were not evaluated, and of which nothing is known.
    """

    def __init__(
        self,
        kernel: KernelState,
        known: KnownValues,
        *,
        texts: Mapping[Expression, str],
        refused: Collection[Expression] = (),
        is_free: bool,
        may_call: bool,
    ) -> None:
        super().__init__(kernel.options)
        self.is_free = is_free
        self.results: dict[Expression, Evaluated] = {}
        self.old: set[Expression] = set()
        self.untried: set[Expression] = set()
        self._kernel = kernel
        self._known = known
        self._texts = texts
        self._refused = refused
        self._may_call = may_call

    def asked(self, expression: Expression) -> Expression:
        """The expression of a field as the kernel is asked for it."""
        return structs.replace(expression, insert_limit_chars=self.options.insert_limit_chars)

    def is_refused(self, expression: Expression) -> bool:
        """Whether a field names what only Python has."""
        return self.asked(expression) in self._refused

    @property
    def alive(self) -> bool:
        """Whether the kernel can be asked."""
        return self.is_free

    async def assign(self, values: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Refuse it: nothing is changed here."""
        raise KernelDied("A state that is only looked at is not changed.")

    async def names(self) -> list[str]:
        """The variables, and Python's own names: those are refused with the fields."""
        return [*self._known.names, *PYTHON_NAMES]

    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        """See `KernelState.evaluate`; a field never fails here."""
        if any(expression.insert_limit_chars is None for expression in expressions):
            if not self.is_free:
                return [Failed(NOT_AT_HAND, "the kernel is not free") for _ in expressions]
            return await self._kernel.evaluate(expressions, restricted=restricted, extra=extra)
        asked = [expression for expression in expressions if self._may_ask(expression)]
        values = dict(zip(asked, await self._kernel.evaluate(asked), strict=True)) if asked else {}
        return [self._filled(expression, values.get(expression)) for expression in expressions]

    def _may_ask(self, expression: Expression) -> bool:
        if not self.is_free or expression in self._refused:
            return False
        return self._may_call or _is_quiet(expression)

    def _filled(self, expression: Expression, value: Evaluated | None) -> Value:
        written = Value(self._texts.get(expression, "{…}"), "str")
        if expression in self._refused:
            value = unknown_name(expression.source, self._known.names)
        elif value is not None:
            self._known.put(expression, value)
        else:
            value = self._known.get(expression)
            if value is None:
                self.untried.add(expression)
                return written
            self.old.add(expression)
        self.results[expression] = value
        if isinstance(value, Failed) or value.truncated:
            return written
        return value


def _is_quiet(expression: Expression) -> bool:
    return calls_nothing(expression.source) and all(
        isinstance(part, str) or _is_quiet(part) for part in expression.format_spec
    )


def _length(value: Evaluated) -> int:
    return len(value.text if isinstance(value, Value) else value.evalue)
