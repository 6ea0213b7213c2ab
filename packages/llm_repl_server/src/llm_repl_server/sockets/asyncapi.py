"""The AsyncAPI description of the events, made from their classes.

``python -m llm_repl_server.sockets.asyncapi`` prints it; ``docs/reference/asyncapi.yaml`` is that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import Struct

from llm_repl_server import __version__
from llm_repl_server.services.encoding import OutputAnswer, output_schema
from llm_repl_server.services.wire_events import EMITTED, NotebookEvent
from llm_repl_server.sockets.messages import HANDLED, Acknowledgement

__all__ = ["describe", "describe_as_yaml"]

_CHANNEL = "events"
_ACKNOWLEDGEMENT = "acknowledgement"
_REFERENCE = "#/components/schemas/{name}"

_DESCRIPTION = """\
What happens in notebooks, as Socket.IO events in the default namespace: protocol 5, over Engine.IO
4 at `/socket.io/`, by websocket or long polling.

A client that asks for nothing more hears every notebook's events. One that emits `subscribe` from
then on hears only those of the notebooks that it has named, and what concerns all.

An event is sent when what it says is on disk; only what comes of a cell while it runs is not kept
yet. The events of a notebook come in the order in which things happened, to every client. Every
run that starts ends in exactly one `run_ended`, and every cell in exactly one of
`cell_execution_completed` and `cell_execution_failed`, also when it is interrupted, its kernel
dies or it is deleted; while a whole notebook runs, these come between
`notebook_execution_started` and its end. Prompts run at the same time as other cells, so that what
several cells say may come by turns.

Every event of a notebook has an `epoch` and a `sequence`, which rises by one from event to event of
the notebook: who finds a gap has missed something. The server keeps the latest events of the
notebooks that clients follow, for ten minutes after the last one has left: a client that comes back
emits `subscribe` with the `epoch` and, as `after`, the last `sequence` that it has, and is sent what
it has missed, in order, before anything new; or `resync`, and then it reads the notebook again. A client that does not read is let go when 64 MB wait for it, or by long
polling 10,000 events. One that does not answer a ping in 20 seconds is let go too, and so is one
that has not shown its token 5 seconds after the handshake, where it needs one. A server that stops
closes the connections and says nothing of an end, so that clients come back by themselves. Payloads
may hold more than is listed here.
"""


def describe() -> dict[str, Any]:
    """The description of the events, as an AsyncAPI 3 document."""
    types: list[type[Struct]] = [
        *EMITTED.values(),
        *HANDLED.values(),
        Acknowledgement,
        OutputAnswer,
    ]
    references, schemas = msgspec.json.schema_components(
        types, ref_template=_REFERENCE, schema_hook=output_schema(_REFERENCE)
    )
    for schema in schemas.values():
        # Before Python 3.13 docstrings have the indentation of the code that they stand in.
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    for kind in EMITTED.values():
        if issubclass(kind, NotebookEvent):
            _require_numbers(schemas[kind.__name__])
    names = [*EMITTED, *HANDLED, _ACKNOWLEDGEMENT]
    messages = {
        name: _message(name, kind, reference)
        for name, kind, reference in zip(names, types, references, strict=False)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "LLM-REPL",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "localhost:5000",
                "pathname": "/socket.io/",
                "protocol": "ws",
                "description": "Where `llm-repl serve` listens unless told otherwise.",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            _CHANNEL: {
                "address": "/",
                "title": "The default namespace",
                "messages": _references("components/messages", names),
            }
        },
        "operations": _operations(),
        "components": {
            "messages": messages,
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Programs of this machine need none. Others send the header, "
                    'or `{"token": "…"}` as the `auth` of their `connect`.',
                }
            },
        },
    }


def describe_as_yaml() -> str:
    """The description as it stands in ``docs/reference/asyncapi.yaml``."""
    import yaml  # only whoever writes the description needs it

    class Dumper(yaml.SafeDumper):
        """Writes text of several lines as it is."""

    def represent_text(dumper: Dumper, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent_text)
    written: str = yaml.dump(
        describe(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return written


def _require_numbers(schema: dict[str, Any]) -> None:
    """Say that an event always has its numbers: they have defaults until it is published."""
    for name in ("epoch", "sequence"):
        del schema["properties"][name]["default"]
    schema["required"] = [
        name for name in schema["properties"] if name in {*schema["required"], "epoch", "sequence"}
    ]


def _message(name: str, kind: type[Struct], reference: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "summary": cleandoc(kind.__doc__ or ""), "payload": reference}


def _operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for name in EMITTED:
        operations[f"emit_{name}"] = _operation("send", name)
    for name in HANDLED:
        operations[f"handle_{name}"] = _operation("receive", name) | {
            "reply": {
                "channel": {"$ref": f"#/channels/{_CHANNEL}"},
                "messages": [_in_channel(_ACKNOWLEDGEMENT)],
            }
        }
    return operations


def _operation(action: str, name: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "messages": [_in_channel(name)],
    }


def _in_channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{_CHANNEL}/messages/{name}"}


def _references(place: str, names: Iterable[str]) -> dict[str, dict[str, str]]:
    return {name: {"$ref": f"#/{place}/{name}"} for name in names}


if __name__ == "__main__":
    sys.stdout.write(describe_as_yaml())
