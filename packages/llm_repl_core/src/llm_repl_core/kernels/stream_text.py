"""The text of a stream on its way out: as much as there is to see of it."""

from __future__ import annotations

from llm_repl_core.kernels.terminal_text import (
    SCREEN_ROWS,
    TerminalText,
    goes_back,
    unfinished_escape,
)
from llm_repl_core.kernels.values import clean_text
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import StreamEdit

__all__ = ["StreamText", "utf8_size"]

_TAIL_LIMIT = 100_000  # characters


class StreamText:
    """What a stream puts out in one go, with nothing else in between.

    Text that goes back, as progress bars do, becomes what a terminal would show: a million steps
    of a bar take the place of one.

    Attributes:
        stream: ``stdout`` or ``stderr``.
        pieces: What has come and was not looked at; who prints adds to it.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.pieces: list[str] = []
        self._tail: str | None = ""
        """The last lines of what is shown; None: the last one is too long to go back in."""
        self._screen: TerminalText | None = None
        self._edit = StreamEdit(stream, 0, "")
        self._was_taken = False

    def fold(self, *, final: bool = False) -> int:
        """Work out what the pieces come to.

        Args:
            final: Whether nothing more comes.

        Returns:
            How many bytes less that is, in UTF-8, than what has come.
        """
        text = clean_text("".join(self.pieces))
        self.pieces.clear()
        unfinished = 0 if final else unfinished_escape(text)
        if unfinished:
            self.pieces.append(text[-unfinished:])
            text = text[:-unfinished]
        if self._screen is None and not goes_back(text):
            self._append(text)
            return 0
        if self._tail is None:
            head, newline, text = text.partition("\n")
            self._append(head + newline)
        return self._show(text) if text else 0

    def take(self) -> Output | StreamEdit | None:
        """How the stream's text has changed since it was taken last; None: not at all."""
        edit, self._edit = self._edit, StreamEdit(self.stream, 0, "")
        if not self._was_taken:
            edit = StreamEdit(self.stream, 0, edit.apply(""))
        if not edit.lines and not edit.text:
            return None
        self._was_taken = True
        return edit if edit.lines else Output(self.stream, edit.text)

    def _append(self, text: str) -> None:
        self._edit = self._edit.then(StreamEdit(self.stream, 0, text))
        if self._tail is not None:
            self._keep_tail(self._tail + text)
        elif "\n" in text:
            self._keep_tail(text.partition("\n")[2])

    def _keep_tail(self, tail: str) -> None:
        # By places alone: a long text is not copied for it.
        begin = 0 if len(tail) <= _TAIL_LIMIT else _begin_of_rows(tail, SCREEN_ROWS)
        if len(tail) - begin > _TAIL_LIMIT:
            begin = _begin_of_rows(tail, 1)
        self._tail = tail[begin:] if len(tail) - begin <= _TAIL_LIMIT else None

    def _show(self, text: str) -> int:
        """Go back and on in the last lines as the text says."""
        assert self._tail is not None
        screen = self._screen or TerminalText(self._tail)
        before = self._tail.split("\n")
        screen.write(text)
        after = screen.lines()
        same, most = 0, min(len(before), len(after)) - 1
        while same < most and before[same] == after[same]:
            same += 1
        old, new = "\n".join(before[same:]), "\n".join(after[same:])
        if same == len(before) - 1 and new.startswith(old):
            edit = StreamEdit(self.stream, 0, new[len(old) :])
        else:
            edit = StreamEdit(self.stream, len(before) - same, new)
        self._edit = self._edit.then(edit)
        if screen.is_plain:
            self._screen = None
            self._keep_tail("\n".join(after))
        else:
            self._screen = screen
            screen.scroll()
            self._tail = "\n".join(screen.lines())
        return utf8_size(text) - utf8_size(new) + utf8_size(old)


def _begin_of_rows(text: str, rows: int) -> int:
    """Where its last lines begin."""
    newline = len(text)
    for _ in range(rows):
        newline = text.rfind("\n", 0, newline)
        if newline < 0:
            break
    return newline + 1


def utf8_size(text: str) -> int:
    """How many bytes a text takes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))
