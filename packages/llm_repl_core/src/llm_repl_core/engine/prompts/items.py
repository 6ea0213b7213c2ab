"""The items of a prompt that is sent once for each: they stay in the kernel, as the objects they are."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Sequence
from typing import Any, Self

from msgspec import UNSET

from llm_repl_core.engine.prompts.inspected import HELPERS, NAMESPACE, reason
from llm_repl_core.errors import InvalidInput, InvalidTemplate
from llm_repl_core.kernels.state import Evaluated, Expression, Failed, KernelState
from llm_repl_core.short_text import cut_short
from llm_repl_core.syntax import parse_expression
from llm_repl_core.templates import Field, Template

__all__ = ["ITEM", "ITEMS_LIMIT", "Items", "refuse_interrupt"]

ITEM = "item"
"""What the template calls an item."""

ITEMS_LIMIT = 100_000
"""How many there may be. Iterators without an end would take all memory, and each item is a call."""

_ITEMS = "__llm_repl_items"
_AT_ONCE = 256
"""How many items are filled in at once."""


class Items:
    """The items, held in the kernel while the templates are filled. An async context manager.

    Args:
        expression: Whatever can be iterated.
        kernel: The kernel, which nothing else uses meanwhile.
        keep: Whether nothing of the state may be used up, as an iterator is that is read.

    Raises:
        InvalidInput: From entering: it is no expression, it fails, it cannot be iterated, or it
            would be used up.
    """

    def __init__(self, expression: str, kernel: KernelState, *, keep: bool = False) -> None:
        self._expression = expression
        self._kernel = kernel
        self._keep = keep
        self.count = 0
        self.notices: list[str] = []
        """What `fill` has to say of the values."""

    async def __aenter__(self) -> Self:
        source = self._expression.strip()
        try:
            parsed = parse_expression(source)
        except (SyntaxError, ValueError, RecursionError):
            raise InvalidInput(
                f"`for_each` must be a Python expression such as `rows`, but is `{cut_short(source, 80)}`."
            ) from None
        if self._keep and not isinstance(parsed, ast.Call | ast.GeneratorExp):
            await self._refuse_iterator(source)
        try:
            # No names of functions: a variable of the user's may shadow any of them.
            items = f"{HELPERS}.first_items(({source}\n), {ITEMS_LIMIT + 1})"
            held = await self._ask(f"({_ITEMS} := {items}).__len__()")
        except asyncio.CancelledError:
            await self._let_go()
            raise
        if isinstance(held, Failed):
            hint = f"; the state has: {', '.join(held.names[:20])}" if held.names else ""
            raise InvalidInput(f"`for_each`: {reason(held)}{hint}.")
        assert isinstance(held.json, int)
        if held.json > ITEMS_LIMIT:
            await self._let_go()
            raise InvalidInput(
                f"`for_each`: `{cut_short(source, 80)}` has more than {ITEMS_LIMIT:,} items, and each is a "
                "call: take a part of them, in a code cell or as in `rows[:100]`."
            )
        self.count = held.json
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._let_go()

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
        for place, of_item in enumerate(values):
            self.notices += [
                f"Item {place + 1}: {field.named} {notice}."
                for field, (_, notice) in zip(fields, of_item, strict=True)
                if notice
            ]
            remaining = iter([text for text, _ in of_item])
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

    async def _refuse_iterator(self, source: str) -> None:
        value = await self._ask(f"({source}\n).__next__ and 1")
        if not isinstance(value, Failed):
            raise InvalidInput(
                f"`for_each`: `{cut_short(source, 80)}` is an iterator, which looking at its items would use "
                "up: make it a list in a code cell."
            )

    async def _let_go(self) -> None:
        if self._kernel.alive:
            await self._ask(f"{NAMESPACE}.pop({_ITEMS!r}, None) and None")

    async def _values(self, fields: Sequence[Field]) -> list[list[tuple[str, str]]]:
        """For each item each field's text, and what that lacks."""
        if not fields:
            return [[] for _ in range(self.count)]
        source = ", ".join(map(self._source, fields))
        values: list[list[tuple[str, str]]] = []
        at_once = _AT_ONCE
        while (start := len(values)) < self.count:
            rows = await self._ask(
                f"{HELPERS}.insert_all(lambda: "
                f"[[{source}] for {ITEM} in {_ITEMS}[{start}:{start + at_once}]])"
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
                f"[{self._source(field)} for {ITEM} in {_ITEMS}[{place}:{place + 1}]][0]"
            )
            if isinstance(value, Failed):
                try:
                    Template((field,)).fill([value])
                except InvalidTemplate as error:
                    return InvalidTemplate(f"Item {place + 1}: {error}")
        return InvalidTemplate(
            f"Item {place + 1}: what the fields insert is longer than a value may be; insert a part "
            "of it, as in `{item[:10000]}`."
        )

    def _source(self, field: Field) -> str:
        """An expression for the text of a field, and for what that lacks."""
        expression = field.expression
        return (
            f"{HELPERS}.insert(lambda: ({expression.source}\n), {expression.conversion!r}, "
            f"lambda: {_spec_source(expression)}, {self._kernel.options.insert_limit_chars}, "
            f"{expression.source!r})"
        )

    async def _ask(self, source: str) -> Evaluated:
        [value] = await self._kernel.evaluate([Expression(source)])
        refuse_interrupt(value)
        return value


def refuse_interrupt(value: Evaluated) -> None:
    """End the prompt where somebody pressed Ctrl-C while the kernel evaluated something for it.

    Raises:
        CancelledError: Somebody did.
    """
    if isinstance(value, Failed) and value.ename == "KeyboardInterrupt":
        raise asyncio.CancelledError


def _spec_source(expression: Expression) -> str:
    """An expression for the text of a spec. Methods of a text: no variable can shadow them."""
    spec = ", ".join(
        repr(part) if isinstance(part, str) else _spec_text_source(part)
        for part in expression.format_spec
    )
    return f"''.join([{spec}])"


def _spec_text_source(expression: Expression) -> str:
    conversion = f"!{expression.conversion}" if expression.conversion else ""
    return f"'{{0{conversion}:{{1}}}}'.format(({expression.source}\n), {_spec_source(expression)})"
