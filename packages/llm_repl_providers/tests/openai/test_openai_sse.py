from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_providers.openai.lenient_json import TextJoiner, join_surrogates, read_documents
from llm_repl_providers.openai.sse import EventReader, ServerSentEvent


def _read(portions):
    reader = EventReader()
    found = [event for portion in portions for event in reader.feed(portion)]
    return [event.data for event in found + reader.end()]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.text("ab:é\u2028 ", max_size=5), min_size=1, max_size=3), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 200), max_size=10),
    st.booleans(),
)
def test_cuts_anywhere_and_any_line_ends_give_the_same_events(events, end, cuts, ended):
    lines = []
    for event in events:
        lines += [": a comment", "event: x", *(f"data: {line}" for line in event), ""]
    data = end.join([*lines, ""] if ended else lines).encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    portions = [data[a:b] for a, b in pairwise(places)]
    expected = ["\n".join(event).encode() for event in events]
    assert _read(portions) == expected


def test_an_event_is_given_as_soon_as_it_is_complete():
    reader = EventReader()
    assert reader.feed(b"data: 1\n") == []
    assert reader.feed(b"\ndata:2\n\ndat") == [ServerSentEvent(b"1"), ServerSentEvent(b"2")]
    assert reader.feed(b"a: 3\r\n\r\n") == [ServerSentEvent(b"3")]
    assert reader.feed(b"data: 4") == []
    assert reader.end() == [ServerSentEvent(b"4")]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_marks_names_and_bare_fields_are_what_the_specification_says(size):
    data = (
        b"\xef\xbb\xbfdata:first\r\r"  # a byte order mark, and no blank after the colon
        b": OPENROUTER PROCESSING\n\n"
        b"event: error\r\ndata: second\r\n\r\n"
        b"event: lost\n\n"  # it has no data, and its name is gone
        b"id: 7\nretry: 10\ndata\ndata:  third\nunknown: x\n\n"
        b"data:\xef\xbb\xbf\n\n"
    )
    reader = EventReader()
    portions = [data[start : start + size] for start in range(0, len(data), size)]
    found = [event for portion in portions for event in reader.feed(portion)] + reader.end()
    assert found == [
        ServerSentEvent(b"first"),
        ServerSentEvent(b"second", b"error"),
        ServerSentEvent(b"\n third"),
        ServerSentEvent(b"\xef\xbb\xbf"),
    ]


def test_ten_megabytes_in_small_portions_are_not_copied_again_and_again():
    data = b"data: " + b"x" * 10_000_000 + b"\n\n"
    portions = [data[start : start + 1000] for start in range(0, len(data), 1000)]
    (event,) = _read(portions)
    assert len(event) == 10_000_000


def test_what_some_servers_write_is_read():
    (document,) = read_documents(b'{"a": NaN, "b": "\\ud83c"}')
    assert (document["a"], join_surrogates(document["b"])) == (None, "\ufffd")
    whole = json.dumps({"a": "é🍣"}).encode()
    assert read_documents(whole) == [{"a": "é🍣"}]
    assert read_documents(b'{"a": 1}\n{"a": 2}\n[DONE]') == [{"a": 1}, {"a": 2}]
    for nonsense in (b"{", b"{}\n{", b"[" * 100_000, b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            read_documents(nonsense)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("aé寿🍣💩\U0010ffff"), max_size=6), st.data())
def test_halves_of_characters_join_wherever_they_were_cut(text, data):
    units = text.encode("utf-16-le", "surrogatepass")
    halves = [
        units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)
    ]
    octets = [bytes([octet]).decode("utf-8", "surrogateescape") for octet in text.encode()]
    for pieces in (halves, octets):
        cuts = sorted(data.draw(st.sets(st.integers(0, len(pieces)))) | {0, len(pieces)})
        joiner = TextJoiner()
        told = [joiner.add("".join(pieces[a:b])) for a, b in pairwise(cuts)]
        assert "".join([*told, joiner.end()]) == text
        assert all(piece.encode() is not None for piece in told)


def test_halves_that_stay_alone_are_marked():
    joiner = TextJoiner()
    told = [joiner.add(piece) for piece in ("a\ud83d", "b\ude00", "\udcf0", "c", "\ud83d")]
    assert [*told, joiner.end()] == ["a", "\ufffdb\ufffd", "", "\ufffdc", "", "\ufffd"]
