"""What a head says before it is parsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_server.serving.request_head import parse_head

LINE = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\n"


def head_of(fields=b"", body=b"", line=LINE):
    return parse_head(line + fields + b"\r\n" + body)


@pytest.mark.parametrize("data", [b"", b"GET", LINE, LINE + b"\r", b"\r\n"])
def test_there_is_none_before_its_end(data):
    assert parse_head(data) is None


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        (b"", 0),
        (b"Content-Length: 12\r\n", 12),
        (b"CONTENT-LENGTH:\t12 \r\n", 12),
        (b"Content-Length: 12\r\nContent-Length: 13\r\n", 12),
        (b"X-Content-Length: 12\r\n", 0),
        (b"X: \r\nContent-Length: 7\r\n", 7),
        # What is no length the parser refuses.
        (b"Content-Length: -1\r\n", 0),
        (b"Content-Length: 1e3\r\n", 0),
        (b"Content-Length: " + b"9" * 21 + b"\r\n", 0),
    ],
)
def test_the_length_is_the_first_that_is_said(fields, length):
    head = head_of(fields, b"Content-Length: 99\r\n")
    assert head.length == length
    assert head.body == b"Content-Length: 99\r\n"
    assert not head.is_chunked
    assert not head.expects


def test_chunks_and_expectations_are_seen_whatever_their_case():
    head = head_of(b"transfer-ENCODING: chunked\r\nEXPECT: 100-continue\r\n")
    assert (head.is_chunked, head.expects) == (True, True)
    assert not head_of(b"X: transfer-encoding: chunked\r\n").is_chunked


@pytest.mark.parametrize(
    ("target", "is_poll"),
    [
        (b"/socket.io/?EIO=4&transport=polling&sid=x", True),
        (b"/socket%2Eio/?EIO=4&%73id=x", True),
        (b"/%73ocket.io/?sid=x", True),
        (b"/socket.io/?EIO=4&transport=polling", False),
        (b"/api/notebooks?sid=x", False),
        (b"/api/%41?sid=x", False),
    ],
)
def test_a_request_of_a_session_is_seen_however_it_is_spelt(target, is_poll):
    assert head_of(line=b"GET " + target + b" HTTP/1.1\r\n").is_poll is is_poll


@given(st.binary(max_size=40), st.integers(0, 50))
def test_a_body_of_known_length_is_here_when_all_of_it_is(body, length):
    head = head_of(b"Content-Length: %d\r\n" % length, body)
    assert head.body_is_here == (len(body) >= length)


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    st.sampled_from([b"", b"X: y\r\n"]),
    st.sampled_from([b"", b";a=b"]),
)
def test_a_chunked_body_is_here_when_its_last_byte_is(chunks, trailers, extension):
    encoded = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    encoded += b"0\r\n" + trailers + b"\r\n"
    for end in range(len(encoded) + 1):
        head = head_of(b"Transfer-Encoding: chunked\r\n", encoded[:end])
        assert head.body_is_here == (end == len(encoded)), encoded[:end]


def test_no_good_chunks_are_left_to_the_parser():
    assert head_of(b"Transfer-Encoding: chunked\r\n", b"x\r\n").body_is_here
    assert head_of(b"Transfer-Encoding: chunked\r\n", b"-5\r\n\r\n").body_is_here
