"""Writes the parts of the reference that the program itself can tell.

``python docs/generate.py`` writes them anew, between ``<!-- generated: NAME -->`` and
``<!-- end of NAME -->``, in the pages of ``docs/reference``; with ``--check`` it writes nothing
and says which page is not current. ``tests/test_documented.py`` does the same.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct
from tables import TYPE_WORDS, attributes, markdown, shape, table, type_word

from llm_repl_core import errors as core_errors
from llm_repl_core.errors import LLMReplError, ProviderError
from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.model.cell import Cell, CodeCell, MarkdownCell, MemoryCell, PromptCell
from llm_repl_core.plugins import contexts
from llm_repl_core.providers.base import ProviderConfig, Request, Usage
from llm_repl_core.settings import SettingInfo, describe_settings
from llm_repl_server import errors as server_errors
from llm_repl_server.api.openapi import describe
from llm_repl_server.app import RESOURCES
from llm_repl_server.cli.main import cli
from llm_repl_server.repl.commands import all_commands
from llm_repl_server.repl.keys import KEYS, PREFIXES
from llm_repl_server.services.encoding import output_schema
from llm_repl_server.services.wire_events import EMITTED
from llm_repl_server.settings import ServerSettings
from llm_repl_server.sockets.messages import HANDLED, Acknowledgement

__all__ = ["PAGES", "current", "main"]

PAGES = Path(__file__).parent / "reference"

_BLOCK = re.compile(r"<!-- generated: ([\w-]+) -->\n.*?<!-- end of \1 -->", re.DOTALL)
_METHODS = ("get", "post", "put", "delete")
_HELP_WIDTH = 80
_TITLES = {"execution": "Running", "health": "The server", "llm": "Providers"}
_HEADERS = (
    ("ETag", " The header `ETag` has its version."),
    ("Location", " The header `Location` has the address of the run."),
)
"""Headers of answers, and what is said of them."""

_CONTENTS = {
    "application/octet-stream": "the file",
    "application/x-ndjson": "lines of JSON",
    "image/svg+xml": "an SVG image",
    "text/plain": "text",
    "text/vnd.mermaid": "Mermaid",
}
"""What an answer is that is no JSON, by its media type."""


def current(page: str) -> str:
    """A page's text with its generated parts as they have to be now."""

    def written(found: re.Match[str]) -> str:
        name = found[1]
        text = GENERATORS[name]().strip("\n")
        return f"<!-- generated: {name} -->\n\n{text}\n\n<!-- end of {name} -->"

    return _BLOCK.sub(written, page)


