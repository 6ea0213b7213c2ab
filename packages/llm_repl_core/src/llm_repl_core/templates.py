"""A prompt's text and its fields, in the grammar of Python's f-strings.

A field is ``{expression}``, ``{expression!r}``, ``{expression:spec}`` (a spec may hold fields) or
``{expression=}``. ``{{`` and ``}}`` stand for plain braces. Unlike an f-string, a template is
mostly prose, and so:

- A brace whose inside is not an expression that starts from a name is plain text: ``{}``,
  ``{"a": 1}``, ``{ return 1; }``, ``{-x}``. Parentheses may come first: ``{(a + b) / 2}``.
- A spec that holds a ``;`` or a line break is none: ``{ color: red; }`` is CSS.
- A template reads the state and never changes it: ``:=``, ``await`` and ``yield`` make no field.
- A brace that nothing closes, or that closes nothing, is plain text, and plain braces nest: the
  end of ``{"a": {"b": 1}}`` stays as it is, since it closes two plain braces.

What is inserted is never scanned again.
"""

from __future__ import annotations

import builtins
import difflib
import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from llm_repl_core._template_doubts import Doubt, DoubtReader
from llm_repl_core._template_fields import read_field
from llm_repl_core.errors import InvalidTemplate
from llm_repl_core.kernels.base import Evaluated, Expression, Failed, Value

__all__ = ["Doubt", "Field", "Template", "parse"]

_BRACE = re.compile(r"[{}]")
_MISSING_NAME = re.compile(r"name '([^']+)'")
_NAMES_SHOWN = 20
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
        doubts: What of the literal texts looks like a field.
    """

    parts: tuple[str | Field, ...]
    doubts: tuple[Doubt, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in order."""
        return tuple(part for part in self.parts if isinstance(part, Field))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What `Kernel.evaluate` is to evaluate, in order: one entry a field."""
        return tuple(field.expression for field in self.fields)

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

    Args:
        text: A prompt cell's content.
    """
    parts: list[str | Field] = []
    literal: list[str] = []
    open_braces: list[bool] = []  # whether each is an escaped one, outermost first
    reader = DoubtReader(text)
    done = counted = 0
    line = 1

    while found := _BRACE.search(text, done):
        place = found.start()
        literal.append(text[done:place])
        field = read_field(text, place) if text[place] == "{" else None
        if field is None and text[place] == "{":
            reader.read(place)
        if text.startswith("{{", place):
            literal.append("{")
            open_braces.append(True)
            done = place + 2
        elif field is not None:
            expression, label, done, shown = field
            literal.append(label)
            parts += ["".join(literal)] if any(literal) else []
            literal.clear()
            line += text.count("\n", counted, place)
            counted = place
            in_formula = reader.is_in_formula(place)
            parts.append(Field(expression, text[place:done], line, shown, in_formula))
        elif text[place] == "{":
            literal.append("{")
            open_braces.append(False)
            done = place + 1
        else:
            literal.append("}")
            doubled = text.startswith("}}", place) and (not open_braces or open_braces[-1])
            done = place + (2 if doubled else 1)
            # A single brace does not close an escaped one: `{{a} b}}` has one pair.
            if open_braces and (doubled or not open_braces[-1]):
                open_braces.pop()

    literal.append(text[done:])
    parts += ["".join(literal)] if any(literal) else []
    return Template(tuple(parts), tuple(reader.doubts))


def _text_of(field: Field, value: Evaluated) -> str:
    where = field.named
    if isinstance(value, Failed) and value.is_explained:
        raise InvalidTemplate(f"{where}: {_why(value)}")
    if isinstance(value, Failed):
        raise InvalidTemplate(f"{where}: {_why(value)} For plain braces write `{{{{` and `}}}}`.")
    if value.truncated:
        # A prompt that silently lacks its end would be paid for and answered wrongly.
        raise InvalidTemplate(
            f"{where} is longer than a value may be; insert a part of it, as in `{{text[:10000]}}`."
        )
    return value.text


def _why(failed: Failed) -> str:
    is_missing = failed.ename == "NameError" and not failed.is_explained
    found = _MISSING_NAME.match(failed.evalue) if is_missing else None
    if found is None:
        return (
            f"{failed.ename}: {failed.evalue.rstrip('.')}." if failed.evalue else f"{failed.ename}."
        )
    missing = found[1]
    close = difflib.get_close_matches(missing, failed.names, n=1)
    suggestion = f" (did you mean `{close[0]}`?)" if close else ""
    if hasattr(builtins, missing):
        suggestion = f", only Python's own `{missing}`{suggestion}"
    return f"there is no variable `{missing}`{suggestion}; {_listed(failed.names)}."


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "the state is empty"
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"the state has: {shown}" + (f" (… and {more} more)" if more > 0 else "")
