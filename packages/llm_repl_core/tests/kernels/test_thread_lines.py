from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.kernels import thread_lines
from llm_repl_core.kernels.thread_lines import ThreadLines

# What one of three threads writes: pieces of lines, as `print` cuts them.
WRITES = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(["stdout", "stderr"]),
        st.sampled_from(["a", "\n", "b\n", "c\nd", "e\nf\n", "g"]),
    )
)


class Written:
    """Lines that "threads" wrote, as the class passes them on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.thread = 0
        self.clock_s = 0.0
        self.texts: dict[str, list[str]] = defaultdict(list)
        monkeypatch.setattr(thread_lines.time, "monotonic", lambda: self.clock_s)
        self.lines = ThreadLines(lambda stream, text: self.texts[stream].append(text))

    def write(self, thread: int, text: str, stream: str = "stdout") -> None:
        self.thread = thread
        self.lines.write(stream, text, self.thread)

    def text(self, stream: str = "stdout") -> str:
        return "".join(self.texts[stream])


@given(writes=WRITES)
def test_each_threads_text_comes_whole_and_in_order(writes: list[tuple[int, str, str]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        written = Written(monkeypatch)
        expected: dict[tuple[str, int], str] = defaultdict(str)
        for thread, stream, text in writes:
            # Each letter says whose it is.
            mine = "".join(one if one == "\n" else f"{one}{thread}" for one in text)
            expected[stream, thread] += mine
            written.write(thread, mine, stream)
        # All lines have an end here, so that none is mixed with another for good reason.
        for stream, thread in list(expected):
            if not expected[stream, thread].endswith("\n"):
                expected[stream, thread] += "\n"
                written.write(thread, "\n", stream)
        for stream in ("stdout", "stderr"):
            lines = written.text(stream).splitlines(keepends=True)
            for thread in (1, 2, 3):
                mine = [line for line in lines if str(thread) in line]
                theirs = expected[stream, thread].splitlines(keepends=True)
                assert mine == [line for line in theirs if line != "\n"]
            assert all(len({*line} & {*"123"}) <= 1 for line in lines)
            assert len(written.text(stream)) == sum(
                len(text) for (name, _), text in expected.items() if name == stream
            )
        assert not written.lines.waiting


def test_an_open_line_holds_others_back_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written(monkeypatch)
    written.write(1, "open")
    written.write(2, "other\n")
    written.lines.tick()
    assert written.text() == "open"
    written.clock_s = 60
    for _ in range(40):  # the machine is busy: hardly anybody has a turn
        written.lines.tick()
    assert written.text() == "open"
    for _ in range(20):
        written.lines.tick()
    assert written.text() == "openother\n"
    assert not written.lines.waiting


def test_a_line_that_was_closed_meanwhile_begins_a_new_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = Written(monkeypatch)
    written.write(1, "first")
    written.write(2, "x\n")
    for _ in range(40):
        written.lines.tick()
    written.write(1, "\n")
    written.write(1, "second")
    written.write(2, "y\n")
    written.clock_s = 60
    for _ in range(40):
        written.lines.tick()
    assert written.text() == "first\nx\nsecond"


def test_nothing_waits_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written(monkeypatch)
    written.write(1, "open")
    written.write(2, "other")
    written.lines.settle()
    assert written.text() == "openother"
    written.write(2, "!")
    assert written.text() == "openother!"
