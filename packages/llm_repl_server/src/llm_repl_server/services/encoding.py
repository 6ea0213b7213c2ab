"""Values as JSON: the same bytes for answers and for events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from llm_repl_core import Output

__all__ = [
    "EncodedOutput",
    "EncodedOutputs",
    "OutputAnswer",
    "Time",
    "json_bytes",
    "output_schema",
    "time_on_wire",
]


Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class OutputAnswer(Struct):
    """An output, with the fields of its type."""

    type: str
    content: str


class EncodedOutput:
    """An output as clients see it: flat, whatever fields its type has.

    Args:
        output: The output.
    """

    __slots__ = ("_output",)

    def __init__(self, output: Output) -> None:
        self._output = output

    def to_wire(self) -> dict[str, Any]:
        """The flat form."""
        return self._output.to_wire()

    def encode(self) -> Raw:
        """The flat form as JSON."""
        return Raw(msgspec.json.encode(self._output.to_wire()))


class EncodedOutputs:
    """All outputs of a cell as clients see them; encoded once, for all who show them.

    Args:
        outputs: The outputs, which do not change any more.
    """

    __slots__ = ("_encoded", "_outputs")

    def __init__(self, outputs: Iterable[Output]) -> None:
        self._outputs = tuple(outputs)
        self._encoded: Raw | None = None

    def to_wire(self) -> list[dict[str, Any]]:
        """The flat form."""
        return [output.to_wire() for output in self._outputs]

    def encode(self) -> Raw:
        """The flat form as JSON."""
        if self._encoded is None:
            self._encoded = Raw(msgspec.json.encode(self.to_wire()))
        return self._encoded

    def with_output(self, output: Output) -> EncodedOutputs:
        """The same and one more."""
        return EncodedOutputs((*self._outputs, output))


_encoder = msgspec.json.Encoder(enc_hook=lambda value: _encode_outputs(value))


def json_bytes(document: Any) -> bytes:
    """A document as JSON; a number that is not one, or infinite, becomes ``null``.

    Args:
        document: JSON values, or an answer or event made of them.
    """
    try:
        return _encoder.encode(document)
    except (UnicodeEncodeError, OverflowError):
        # Half surrogate pairs of old files, or integers beyond 64 bits: JSON can say both.
        text = json.dumps(msgspec.to_builtins(document, enc_hook=_flatten_outputs))
        return json.dumps(json.loads(text, parse_constant=lambda _: None)).encode("ascii")


def output_schema(ref_template: str) -> Callable[[type], dict[str, Any]]:
    """What gives msgspec the JSON Schema of outputs.

    Args:
        ref_template: How a schema is referred to: ``#/components/schemas/{name}``.
    """

    def schema_of(kind: type) -> dict[str, Any]:
        output = {"$ref": ref_template.format(name=OutputAnswer.__name__)}
        if kind is EncodedOutput:
            return output
        if kind is EncodedOutputs:
            return {"type": "array", "items": output}
        raise NotImplementedError(f"there is no schema of {kind.__name__}")

    return schema_of


def time_on_wire(time: datetime) -> str:
    """ISO 8601 with an offset."""
    return time.isoformat()


def _encode_outputs(value: Any) -> Raw:
    if isinstance(value, EncodedOutputs | EncodedOutput):
        return value.encode()
    raise NotImplementedError(f"{type(value).__name__} is no JSON")


def _flatten_outputs(value: Any) -> Any:
    if isinstance(value, EncodedOutputs | EncodedOutput):
        return value.to_wire()
    raise NotImplementedError(f"{type(value).__name__} is no JSON")
