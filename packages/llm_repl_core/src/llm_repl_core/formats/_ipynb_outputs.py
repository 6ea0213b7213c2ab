"""Outputs of code cells in a Jupyter notebook.

What Jupyter has no word for is written as ``display_data`` that any reader can show, with the
output's type and fields under ``metadata.llm_repl``.
"""

from __future__ import annotations

import re
from typing import Any

from llm_repl_core.formats._fields import Fields
from llm_repl_core.formats._ipynb_text import joined, lines, take_text
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["decode_output", "encode_output", "is_mime_bundle"]

_STREAMS = frozenset({"stdout", "stderr"})
_SHOWN_AS_MARKDOWN = frozenset({"llm_response", "markdown"})
_JSON_TYPE = re.compile(r"application/(.*\+)?json")
_SPLIT_TYPES = frozenset({"application/javascript", "image/svg+xml"})  # beside all of `text/`


def decode_output(value: Any, where: str) -> Output:
    """An output of a code cell.

    Args:
        value: What stands in the file.
        where: Its place: ``cells[3].outputs[0]``.

    Raises:
        InvalidNotebook: It does not have the shape of its type.
    """
    fields = Fields(value, where)
    kind = fields.text("output_type")
    match kind:
        case "stream":
            name = fields.text("name", "stdout")
            content = take_text(fields, "text")
            if name in _STREAMS:
                return Output(name, content, fields.rest)
            return Output("stream", content, {"name": name, **fields.rest})
        case "error":
            error = Output.error(
                fields.text("ename", ""), fields.text("evalue", ""), fields.texts("traceback")
            )
            return Output(error.type, error.content, {**error.fields, **fields.rest})
        case "display_data" | "execute_result":
            return _decode_display(kind, fields)
    return Output(kind, "", fields.rest)


def encode_output(output: Output) -> dict[str, Any]:
    """The output as Jupyter knows it, from which `decode_output` makes the same one."""
    fields = output.fields
    if output.type in _STREAMS and not fields:
        return {"output_type": "stream", "name": output.type, "text": lines(output.content)}
    if output.type == "error" and _is_plain_error(output):
        return {"output_type": "error", **fields}
    if output.type == "display" and _is_plain_display(output):
        data: Any = fields["data"]
        kind = "execute_result" if "execution_count" in fields else "display_data"
        return {"output_type": kind, **fields, "data": _split(data)}
    mime = "text/markdown" if output.type in _SHOWN_AS_MARKDOWN else "text/plain"
    return {
        "output_type": "display_data",
        "data": {mime: lines(output.content)},
        "metadata": {"llm_repl": {"type": output.type, "fields": fields}},
    }


def is_mime_bundle(value: Any) -> bool:
    """Whether nbformat takes it for a MIME bundle: texts, or any value where the type is JSON."""
    return isinstance(value, dict) and all(
        isinstance(joined(item), str) or _JSON_TYPE.fullmatch(mime) for mime, item in value.items()
    )


def _decode_display(kind: str, fields: Fields) -> Output:
    data = _join(fields.object("data"))
    metadata = fields.object("metadata")
    own = metadata.get("llm_repl")
    if isinstance(own, dict) and isinstance(own.get("type"), str):
        own_fields = Fields(own, fields.path("metadata.llm_repl"))
        content = next((item for item in data.values() if isinstance(item, str)), "")
        return Output(own_fields.text("type"), content, own_fields.object("fields"))
    output = Output.display(data, metadata)
    more = dict(fields.rest)
    if kind == "execute_result":
        more["execution_count"] = fields.rest.get("execution_count")
    return Output(output.type, output.content, {**output.fields, **more})


def _is_plain_error(output: Output) -> bool:
    match output.fields:
        case {"ename": str(ename), "evalue": str(evalue), "traceback": list(traceback)}:
            texts = [line for line in traceback if isinstance(line, str)]
            return texts == traceback and output == Output.error(ename, evalue, texts)
    return False


def _is_plain_display(output: Output) -> bool:
    match output.fields:
        case {"data": dict(data), "metadata": dict(metadata), **more}:
            count = more.pop("execution_count", None)
            return (
                not more
                and (count is None or (type(count) is int and count >= 0))
                and is_mime_bundle(data)
                # Lists of lines would be joined when they are read.
                and _join(data) == data
                and "llm_repl" not in metadata
                and output.content == Output.display(data).content
            )
    return False


def _join(data: dict[str, JSONValue]) -> dict[str, JSONValue]:
    return {
        mime: item if _JSON_TYPE.fullmatch(mime) else joined(item) for mime, item in data.items()
    }


def _split(data: dict[str, JSONValue]) -> dict[str, JSONValue]:
    return {
        mime: lines(item)  # type: ignore[misc]  # a list of texts is a JSON value
        if isinstance(item, str) and (mime.startswith("text/") or mime in _SPLIT_TYPES)
        else item
        for mime, item in data.items()
    }
