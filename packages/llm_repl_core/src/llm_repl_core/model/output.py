"""What a cell gives back: a text with a type, and whatever else that type carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from llm_repl_core.model.json_value import JSONValue

__all__ = ["Output", "is_plain_stream", "merge_streams"]

_STREAMS = frozenset({"stdout", "stderr"})


class Output(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="output"):
    """One output of a cell.

    The set of types is open: a file of a newer version, or a plugin, may have its own, so that
    whatever is not ``type`` or ``content`` is carried in ``fields`` as it came.

    Attributes:
        type: ``stdout``, ``stderr``, ``markdown``, ``warning``, ``error``, ``display``,
            ``llm_response``, ``memory_update``, or one that this version does not know.
        content: The output as plain text, which any client can print.
        fields: The type's other fields; for their names see ``docs/reference``.
        display_id: By which running code can update it; never kept in a file.
    """

    type: str
    content: str
    fields: dict[str, JSONValue] = field(default_factory=dict)
    display_id: str | None = None

    @classmethod
    def stdout(cls, text: str) -> Output:
        """Text written to the standard output."""
        return cls("stdout", text)

    @classmethod
    def stderr(cls, text: str) -> Output:
        """Text written to the standard error."""
        return cls("stderr", text)

    @classmethod
    def markdown(cls, text: str) -> Output:
        """Rendered text of a markdown cell."""
        return cls("markdown", text)

    @classmethod
    def warning(cls, text: str) -> Output:
        """A notice of the notebook itself, not of the user's code."""
        return cls("warning", text)

    @classmethod
    def error(cls, ename: str, evalue: str, traceback: Iterable[str] = ()) -> Output:
        """A failure: the exception's class name, its text, and the traceback's lines."""
        content = f"{ename}: {evalue}" if evalue else ename
        return cls(
            "error", content, {"ename": ename, "evalue": evalue, "traceback": list(traceback)}
        )

    @classmethod
    def display(
        cls,
        data: Mapping[str, JSONValue],
        metadata: Mapping[str, JSONValue] | None = None,
        *,
        is_result: bool = False,
        display_id: str | None = None,
    ) -> Output:
        """A MIME bundle: type to text (binary ones in base64) or JSON value.

        Args:
            data: The bundle.
            metadata: What stands beside it.
            is_result: Whether it shows the value of the cell's last expression.
            display_id: By which running code can update it.
        """
        text = data.get("text/plain", "")
        content = text if isinstance(text, str) else ""
        fields: dict[str, JSONValue] = {"data": dict(data), "metadata": dict(metadata or {})}
        if is_result:
            fields["result"] = True
        return cls("display", content, fields, display_id)

    @classmethod
    def llm_response(
        cls,
        prompt: str,
        content: str,
        *,
        model: str | None = None,
        usage: Mapping[str, JSONValue] | None = None,
        **more: JSONValue,
    ) -> Output:
        """A model's answer, with the prompt as it was sent."""
        fields: dict[str, JSONValue] = {"prompt": prompt, "model": model}
        fields["usage"] = None if usage is None else dict(usage)
        return cls("llm_response", content, fields | more)

    @classmethod
    def memory_update(cls, added: Iterable[str], updated_state: Mapping[str, str]) -> Output:
        """What a memory cell set: all names, and the text of each value."""
        lines = "\n".join(f"{name} = {text}" for name, text in updated_state.items())
        fields: dict[str, JSONValue] = {
            "added": list(added),
            "updated_state": dict(updated_state),
        }
        return cls("memory_update", lines, fields)

    @classmethod
    def from_wire(cls, document: Mapping[str, Any]) -> Output:
        """Read the flat form of the wire and of files.

        Raises:
            ValueError: Where ``type`` or ``content`` is not text.
        """
        fields = dict(document)
        type_, content = fields.pop("type", None), fields.pop("content", "")
        if not isinstance(type_, str) or not isinstance(content, str):
            raise ValueError("an output needs a text `type` and a text `content`")
        return cls(type_, content, fields)

    def to_wire(self) -> dict[str, JSONValue]:
        """The flat form of the wire and of files: ``{type, content, **fields}``."""
        document: dict[str, JSONValue] = {"type": self.type, "content": self.content}
        for name, value in self.fields.items():
            document.setdefault(name, value)
        return document


def is_plain_stream(output: Output) -> bool:
    """Whether it is a piece of a stream, with no fields of its own from a newer version's file."""
    return output.type in _STREAMS and not output.fields


def merge_streams(outputs: Iterable[Output]) -> list[Output]:
    """Join neighbouring pieces of one stream, which arrive cut as they were flushed."""
    merged: list[Output] = []
    pieces: list[str] = []

    def close() -> None:
        if len(pieces) > 1:
            merged[-1] = Output(merged[-1].type, "".join(pieces))
        pieces.clear()

    for output in outputs:
        is_piece = is_plain_stream(output)
        if is_piece and pieces and merged[-1].type == output.type:
            pieces.append(output.content)
            continue
        close()
        merged.append(output)
        if is_piece:
            pieces.append(output.content)
    close()
    return merged
