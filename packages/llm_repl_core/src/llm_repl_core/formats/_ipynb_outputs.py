"""Outputs of code cells in a Jupyter notebook.

What Jupyter has no word for is written as ``display_data`` that any reader can show, with the
output's type and fields under ``metadata.llm_repl``. Keys of an output that nbformat does not know,
and outputs of types that it does not know, came from another tool: they are kept as the output's
field ``ipynb`` and go back to where they stood.
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
_UNKNOWN = "ipynb"
_NO_OTHER_TOOLS_TYPES = frozenset({"display", "display_data", "error", "execute_result", "stream"})


def decode_output(value: Any, where: str, execution_count: int | None) -> Output:
    """An output of a code cell.

    Args:
        value: What stands in the file.
        where: Its place: ``cells[3].outputs[0]``.
        execution_count: The cell's, as it stands in the file.

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
                return _with_unknown(Output(name, content), fields)
            return _with_unknown(Output("stream", content, {"name": name}), fields)
        case "error":
            error = Output.error(
                fields.text("ename", ""), fields.text("evalue", ""), fields.texts("traceback")
            )
            return _with_unknown(error, fields)
        case "display_data" | "execute_result":
            return _decode_display(kind, fields, execution_count)
    return Output(kind, "", {_UNKNOWN: fields.rest})


def encode_output(output: Output, execution_count: int | None) -> dict[str, Any]:
    """The output as Jupyter knows it, from which `decode_output` makes the same one.

    Args:
        output: The output.
        execution_count: The cell's, as it is written.
    """
    unknown = output.fields.get(_UNKNOWN)
    if isinstance(unknown, dict) and "output_type" not in unknown:
        known = Output(
            output.type,
            output.content,
            {name: value for name, value in output.fields.items() if name != _UNKNOWN},
        )
        if not known.fields and not known.content and _is_other_tools_type(known.type):
            return {"output_type": known.type, **unknown}
        encoded = _encode_known(known, execution_count) if unknown else None
        if encoded is not None and not encoded.keys() & unknown.keys():
            return {**unknown, **encoded}
    encoded = _encode_known(output, execution_count)
    if encoded is not None:
        return encoded
    mime = "text/markdown" if output.type in _SHOWN_AS_MARKDOWN else "text/plain"
    return {
        "output_type": "display_data",
        "data": {mime: lines(output.content)},
        "metadata": {"llm_repl": {"type": output.type, "fields": output.fields}},
    }


def is_mime_bundle(value: Any) -> bool:
    """Whether nbformat takes it for a MIME bundle: texts, or any value where the type is JSON."""
    return isinstance(value, dict) and all(
        isinstance(joined(item), str) or _JSON_TYPE.fullmatch(mime) for mime, item in value.items()
    )


def _encode_known(output: Output, execution_count: int | None) -> dict[str, Any] | None:
    """The output as one of Jupyter's types; None where it is none of these."""
    fields = output.fields
    if output.type in _STREAMS and not fields:
        return {"output_type": "stream", "name": output.type, "text": lines(output.content)}
    if output.type == "stream" and fields.keys() == {"name"} and _is_other_stream(fields["name"]):
        return {"output_type": "stream", "name": fields["name"], "text": lines(output.content)}
    if output.type == "error" and _is_plain_error(output):
        return {"output_type": "error", **fields}
    if output.type == "display" and _is_plain_display(output):
        data: Any = fields["data"]
        shown = {"data": _split(data), "metadata": fields["metadata"]}
        if "result" in fields:
            return {"output_type": "execute_result", "execution_count": execution_count, **shown}
        if "execution_count" in fields:  # not the cell's
            return {"output_type": "execute_result", **fields, **shown}
        return {"output_type": "display_data", **shown}
    return None


def _with_unknown(output: Output, fields: Fields) -> Output:
    if not fields.rest:
        return output
    return Output(output.type, output.content, {**output.fields, _UNKNOWN: fields.rest})


def _decode_display(kind: str, fields: Fields, execution_count: int | None) -> Output:
    data = _join(fields.object("data"))
    metadata = fields.object("metadata")
    own = metadata.get("llm_repl")
    if isinstance(own, dict) and isinstance(own.get("type"), str):
        own_fields = Fields(own, fields.path("metadata.llm_repl"))
        content = next((item for item in data.values() if isinstance(item, str)), "")
        return Output(own_fields.text("type"), content, own_fields.object("fields"))
    is_result = kind == "execute_result"
    written = fields.rest.pop("execution_count", None) if is_result else None
    is_of_cell = type(written) is type(execution_count) and written == execution_count
    output = Output.display(data, metadata, is_result=is_result and is_of_cell)
    if is_result and not is_of_cell:
        output.fields["execution_count"] = written
    return _with_unknown(output, fields)


def _is_other_tools_type(word: str) -> bool:
    """Whether it is the type of an output that Jupyter does not know, and no stream of ours."""
    return word not in _STREAMS and word not in _NO_OTHER_TOOLS_TYPES


def _is_other_stream(name: JSONValue) -> bool:
    return isinstance(name, str) and name not in _STREAMS


def _is_plain_error(output: Output) -> bool:
    match output.fields:
        case {"ename": str(ename), "evalue": str(evalue), "traceback": list(traceback)}:
            texts = [line for line in traceback if isinstance(line, str)]
            return texts == traceback and output == Output.error(ename, evalue, texts)
    return False


def _is_plain_display(output: Output) -> bool:
    match output.fields:
        case {"data": dict(data), "metadata": dict(metadata), **more}:
            is_result = more.pop("result", False)
            count = None if is_result else more.pop("execution_count", None)
            return (
                not more
                and (is_result is True or "result" not in output.fields)
                and (count is None or (type(count) is int and count >= 0))
                and all(_may_stand_in_data(mime, item) for mime, item in data.items())
                # Lists of lines would be joined when they are read.
                and _join(data) == data
                and not _is_own(metadata.get("llm_repl"))
                and output.content == Output.display(data).content
            )
    return False


def _may_stand_in_data(mime: str, item: JSONValue) -> bool:
    # Vendors put objects under types of their own: nbformat wants texts there, and shows them.
    return isinstance(item, str) or mime.startswith("application/")


def _is_own(noted: JSONValue) -> bool:
    """Whether it would be taken for the note of an output that Jupyter has no word for."""
    return isinstance(noted, dict) and isinstance(noted.get("type"), str)


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
