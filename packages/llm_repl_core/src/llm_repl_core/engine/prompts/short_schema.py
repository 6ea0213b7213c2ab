"""The short form of a JSON Schema: ``name, age int, tags[]``.

Fields stand between commas or on lines of their own::

    name                      a text
    age int                   one of str int float bool date any
    tags[]                    a list of texts; also `scores[] float`, `scores float[]`
    nickname?                 may be null; also `age int?`, `tags[]?`
    mood (happy|sad)          one of these texts
    people[] {name, age int}  objects with fields of their own
    city: where they live     a description

A description goes to the end of its line; where all fields stand on one line, to the next comma.
A single name and nothing else is no schema: it is that of a model in the state. Write ``name str``.
"""

from __future__ import annotations

import re
from typing import NoReturn

from llm_repl_core.errors import InvalidInput
from llm_repl_core.model.json_value import JSONValue

__all__ = ["parse_short_schema"]

_TYPES: dict[str, dict[str, JSONValue]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "any": {},
}
_NAME = re.compile(r"[^\W\d][\w-]*")
_SPACES = re.compile(r"[^\S\n]*")
_SEPARATORS = re.compile(r"[\s,]*")
_DEPTH_LIMIT = 20
_SHOWN_CHARACTERS = 20


def parse_short_schema(text: str) -> dict[str, JSONValue]:
    """The JSON Schema that the short form stands for.

    It is of an object that has all of the fields and no others.

    Args:
        text: The short form; see the top of this file.

    Raises:
        InvalidInput: It is none; the message says where.
    """
    if _NAME.fullmatch(text.strip()):
        name = text.strip()
        raise InvalidInput(
            f"`schema`: `{name}` alone is the name of a model in the state; "
            f"for a field of that name write `{name} str`."
        )
    reader = _ShortSchemaReader(text)
    schema = reader.read_object(depth=0)
    reader.expect_end()
    return schema


class _ShortSchemaReader:
    """Reads a short form from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def read_object(self, depth: int) -> dict[str, JSONValue]:
        """The fields up to the end, or up to the brace that ends this object."""
        if depth > _DEPTH_LIMIT:
            self._refuse(f"objects can't be nested deeper than {_DEPTH_LIMIT}")
        properties: dict[str, JSONValue] = {}
        comma_ends_description = not self._has_lines()
        self._take(_SEPARATORS)
        while self._next() not in ("", "}"):
            start = self._place
            name = self._take(_NAME)
            if not name:
                self._refuse(f"a field's name was expected, not {self._shown()}")
            if name in properties:
                self._place = start
                self._refuse(f"there are two fields `{name}`")
            properties[name] = self._read_field(depth, comma_ends_description)
            self._take(_SPACES)
            if self._next() not in ("", "}", ",", "\n"):
                self._refuse(f"a comma or a new line was expected, not {self._shown()}")
            self._take(_SEPARATORS)
        if not properties:
            self._refuse("there is no field")
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def expect_end(self) -> None:
        """Refuse what stands behind the whole."""
        if self._place < len(self._text):
            self._refuse(f"there is {self._shown()} too much")

    def _read_field(self, depth: int, comma_ends_description: bool) -> dict[str, JSONValue]:
        """What stands behind a field's name."""
        is_list, is_optional = self._take_marks()
        self._take(_SPACES)
        schema = self._read_type(depth)
        list_type, optional_type = self._take_marks()
        if is_list or list_type:
            schema = {"type": "array", "items": schema}
        if (is_optional or optional_type) and schema:
            schema = {"anyOf": [schema, {"type": "null"}]}
        self._take(_SPACES)
        if self._next() == ":":
            description = self._read_description(depth, comma_ends_description)
            if description:
                schema = {**schema, "description": description}
        return schema

    def _read_type(self, depth: int) -> dict[str, JSONValue]:
        start = self._next()
        if start == "{":
            opening = self._place
            self._place += 1
            schema = self.read_object(depth + 1)
            if self._next() != "}":
                self._place = opening
                self._refuse("nothing closes this brace")
            self._place += 1
            return schema
        if start == "(":
            return self._read_choices()
        place = self._place
        word = self._take(_NAME)
        if not word:
            return dict(_TYPES["str"])
        if word not in _TYPES:
            self._place = place
            self._refuse(f"there is no type `{word}`; there are: {', '.join(_TYPES)}")
        return dict(_TYPES[word])

    def _read_choices(self) -> dict[str, JSONValue]:
        opening = self._place
        end = self._text.find(")", opening)
        if end < 0:
            self._refuse("nothing closes this parenthesis")
        choices = [choice.strip() for choice in self._text[opening + 1 : end].split("|")]
        if not all(choices):
            self._refuse("a choice is empty; choices look like `(happy|sad)`")
        if len(set(choices)) < len(choices):
            self._refuse("a choice is there twice")
        self._place = end + 1
        return {"type": "string", "enum": list(choices)}

    def _read_description(self, depth: int, comma_ends: bool) -> str:
        ends = "\n" + (",") * comma_ends + "}" * (depth > 0)
        start = self._place + 1
        self._place = start
        while self._next() not in ("", *ends):
            self._place += 1
        return self._text[start : self._place].strip()

    def _take_marks(self) -> tuple[bool, bool]:
        """Whether ``[]`` and whether ``?`` stand here."""
        marks = []
        for mark in ("[]", "?"):
            marks.append(self._text.startswith(mark, self._place))
            self._place += len(mark) * marks[-1]
        return marks[0], marks[1]

    def _has_lines(self) -> bool:
        """Whether the fields of the object that begins here stand on several lines."""
        depth = 0
        inside = self._text[self._place :]
        for place, character in enumerate(inside.rstrip()):
            depth += (character == "{") - (character == "}")
            if depth < 0:
                return False
            if character == "\n" and depth == 0 and inside[:place].strip():
                return True
        return False

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._place)
        if found is None:
            return ""
        self._place = found.end()
        return found[0]

    def _next(self) -> str:
        return self._text[self._place : self._place + 1]

    def _shown(self) -> str:
        rest = self._text[self._place : self._place + _SHOWN_CHARACTERS]
        return f"`{rest.splitlines()[0]}`" if rest.strip() else "the end"

    def _refuse(self, problem: str) -> NoReturn:
        before = self._text[: self._place]
        line = before.count("\n") + 1
        column = self._place - (before.rfind("\n") + 1) + 1
        raise InvalidInput(f"`schema`, line {line}, column {column}: {problem}.")
