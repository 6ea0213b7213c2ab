"""The items of a prompt that is sent once for each: they stay in the kernel, as the objects they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from msgspec import UNSET

from llm_repl_core.errors import InvalidInput, InvalidTemplate
from llm_repl_core.kernels.base import Evaluated, Expression, Failed, Kernel
from llm_repl_core.syntax import parse_expression
from llm_repl_core.templates import Field, Template

__all__ = ["ITEM", "Items"]

ITEM = "item"
"""What the template calls an item."""

_ITEMS = "__llm_repl_items"
_AT_ONCE = 256
"""How many items are filled in at once."""


class Items:
    """The items, held in the kernel while the templates are filled. An async context manager.

    Args:
        expression: Whatever can be iterated.
        kernel: The kernel, which nothing else uses meanwhile.

    Raises:
        InvalidInput: From entering: it is no expression, it fails, or it cannot be iterated.
    """

    def __init__(self, expression: str, kernel: Kernel) -> None:
        self._expression = expression
        self._kernel = kernel
        self.count = 0

    async def __aenter__(self) -> Self:
        source = self._expression.strip()
        try:
            parse_expression(source)
        except (SyntaxError, ValueError, RecursionError):
            raise InvalidInput(
                f"`for_each` must be a Python expression such as `rows`, but is `{source[:80]}`."
            ) from None
        held = await self._ask(f"len({_ITEMS} := list({source}\n))")
        if isinstance(held, Failed):
            hint = f"; the state has: {', '.join(held.names[:20])}" if held.names else ""
            raise InvalidInput(f"`for_each`: {held.ename}: {held.evalue}{hint}.")
        assert isinstance(held.json, int)
        self.count = held.json
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._kernel.alive:
            await self._ask(f"globals().pop({_ITEMS!r}, None) and None")

    def names(self, place: int) -> dict[str, str]:
        """What ``item`` is for one of them: an expression, by name."""
        return {ITEM: f"{_ITEMS}[{place}]"}

    async def fill(self, templates: Sequence[Template]) -> list[list[str]]:
        """The templates filled, for each item.

        Raises:
            InvalidTemplate: A field could not be evaluated for some item, or is too long.
        """
        fields = [field for template in templates for field in template.fields]
        values = await self._values(fields)
        filled = []
        for of_item in values:
            remaining = iter(of_item)
            filled.append(
                [
                    "".join(
                        part if isinstance(part, str) else next(remaining)
                        for part in template.parts
                    )
                    for template in templates
                ]
            )
        return filled

    async def _values(self, fields: Sequence[Field]) -> list[list[str]]:
        if not fields:
            return [[] for _ in range(self.count)]
        source = ", ".join(_source(field.expression) for field in fields)
        values: list[list[str]] = []
        at_once = _AT_ONCE
        while (start := len(values)) < self.count:
            rows = await self._ask(
                f"[[{source}] for {ITEM} in {_ITEMS}[{start}:{start + at_once}]]"
            )
            if isinstance(rows, Failed) or rows.json is UNSET:
                if at_once > 1:  # too long to leave the kernel, or one of them fails
                    at_once = max(1, at_once // 4)
                    continue
                raise await self._why_not(fields, start)
            found: Any = rows.json
            values += found
        return values

    async def _why_not(self, fields: Sequence[Field], place: int) -> InvalidTemplate:
        for field in fields:
            value = await self._ask(
                f"[{_source(field.expression)} for {ITEM} in {_ITEMS}[{place}:{place + 1}]][0]"
            )
            if isinstance(value, Failed):
                try:
                    Template((field,)).fill([value])
                except InvalidTemplate as error:
                    return InvalidTemplate(f"Item {place}: {error}")
        return InvalidTemplate(
            f"Item {place}: what the fields insert is longer than a value may be; insert a part "
            "of it, as in `{item[:10000]}`."
        )

    async def _ask(self, source: str) -> Evaluated:
        [value] = await self._kernel.evaluate([Expression(source)])
        return value


def _source(expression: Expression) -> str:
    """An expression for the text of a field. Methods of a text: no variable can shadow them."""
    conversion = f"!{expression.conversion}" if expression.conversion else ""
    spec = ", ".join(
        repr(part) if isinstance(part, str) else _source(part) for part in expression.format_spec
    )
    return f"'{{0{conversion}:{{1}}}}'.format(({expression.source}\n), ''.join([{spec}]))"
