"""A template: literal texts and fields, parsed once, and filled with what a kernel evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from llm_repl_core.errors import InvalidTemplate
from llm_repl_core.kernels.base import Evaluated, Expression, Failed, Value
from llm_repl_core.templates.fields import read_field
from llm_repl_core.templates.lookalikes import Lookalike, LookalikeFinder
from llm_repl_core.templates.unknown_names import PYTHON_NAMES, explain_failure, unknown_name

__all__ = ["Field", "Template", "parse", "too_long"]

_BRACE = re.compile(r"[{}]")
_FIELD_TEXT_SHOWN = 80  # characters


class Field(Struct, frozen=True):
    """A field of a template.

    Attributes:
        expression: What is evaluated in its place.
        text: The field as it was written, with its braces.
        line: Where it starts, from 1.
        shown: Names whose values are what is inserted, or items of it.
        in_formula: Whether it stands where LaTeX would have a group, as in ``$x_{n}$``.
    """

    expression: Expression
    text: str
    line: int
    shown: tuple[str, ...] = ()
    in_formula: bool = False

    @property
    def builtins(self) -> tuple[str, ...]:
        """Of the names that are shown, those that Python has by itself."""
        return tuple(name for name in self.shown if name in PYTHON_NAMES)

    @property
    def named(self) -> str:
        """The field and where it stands, for the start of a sentence."""
        written = self.text
        if len(written) > _FIELD_TEXT_SHOWN:
            written = written[: _FIELD_TEXT_SHOWN - 2] + "…}"
        return f"`{written}` at line {self.line}"


class Template(Struct, frozen=True):
    """A parsed template.

    Attributes:
        parts: Literal texts and fields, in order.
        lookalikes: What of the literal texts looks like a field.
    """

    parts: tuple[str | Field, ...]
    lookalikes: tuple[Lookalike, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in order."""
        return tuple(part for part in self.parts if isinstance(part, Field))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What `Kernel.evaluate` is to evaluate, in order: one entry a field."""
        return tuple(field.expression for field in self.fields)

    def refuse_builtins(self, names: Sequence[str]) -> None:
        """Fail for fields such as ``{id}`` and ``{type}``, which only Python has.

        Args:
            names: Those that the state has.

        Raises:
            InvalidTemplate: There is one; it is the error of any other unknown name.
        """
        for field in self.fields:
            for name in field.builtins:
                if name not in names:
                    _text_of(field, unknown_name(name, names))

    def fill(self, values: Sequence[Evaluated]) -> str:
        """The text with its fields filled.

        Args:
            values: What became of `expressions`, in the same order.

        Raises:
            InvalidTemplate: A field could not be evaluated; the message says which and where, and
                which names there are.
        """
        fields = self.fields
        if len(values) != len(fields):
            raise ValueError(f"{len(fields)} values are needed, {len(values)} were given")
        remaining = iter(values)
        texts = [
            part if isinstance(part, str) else _text_of(part, next(remaining))
            for part in self.parts
        ]
        return "".join(texts)

    def notices(self, values: Sequence[Evaluated]) -> list[str]:
        """What the values' texts lack, a sentence each.

        Args:
            values: What became of `expressions`, in the same order.
        """
        return [
            f"{field.named} {value.notice}."
            for field, value in zip(self.fields, values, strict=True)
            if isinstance(value, Value) and value.notice
        ]


@lru_cache(maxsize=256)
def parse(text: str) -> Template:
    """Read a template. Every text is one; the same text is parsed once.

    >>> parse("Dear {name},").parts[0]
    'Dear '
    >>> [expression.source for expression in parse("Dear {name},").expressions]
    ['name']
    >>> parse("Dear {name},").fill([Value("Ada", "str")])
    'Dear Ada,'

    Args:
        text: A prompt cell's content.
    """
    parts: list[str | Field] = []
    literal: list[str] = []
    open_braces: list[bool] = []  # whether each is an escaped one, outermost first
    finder = LookalikeFinder(text)
    done = counted = 0
    line = 1

    while found := _BRACE.search(text, done):
        index = found.start()
        literal.append(text[done:index])
        field = read_field(text, index) if text[index] == "{" else None
        if field is None and text[index] == "{":
            finder.look_at(index)
        if text.startswith("{{", index):
            literal.append("{")
            open_braces.append(True)
            done = index + 2
        elif field is not None:
            expression, label, done, shown = field
            literal.append(label)
            parts += ["".join(literal)] if any(literal) else []
            literal.clear()
            line += text.count("\n", counted, index)
            counted = index
            in_formula = finder.is_in_formula(index)
            parts.append(Field(expression, text[index:done], line, shown, in_formula))
        elif text[index] == "{":
            literal.append("{")
            open_braces.append(False)
            done = index + 1
        else:
            literal.append("}")
            doubled = text.startswith("}}", index) and (not open_braces or open_braces[-1])
            done = index + (2 if doubled else 1)
            # A single brace does not close an escaped one: `{{a} b}}` has one pair.
            if open_braces and (doubled or not open_braces[-1]):
                open_braces.pop()

    literal.append(text[done:])
    parts += ["".join(literal)] if any(literal) else []
    return Template(tuple(parts), tuple(finder.found))


def too_long(field: Field) -> str:
    """What is said of a field whose text is longer than a kernel gives.

    Args:
        field: The field.
    """
    source = field.expression.source.strip()
    name = source if source.isidentifier() else "text"
    return (
        f"{field.named} is longer than the text of a value may be; insert a part of it, as in "
        f"`{{{name}[:10000]}}`."
    )


def _text_of(field: Field, value: Evaluated) -> str:
    if isinstance(value, Failed):
        hint = "" if value.is_explained else " For plain braces write `{{` and `}}`."
        raise InvalidTemplate(f"{field.named}: {explain_failure(value)}{hint}")
    if value.truncated:
        # A prompt that silently lacks its end would be paid for and answered wrongly.
        raise InvalidTemplate(too_long(field))
    return value.text
