"""How a cell's outputs come to be: new ones, and changes of those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from msgspec import Struct

from llm_repl_core.model.output import Output, is_plain_stream, merge_streams

__all__ = ["DisplayUpdate", "OutputChange", "OutputList", "OutputReset", "StreamEdit"]


class StreamEdit(Struct, frozen=True, tag_field="kind", tag="stream_edit"):
    """A stream went back in its text, as after a carriage return.

    Attributes:
        stream: ``stdout`` or ``stderr``.
        lines: How many lines at the end of its text give way, the last one, perhaps empty, included.
        text: The text as it is now.
    """

    stream: str
    lines: int
    text: str

    def apply(self, text: str) -> str:
        """The stream's text after it."""
        if not self.lines:
            return text + self.text
        rows = text.split("\n")
        return "\n".join([*rows[: -self.lines], self.text])

    def then(self, later: StreamEdit) -> StreamEdit:
        """The one edit that does what this one and a later one do."""
        newlines = self.text.count("\n")
        # An edit of no lines goes on in the line that was the last before it.
        own_lines = newlines + 1 if self.lines else newlines
        if later.lines <= own_lines:
            return StreamEdit(self.stream, self.lines, later.apply(self.text))
        return StreamEdit(self.stream, self.lines + later.lines - own_lines, later.text)


class DisplayUpdate(Struct, frozen=True, tag_field="kind", tag="display_update"):
    """What was displayed under an id looks different now.

    Attributes:
        output: Its new look; its ``display_id`` says which outputs, of whatever cell.
    """

    output: Output


class OutputReset(Struct, frozen=True, tag_field="kind", tag="outputs_cleared"):
    """All outputs that the cell had are gone."""


OutputChange: TypeAlias = Output | StreamEdit | DisplayUpdate | OutputReset
"""A new output, or a change of those before."""


class OutputList:
    """The outputs of a cell while changes come.

    An output's index is its place where neighbouring pieces of one stream count as one, as they
    are when the cell has ended.

    Attributes:
        outputs: What there is now; the pieces of streams as they came, until `join_streams`.
            The list stays the same object.
    """

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.text_length = 0
        """Of all outputs' ``content``, in characters."""
        self._length = 0
        self._count = 0

    def add(self, output: Output) -> int:
        """Add an output; its index."""
        if len(self.outputs) != self._length:  # somebody else has cleared it
            self._count = _count(self.outputs)
        if not (self.outputs and _continues(self.outputs[-1], output)):
            self._count += 1
        self.outputs.append(output)
        self.text_length += len(output.content)
        self._length = len(self.outputs)
        return self._count - 1

    def edit_stream(self, edit: StreamEdit) -> int | None:
        """Change the text of a stream at its end.

        Returns:
            The index of its output; None where it has none any more.
        """
        outputs = self.outputs
        end = len(outputs)
        while end and not _is_piece(outputs[end - 1], edit.stream):
            end -= 1
        if not end:
            return None
        begin, newlines = end, 0
        while begin and newlines < edit.lines and _is_piece(outputs[begin - 1], edit.stream):
            begin -= 1
            newlines += outputs[begin].content.count("\n")
        text = "".join(output.content for output in outputs[begin:end])
        outputs[begin:end] = [Output(edit.stream, edit.apply(text))]
        self.text_length += len(outputs[begin].content) - len(text)
        self._length = len(outputs)
        return _count(outputs[: begin + 1]) - 1

    def update_display(self, output: Output) -> list[int]:
        """Give all outputs of the same display id another look; their indexes."""
        indexes = [
            index
            for index, shown in enumerate(self.outputs)
            if shown.display_id == output.display_id and shown != output
        ]
        for index in indexes:
            self.text_length += len(output.content) - len(self.outputs[index].content)
            self.outputs[index] = output
        return [_count(self.outputs[: index + 1]) - 1 for index in indexes]

    def clear(self) -> None:
        """Remove all outputs."""
        self.outputs.clear()
        self._length = self._count = self.text_length = 0

    def apply(self, change: OutputChange) -> bool:
        """Make any change; whether it was about outputs of this list."""
        match change:
            case Output():
                self.add(change)
            case StreamEdit():
                if self.edit_stream(change) is None:
                    self.add(Output(change.stream, change.text))
            case DisplayUpdate():
                self.update_display(change.output)
                return any(output.display_id == change.output.display_id for output in self.outputs)
            case OutputReset():
                self.clear()
        return True

    def join_streams(self) -> None:
        """Join neighbouring pieces of one stream, and drop what a stream has taken back."""
        joined = merge_streams(self.outputs)
        self.outputs[:] = [
            output for output in joined if output.content or not is_plain_stream(output)
        ]
        self._length = self._count = len(self.outputs)


def _is_piece(output: Output, stream: str) -> bool:
    return output.type == stream and is_plain_stream(output)


def _continues(before: Output, output: Output) -> bool:
    return is_plain_stream(output) and _is_piece(before, output.type)


def _count(outputs: Sequence[Output]) -> int:
    """How many outputs there are where the pieces of a stream count as one."""
    pairs = pairwise(outputs)
    return len(outputs) - sum(_continues(before, output) for before, output in pairs)