def main() -> None:
    """Write the pages, or with ``--check`` compare them."""
    stale = []
    for path in sorted(PAGES.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = current(before)
        if before != after:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(after, encoding="utf-8")
    sys.stdout.write("".join(f"{name}\n" for name in stale))
    sys.exit(int(bool(stale) and "--check" in sys.argv))


# Settings ----------------------------------------------------------------------------------------


def settings() -> str:
    """Every setting, by the section of the file in which it stands."""
    described = describe_settings(ServerSettings)
    parts = []
    for section in dict.fromkeys(one.section for one in described):
        title = "At the top of the file" if section is None else f"Under `{section}:`"
        rows = [_setting_row(one) for one in described if one.section == section]
        head = ("setting", "environment variable", "type", "default", "purpose")
        parts.append(f"### {title}\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def _setting_row(one: SettingInfo) -> tuple[str, ...]:
    unit = f", in {one.unit}" if one.unit else ""
    default = "not set" if one.default in (None, ()) else f"`{_yaml(one.default)}`"
    return (
        f"`{one.name}`",
        f"`{one.variable}`",
        f"{TYPE_WORDS.get(one.type, one.type)}{unit}",
        default,
        one.description,
    )


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# Commands ----------------------------------------------------------------------------------------


def commands() -> str:
    """The help of every built-in command, as a terminal of 80 columns shows it."""
    parts = []
    for words, command in built_in_commands(cli, ("llm-repl",)):
        context = click.Context(
            command,
            info_name=" ".join(words),
            max_content_width=_HELP_WIDTH,
            terminal_width=_HELP_WIDTH,
            help_option_names=["-h", "--help"],
        )
        text = command.get_help(context).rstrip()
        parts.append(f"### {' '.join(words)}\n\n```text\n{text}\n```")
    return "\n\n".join(parts)


def built_in_commands(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and, of a group, all that it has; those of plugins are not the reference's."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            owner = getattr(getattr(found, "callback", None), "__module__", "")
            if found is not None and owner.startswith("llm_repl_server."):
                yield from built_in_commands(found, (*words, name))


# Errors ------------------------------------------------------------------------------------------


def errors() -> str:
    """The tree of errors, one row each, children behind their parent."""
    head = ("error", "code", "HTTP", "exit", "meaning")
    rows = []
    for depth, one in _tree(LLMReplError, 0):
        retry = " May succeed later." if issubclass(one, ProviderError) and one.retryable else ""
        summary = markdown(inspect.cleandoc(one.__doc__ or "").partition("\n\n")[0])
        name = f"{'· ' * depth}`{one.__name__}`"
        status, code = str(one.http_status), str(one.exit_code)
        rows.append((name, f"`{one.code}`", status, code, summary + retry))
    return table(head, rows)


def _tree(one: type[LLMReplError], depth: int) -> Iterator[tuple[int, type[LLMReplError]]]:
    yield depth, one
    for child in one.__subclasses__():
        if child.__module__ in (core_errors.__name__, server_errors.__name__):
            yield from _tree(child, depth + 1)


# Hooks -------------------------------------------------------------------------------------------


def hook_contexts() -> str:
    """What hooks are told."""
    classes = [getattr(contexts, name) for name in sorted(contexts.__all__)]
    return "\n\n".join(attributes(one) for one in [*classes, Request, Usage])


# Data --------------------------------------------------------------------------------------------


def cells() -> str:
    """The fields of cells."""
    return "\n\n".join(
        attributes(one) for one in (Cell, MarkdownCell, CodeCell, PromptCell, MemoryCell)
    )


# Events ------------------------------------------------------------------------------------------


def events() -> str:
    """What the server sends."""
    return _events(EMITTED)


def client_events() -> str:
    """What clients may say, and the answer."""
    answer = shape("The acknowledgement", _schemas([Acknowledgement])["Acknowledgement"])
    return f"{_events(HANDLED)}\n\n{answer}"


def _events(kinds: dict[str, type[Struct]]) -> str:
    schemas = _schemas(list(kinds.values()))
    return "\n\n".join(shape(f"`{name}`", schemas[kind.__name__]) for name, kind in kinds.items())


def _schemas(types: list[type[Struct]]) -> dict[str, Any]:
    template = "#/components/schemas/{name}"
    return msgspec.json.schema_components(
        types, ref_template=template, schema_hook=output_schema(template)
    )[1]


# REST --------------------------------------------------------------------------------------------


def endpoints() -> str:
    """Every endpoint: what it takes, and what it answers."""
    document = describe(RESOURCES)
    everywhere = _common_statuses(document)
    parts = []
    for tag in document["tags"]:
        parts.append(f"## {_TITLES.get(tag['name'], tag['name'].capitalize())}")
        for path, operations in document["paths"].items():
            parts += [
                _operation(method, path, operations[method], everywhere)
                for method in _METHODS
                if method in operations and tag["name"] in operations[method]["tags"]
            ]
    listed = ", ".join(sorted(everywhere))
    return f"Every request may also get one of these responses: {listed}.\n\n" + "\n\n".join(parts)


def shapes() -> str:
    """Every body that requests and answers have."""
    schemas = describe(RESOURCES)["components"]["schemas"]
    for one in schemas.values():  # what may be sent back besides is said once, above
        fields = one.get("properties", {}).items()
        one["properties"] = {name: field for name, field in fields if "x-sent-back" not in field}
    return "\n\n".join(shape(name, schemas[name]) for name in sorted(schemas))


def _common_statuses(document: dict[str, Any]) -> set[str]:
    found = [
        {status for status in one["responses"] if status >= "4"}
        for operations in document["paths"].values()
        for method, one in operations.items()
        if method in _METHODS
    ]
    return set.intersection(*found)


def _operation(method: str, path: str, operation: dict[str, Any], everywhere: set[str]) -> str:
    lines = [f"### `{method.upper()} {path}`", "", operation["summary"], ""]
    for one in operation["parameters"]:
        if one["in"] != "path":
            note = one.get("description") or one["schema"].get("description", "")
            kind = "Header" if one["in"] == "header" else "Query"
            lines.append(f"- {kind} `{one['name']}`: {type_word(one['schema'])}. {note}".rstrip())
    if "requestBody" in operation:
        may = "" if operation["requestBody"]["required"] else ", optional"
        lines.append(f"- Body: {_content(operation['requestBody'])}{may}.")
    for status, response in operation["responses"].items():
        if status < "4":
            headers = response.get("headers", ())
            notes = "".join(note for name, note in _HEADERS if name in headers)
            lines.append(f"- {status}: {_content(response)}.{notes}")
    others = [one for one in operation["responses"] if one >= "4" and one not in everywhere]
    if others:
        lines.append(f"- Also {', '.join(others)}.")
    return "\n".join(lines)


def _content(holder: dict[str, Any]) -> str:
    kinds = {
        media_type: type_word(one["schema"])
        if media_type == "application/json"
        else _CONTENTS[media_type]
        for media_type, one in holder["content"].items()
    }
    return ", or ".join(kinds.values())


def terminal_commands() -> str:
    """The commands of the terminal, with an example each."""
    rows = []
    for command in all_commands().values():
        meaning = " ".join(filter(None, (command.summary, command.details)))
        usage = command.usage.replace("|", "\\|")
        rows.append((f"`{usage}`", meaning, f"`{command.example}`"))
    return table(("command", "what it does", "example"), rows)


def terminal_keys() -> str:
    """The keys of the terminal."""
    return table(("key", "what it does"), [(keys, meaning) for keys, meaning in KEYS.items()])


def terminal_lines() -> str:
    """What a line of the terminal is."""
    return table(("line", "what it is"), [(f"`{line}`", what) for line, what in PREFIXES.items()])


GENERATORS: dict[str, Callable[[], str]] = {
    "cells": cells,
    "client-events": client_events,
    "commands": commands,
    "endpoints": endpoints,
    "errors": errors,
    "events": events,
    "hook-contexts": hook_contexts,
    "kernel-options": lambda: attributes(KernelOptions),
    "provider-config": lambda: attributes(ProviderConfig),
    "settings": settings,
    "shapes": shapes,
    "terminal-commands": terminal_commands,
    "terminal-keys": terminal_keys,
    "terminal-lines": terminal_lines,
}

if __name__ == "__main__":
    main()
