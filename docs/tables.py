"""Structs and JSON Schemas as tables of Markdown; used by `generate.py`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

__all__ = ["TYPE_WORDS", "attributes", "markdown", "shape", "table", "type_word"]

TYPE_WORDS = {"string": "text", "array": "list"}


def attributes(struct: type[Struct]) -> str:
    """A heading, the class's summary and a table of its attributes, from its docstring."""
    document = inspect.cleandoc(struct.__doc__ or "")
    before, _, after = document.partition("Attributes:\n")
    rows: list[tuple[str, str]] = []
    for line in inspect.cleandoc(after).splitlines():
        name, colon, text = line.partition(": ")
        if colon and not line.startswith(" ") and name.isidentifier():
            rows.append((f"`{name}`", text))
        elif line.strip():
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
    rendered = table(("field", "what it is"), rows) if rows else ""
    return f"### {struct.__name__}\n\n{markdown(before.strip())}\n\n{rendered}".rstrip()


def shape(title: str, schema: dict[str, Any]) -> str:
    """A heading, the schema's description and a table of its properties."""
    required = schema.get("required", ())
    rows = [
        (f"`{name}`", type_word(one), "required" if name in required else _default(one), _note(one))
        for name, one in schema.get("properties", {}).items()
    ]
    rendered = table(("field", "type", "if absent", "note"), rows) if rows else ""
    text = markdown(inspect.cleandoc(schema.get("description", "")))
    return f"### {title}\n\n{text}\n\n{rendered}".rstrip()


def _default(schema: dict[str, Any]) -> str:
    return f"`{msgspec.json.encode(schema['default']).decode()}`" if "default" in schema else "–"


def _note(schema: dict[str, Any]) -> str:
    found = [schema, *schema.get("anyOf", ())]
    return " ".join(one["description"] for one in found if "description" in one)


def type_word(schema: dict[str, Any]) -> str:
    """A schema's type in a few words, with a link where it is a shape of its own."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](rest.md#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(type_word(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" if isinstance(one, str) else str(one) for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    word = str(schema.get("type", "anything"))
    if word == "array":
        return f"list of {type_word(schema.get('items', {}))}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"))
        if key in schema
    ]
    return " ".join([TYPE_WORDS.get(word, word), *bounds])


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_in_table, line)) + " |" for line in lines)


def _in_table(text: str) -> str:
    return markdown(" ".join(text.split())).replace("|", "\\|")


def markdown(text: str) -> str:
    """A docstring's text: its double backticks become single ones."""
    return text.replace("``", "`")
