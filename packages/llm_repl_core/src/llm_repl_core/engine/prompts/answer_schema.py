"""Checks answers against a JSON Schema."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llm_repl_core.compat.jsonschema_import import import_jsonschema
from llm_repl_core.errors import AnswerMisfit, InvalidInput
from llm_repl_core.model.json_value import JSONValue

__all__ = [
    "SchemaChecker",
    "object_schema",
    "schema_name",
]

_MISFITS_SHOWN = 5
_MESSAGE_LIMIT = 300
_FORMATS = ("date", "email", "ipv4", "ipv6", "uuid")
"""Those that need no further library, so that an answer is judged alike everywhere."""
_DATA_KEYWORDS = frozenset({"const", "default", "enum", "examples"})
_UNFIT_FOR_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_LIMIT = 64


class SchemaChecker:
    """Checks values against one schema. Nothing that it refers to is fetched from anywhere.

    Args:
        schema: The JSON Schema, of any draft; 2020-12 where it does not say which.

    Raises:
        InvalidInput: It is none; the message says where.
    """

    def __init__(self, schema: Mapping[str, JSONValue]) -> None:
        # 140 ms, for prompts that ask for a form only.
        jsonschema = import_jsonschema()
        import referencing
        import referencing.exceptions
        from jsonschema.validators import validator_for  # type: ignore[import-untyped]  # as above

        kind: Any = validator_for(schema, default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(schema)
            self._refuse_missing_references(schema)
        except jsonschema.SchemaError as error:
            where = _path_text(error.absolute_path) or "the top"
            raise InvalidInput(
                f"`schema` is not a valid JSON Schema at `{where}`: {_cut(error.message)}."
            ) from None
        except RecursionError:
            raise InvalidInput("`schema` is nested too deeply.") from None
        # With a registry of its own, and nothing in it, nothing is looked up on the network.
        self._validator = kind(
            schema,
            registry=referencing.Registry(),
            format_checker=jsonschema.FormatChecker(_FORMATS),
        )
        self._unresolvable: type[Exception] = referencing.exceptions.Unresolvable

    def check(self, value: JSONValue) -> None:
        """Check an answer.

        Raises:
            AnswerMisfit: It does not fit; the message, for the model, says where and what.
            InvalidInput: The schema refers to what it does not hold, or to itself for ever.
        """
        try:
            errors = list(itertools.islice(self._validator.iter_errors(value), _MISFITS_SHOWN + 1))
        except self._unresolvable as error:
            raise InvalidInput(f"`schema` cannot be used: {_cut(str(error))}.") from None
        except RecursionError:
            raise InvalidInput("`schema` refers to itself endlessly.") from None
        if not errors:
            return
        shown = [_misfit(error) for error in errors[:_MISFITS_SHOWN]]
        more = ["…"] if len(errors) > _MISFITS_SHOWN else []
        raise AnswerMisfit(f"The answer does not fit the schema: {'; '.join(shown + more)}.")

    def _refuse_missing_references(self, schema: Mapping[str, JSONValue]) -> None:
        found = list(_references(schema, "$ref"))
        # What has an address of its own in the schema is found when it is needed.
        own_addresses = list(_references(schema, "$id"))
        for reference in found:
            is_inside = reference == "#" or reference.startswith("#/")
            if is_inside and not own_addresses and not _points_somewhere(schema, reference):
                raise InvalidInput(f"`schema` refers to `{reference}`, which it does not hold.")
            if not reference.startswith("#") and not own_addresses:
                raise InvalidInput(
                    f"`schema` refers to `{_cut(reference)}`, and nothing is fetched from "
                    "elsewhere: put it under `$defs` and refer to `#/$defs/…`."
                )


def object_schema(schema: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """The schema with its top written out, where that is a reference.

    Raises:
        InvalidInput: It does not describe an object, which is what models can be told to give.
    """
    document = dict(schema)
    reference = document.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target = _target(schema, reference)
        if isinstance(target, dict):
            del document["$ref"]
            document = {**target, **document}
    if "properties" in document:
        document.setdefault("type", "object")
    if document.get("type") != "object":
        raise InvalidInput(
            "`schema` must describe an object: where the answer is a list or a single value, "
            'make it a property, as in {"type": "object", "properties": {"items": …}}.'
        )
    return document


def schema_name(title: object) -> str:
    """A word for a schema that every provider takes."""
    word = _UNFIT_FOR_NAMES.sub("_", title).strip("_") if isinstance(title, str) else ""
    return word[:_NAME_LIMIT] or "answer"


def _references(schema: Any, keyword: str) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found = part.get(keyword)
            if isinstance(found, str):
                yield found
            waiting.extend(item for key, item in part.items() if key not in _DATA_KEYWORDS)
        elif isinstance(part, list):
            waiting.extend(part)


def _target(schema: Any, reference: str) -> Any:
    """What a JSON pointer leads to; None where nowhere."""
    part = schema
    for step in reference.removeprefix("#").split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(part, list) and key.isdecimal() and int(key) < len(part):
            part = part[int(key)]
        elif isinstance(part, dict):
            part = part.get(key)
        else:
            return None
    return part


def _points_somewhere(schema: Any, reference: str) -> bool:
    # A percent sign stands for a character that an address cannot hold: left to the library.
    return "%" in reference or isinstance(_target(schema, reference), dict | bool)


def _misfit(error: Any) -> str:
    where = _path_text(error.absolute_path)
    return f"{f'at `{where}`: ' if where else ''}{_cut(error.message)}"


def _path_text(path: Any) -> str:
    """``people[0].name``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _cut(text: str) -> str:
    text = text.rstrip(".")
    return text if len(text) <= _MESSAGE_LIMIT else f"{text[: _MESSAGE_LIMIT - 1]}…"
