"""``sys.stdout`` as programs use it: text, bytes, and what they ask of a stream."""

from __future__ import annotations

import io

import pytest

from llm_repl_core.kernels.text_stream import CapturedStream


def stream(**options) -> tuple[CapturedStream, list[str]]:
    texts: list[str] = []
    return CapturedStream("<stdout>", texts.append, **options), texts


def test_text_is_handed_on_as_plain_text():
    class Loud(str):
        def __str__(self):
            return "LOUD"

    out, texts = stream()
    assert out.write("a\n") == 2
    assert out.write(Loud("quiet")) == len("quiet")
    print("b", "c", sep="-", file=out)
    out.writelines(["d", "e"])
    assert "".join(texts) == "a\nquietb-c\nde"
    assert all(type(text) is str for text in texts)
    for value in (b"bytes", 7, None):
        with pytest.raises(TypeError, match=f"must be str, not {type(value).__name__}"):
            out.write(value)


def test_bytes_are_read_as_utf_8_also_where_a_letter_comes_in_two_pieces():
    out, texts = stream()
    whole = "é€\n".encode()
    assert out.buffer.write(whole[:1]) == 1
    assert out.buffer.write(memoryview(whole[1:4])) == 3
    assert out.buffer.write(bytearray(whole[4:])) == len(whole) - 4
    assert out.buffer.write(b"\xff.") == 2
    assert "".join(texts) == "é€\n\N{REPLACEMENT CHARACTER}."
    text = io.TextIOWrapper(out.buffer, encoding="utf-8", write_through=True)
    text.write("through")
    assert texts[-1] == "through"
    text.detach()


def test_what_programs_ask_of_it():
    out, texts = stream()
    assert (out.name, out.mode, out.encoding, out.errors) == (
        *("<stdout>", "w", "utf-8"),
        "backslashreplace",
    )
    assert out.writable()
    assert out.buffer.writable()
    assert not out.readable()
    assert not out.isatty()
    with pytest.raises(io.UnsupportedOperation):
        out.fileno()
    assert stream(descriptor=1)[0].fileno() == 1
    out.reconfigure(encoding="utf-8", line_buffering=True)
    # A cell can't close its output, nor can what it hands the output to.
    out.close()
    with out:
        out.write("after")
    out.write(" all")
    assert "".join(texts) == "after all"


def test_flushing_hands_on_what_waits_where_something_does():
    stream()[0].flush()
    stream()[0].buffer.flush()
    flushed: list[str] = []
    out = stream(flush=lambda: flushed.append("now"))[0]
    out.flush()
    out.buffer.flush()
    print("a", file=out, flush=True)
    assert flushed == ["now"] * 3


def test_after_a_fork_a_lock_that_a_lost_thread_held_is_free():
    out, texts = stream()
    held = out.buffer.lock
    held.acquire()
    out.after_fork()
    assert out.buffer.lock is not held
    out.buffer.write(b"a")
    held.release()
    assert texts == ["a"]
