from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_repl_core.kernels.mime import mime_bundle
from llm_repl_core.kernels.output_buffer import OutputBuffer
from llm_repl_core.kernels.stream_text import StreamText
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputList, OutputReset

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["a", "bcd", "é€", "\r", "\b", "\n", "\r\n", "\x1b[K", "\x1b[A", "\x1b[2K", "\x1b[C"]
        ),
        st.text("xyz \r\n\b", max_size=5),
    ),
    max_size=30,
)


def terminal(text: str) -> list[str]:
    """A terminal as simple as can be: a grid of characters."""
    grid: list[list[str]] = [[]]
    row = column = 0
    for token in re.findall(r"\x1b\[\d*[A-Z]|.", text, re.DOTALL):
        if token == "\n":
            row, column = row + 1, 0
            grid += [[]] if row == len(grid) else []
        elif token == "\r":
            column = 0
        elif token == "\b":
            column = max(column - 1, 0)
        elif token == "\x1b[A":
            row = max(row - 1, 0)
        elif token == "\x1b[C":
            column += 1
        elif token == "\x1b[K":
            del grid[row][column:]
        elif token == "\x1b[2K":
            grid[row].clear()
        else:
            grid[row] += [" "] * (column + 1 - len(grid[row]))
            grid[row][column] = token
            column += 1
    return ["".join(cells).rstrip(" ") for cells in grid]


def shown(pieces: list[str], take_after: int) -> str:
    text, outputs = StreamText("stdout"), OutputList()
    for number, piece in enumerate(pieces):
        text.pieces.append(piece)
        if number % take_after == 0:
            text.fold()
            if (change := text.take()) is not None:
                outputs.apply(change)
    text.fold(final=True)
    if (change := text.take()) is not None:
        outputs.apply(change)
    return "".join(output.content for output in outputs.outputs)


@given(pieces=PIECES, take_after=st.integers(1, 7))
@example(pieces=["\n\n", "\x1b[A", "x", "\r\n"], take_after=1)
def test_it_is_what_a_terminal_shows(pieces: list[str], take_after: int) -> None:
    lines = [line.rstrip(" ") for line in shown(pieces, take_after).split("\n")]
    assert lines == terminal("".join(pieces))


@given(pieces=PIECES, take_after=st.integers(1, 7))
def test_what_is_refunded_and_what_stays_add_up(pieces: list[str], take_after: int) -> None:
    text = StreamText("stdout")
    sizes = sum(len(piece.encode()) for piece in pieces)
    refunded = 0
    for number, piece in enumerate(pieces):
        text.pieces.append(piece)
        if number % take_after == 0:
            refunded += text.fold()
    refunded += text.fold(final=True)
    change = text.take()
    kept = len(change.content.encode()) if isinstance(change, Output) else 0
    assert sizes - refunded == kept


def test_plain_text_stays_as_it_is() -> None:
    text = "\x1b[31mred\x1b[0m \ttab  \n"
    assert shown([text], 1) == text


def test_a_sequence_may_come_in_two_pieces() -> None:
    assert shown(["abc\r\x1b", "[", "Kx\n"], 1) == "x\n"


def test_colours_stay_where_they_are() -> None:
    assert shown(["\x1b[31mabc\x1b[0m\rX"], 1) == "X\x1b[31mbc\x1b[0m"


def test_what_has_scrolled_out_of_reach_stays() -> None:
    lines = [f"{number}\n" for number in range(200)]
    assert shown([*lines, "\x1b[500AX\r\n"], 1).startswith("".join(lines[:150]))


@pytest.mark.parametrize("rows", [1, 49, 50, 51, 200])
@pytest.mark.parametrize("width", [600, 4000])
def test_a_cursor_reaches_the_last_lines_of_long_text(rows: int, width: int) -> None:
    lines = [f"{number:->{width}}" for number in range(rows)]
    # The last 50 lines; where these have over 100,000 characters, the last one.
    reach = min(rows, 50) if 50 * width <= 100_000 or rows == 1 else 1
    wanted = [*lines]
    wanted[rows - reach] = "X" + wanted[rows - reach][1:]
    assert shown(["\n".join(lines), "\x1b[500A\rX"], 1).split("\n") == wanted


def test_a_line_of_any_length_is_shown() -> None:
    assert shown(["x" * 300_000, "\r", "y", "\n", "ab\rc\n"], 1).endswith("y\ncb\n")


class TestOutputBuffer:
    def test_a_million_updates_between_two_takes_are_one(self) -> None:
        buffer = OutputBuffer(1000)
        buffer.begin()
        buffer.display({"text/plain": "0"}, display_id="a")
        assert len(buffer.take()) == 1
        for number in range(10_000):
            buffer.display({"text/plain": str(number)}, display_id="a", update=True)
        (change,) = buffer.take()
        assert "9999" in repr(change)

    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    def test_the_limit_is_of_what_is_there_in_the_end(self, stream: str) -> None:
        buffer = OutputBuffer(100)
        buffer.begin()
        outputs = OutputList()
        for number in range(1000):
            buffer.write(stream, f"\rstep {number}")
        buffer.write(stream, "\n")
        for change in buffer.take():
            outputs.apply(change)
        assert outputs.outputs == [Output(stream, "step 999\n")]
        buffer.write(stream, "x" * 101)
        types = [output.type for output in buffer.take() if isinstance(output, Output)]
        assert types == [stream, "warning"]
        buffer.write(stream, "dropped")
        assert buffer.take() == []

    def test_clearing_makes_room_again(self) -> None:
        buffer = OutputBuffer(10)
        buffer.begin()
        buffer.write("stdout", "0123456789abc")
        buffer.take()
        buffer.clear(wait=True)
        assert buffer.take() == []
        buffer.write("stdout", "new")
        assert buffer.take() == [OutputReset(), Output.stdout("new")]

    def test_a_display_that_is_too_large_shows_its_beginning_and_its_end(self) -> None:
        buffer = OutputBuffer(1000)
        buffer.begin()
        text = "begin" + "-" * 5000 + "end"
        buffer.display({"text/plain": text, "text/html": "<p>" * 5000}, is_result=True)
        shown, said = buffer.take()
        assert isinstance(shown, Output)
        assert isinstance(said, Output)
        assert list(shown.fields["data"]) == ["text/plain"]
        assert len(shown.content) <= 1000
        assert shown.content.startswith("begin---")
        assert shown.content.endswith("---end")
        assert "characters are left out here" in shown.content
        assert said.type == "warning"
        buffer.display({"text/plain": text})
        assert buffer.take() == []
        buffer.begin()
        buffer.display({"image/png": "x" * 2000})
        assert [output.type for output in buffer.take() if isinstance(output, Output)] == [
            "warning"
        ]


def test_a_long_text_as_a_result_has_its_beginning_and_its_end() -> None:
    data, _ = mime_bundle("begin" + "-" * 5000 + "end", 1000)
    assert len(data["text/plain"]) <= 1000
    assert data["text/plain"].startswith("'begin---")
    assert data["text/plain"].endswith("---end'")
    assert mime_bundle("short", 1000)[0] == {"text/plain": "'short'"}
