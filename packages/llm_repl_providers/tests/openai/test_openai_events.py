from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_providers.openai.connection import _lenient
from llm_repl_providers.openai.events import EventReader


def _read(portions):
    reader = EventReader()
    found = [data for portion in portions for data in reader.feed(portion)]
    return found + reader.end()


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
    assert reader.feed(b"\ndata:2\n\ndat") == [b"1", b"2"]
    assert reader.feed(b"a: 3\r\n\r\n") == [b"3"]
    assert reader.feed(b"data: 4") == []
    assert reader.end() == [b"4"]


def test_ten_megabytes_in_small_portions_are_not_copied_again_and_again():
    data = b"data: " + b"x" * 10_000_000 + b"\n\n"
    portions = [data[start : start + 1000] for start in range(0, len(data), 1000)]
    (event,) = _read(portions)
    assert len(event) == 10_000_000


def test_what_some_servers_write_is_read():
    assert _lenient(b'{"a": NaN, "b": "\\ud83c"}') == {"a": None, "b": "\ufffd"}
    whole = json.dumps({"a": "é🍣"}).encode()
    assert _lenient(whole) == {"a": "é🍣"}
