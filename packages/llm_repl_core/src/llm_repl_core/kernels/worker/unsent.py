"""What a worker has printed and not sent yet, where its zygote finds it when the worker has died.

A process that is killed, or that ends itself by `os._exit`, sends nothing any more: what it printed
last tells why. So its zygote keeps the reading ends of the pipes under its standard streams, and
both have a piece of memory in common, into which the worker notes each text before it is sent.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re

__all__ = ["LastOutput", "UnsentText"]

_LIMIT_BYTES = 64 * 1024
# None of these bytes is part of any UTF-8.
_MARKS = {"stdout": b"\xfe", "stderr": b"\xff"}
_STREAMS = {mark: stream for stream, mark in _MARKS.items()}
_MARK = re.compile(rb"([\xfe\xff])")
_NUL = b"\xfd"
"""Stands for the character of number 0: that byte is the end."""
_UNUSED = bytes(_LIMIT_BYTES)


class UnsentText:
    """Text in memory that two processes share: what is noted survives the process that noted it.

    Threads use it without a lock. Where two meet, a text may be missing or be there twice, for who
    dies in that very moment.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _LIMIT_BYTES)
        self._stream = ""

    def note(self, stream: str, text: str) -> bool:
        """Note a text that is to be sent; whether there was room for it."""
        memory = self._memory
        room = _LIMIT_BYTES - memory.tell()
        if len(text) > room:
            return False  # before a long text is copied: in UTF-8 it is as long, or longer
        data = text.encode("utf-8", "backslashreplace").replace(b"\0", _NUL)
        if stream is not self._stream:
            data = _MARKS[stream] + data
        if len(data) > room:
            return False
        memory.write(data)
        self._stream = stream
        return True

    def forget(self) -> None:
        """Note that all is sent."""
        memory = self._memory
        if used := memory.tell():
            memory[:used] = _UNUSED[:used]
            memory.seek(0)
            self._stream = ""

    def read(self) -> list[tuple[str, str]]:
        """Streams and texts, in order; whatever is in the memory, it is text."""
        data, _, _ = self._memory[:].partition(b"\0")
        _, *parts = _MARK.split(data.replace(_NUL, b"\0"))
        return [
            (_STREAMS[mark], text.decode("utf-8", "replace"))
            for mark, text in zip(parts[::2], parts[1::2], strict=True)
        ]

    def close(self) -> None:
        """Let go of the memory; the other process still has it."""
        self._memory.close()


class LastOutput:
    """What a zygote keeps of a worker, to read what it could not send.

    Attributes:
        unsent: Into which the worker notes its texts.
        pipes: By descriptor, 1 or 2: the reading and the writing end of what the worker has there.
    """

    def __init__(self) -> None:
        self.unsent = UnsentText()
        self.pipes: dict[int, tuple[int, int]] = {}
        try:
            for descriptor in (1, 2):
                self.pipes[descriptor] = reading, _ = os.pipe()
                os.set_blocking(reading, False)
        except OSError:
            self.close()
            raise

    def leave_to_worker(self) -> None:
        """Only the worker writes: where there is one, the zygote lets go of these ends."""
        for _, writing in self.pipes.values():
            os.close(writing)
        self.pipes = {key: (reading, -1) for key, (reading, _) in self.pipes.items()}

    def read(self) -> list[tuple[str, str]]:
        """Streams and texts, now that the worker has ended: Python's, then what programs wrote."""
        texts = self.unsent.read()
        for descriptor, stream in ((1, "stdout"), (2, "stderr")):
            with contextlib.suppress(BlockingIOError):  # programs that it has started live on
                data = os.read(self.pipes[descriptor][0], _LIMIT_BYTES)
                if data:
                    texts.append((stream, data.decode("utf-8", "replace")))
        return texts

    def close(self) -> None:
        """Let go of everything, also in a process that was forked and is another worker."""
        self.unsent.close()
        for ends in self.pipes.values():
            for end in ends:
                if end >= 0:
                    os.close(end)
        self.pipes.clear()
