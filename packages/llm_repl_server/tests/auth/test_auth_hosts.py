"""What is the loopback, and above all what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_server.auth.hosts import (
    Host,
    Origin,
    is_loopback_address,
    is_loopback_host,
    is_same_origin,
    parse_host,
    parse_origin,
)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.255.3.4", "::1", "::ffff:127.0.0.1"])
def test_loopback_addresses(text):
    assert is_loopback_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "0.0.0.0",
            "::",
            "10.0.0.1",
            "192.168.0.1",
            "128.0.0.1",
            "::ffff:10.0.0.1",
            "fe80::1",
        ),
        *("localhost", "127.0.0.1, 10.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "127.0.0.01"),
        *("127.0.0.1 ", "<local>", "::1%eth0", "::ffff:7f00:1:1"),
    ],
)
def test_other_addresses(text):
    assert not is_loopback_address(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("localhost", Host("localhost", None)),
        ("LocalHost:5000", Host("localhost", 5000)),
        ("localhost.", Host("localhost", None)),
        ("app.localhost:1", Host("app.localhost", 1)),
        ("127.0.0.1:65535", Host("127.0.0.1", 65535)),
        ("[::1]", Host("::1", None)),
        ("[0:0:0:0:0:0:0:1]:5000", Host("::1", 5000)),
        ("my_server-1.example.org", Host("my_server-1.example.org", None)),
    ],
)
def test_hosts(text, host):
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", ":5000", "localhost:", "localhost:port", "localhost:65536", "localhost:-1", "a b"),
        *("::1", "[::1", "[::1]5000", "[localhost]", "[1.2.3.4]x", "user@localhost", "localhost/x"),
        *("localhost,evil.example", "localhost#", "localhost?x", "localhost\\x", "localhost\n"),
        *("lócalhost", "localhost:٣", "-localhost", ".localhost", "localhost:00080000"),
    ],
)
def test_malformed_hosts(text):
    assert parse_host(text) is None


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_hosts(name):
    assert is_loopback_host(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "evil.example",
            "localhost.evil.example",
            "xlocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0",
        ),
        *("localhost.localdomain", "192.168.0.1", "127.0.0.1.nip.io", ""),
    ],
)
def test_other_hosts(name):
    assert not is_loopback_host(name)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://localhost:3000", Origin("http", "localhost", 3000)),
        ("HTTPS://Example.ORG", Origin("https", "example.org", 443)),
        ("http://[::1]", Origin("http", "::1", 80)),
        ("tauri://localhost", Origin("tauri", "localhost", None)),
    ],
)
def test_origins(text, origin):
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "*", "localhost", "//localhost", "http://", "http:localhost", "http://a/"),
        *("http://localhost/path", "http://user@localhost", "http://localhost http://evil.example"),
        *("http://localhost, http://evil.example", "http://localhost\\.evil.example", "http://a?b"),
    ],
)
def test_malformed_origins(text):
    assert parse_origin(text) is None


def test_same_origin():
    host = parse_host("server:5000")
    assert is_same_origin(parse_origin("http://server:5000"), host)
    assert is_same_origin(parse_origin("https://server:5000"), host)
    assert not is_same_origin(parse_origin("http://server"), host)
    assert not is_same_origin(parse_origin("http://other:5000"), host)
    assert not is_same_origin(parse_origin("ftp://server:5000"), host)
    assert is_same_origin(parse_origin("https://server"), parse_host("server"))
    assert is_same_origin(parse_origin("http://server"), parse_host("server:80"))
    assert not is_same_origin(parse_origin("http://server:443"), parse_host("server"))


@given(st.text(max_size=40))
def test_nothing_that_is_sent_makes_it_fail(text):
    parse_host(text)
    parse_origin(text)
    is_loopback_address(text)
    is_loopback_host(text)


@given(st.ip_addresses())
def test_addresses_agree_with_the_standard(address):
    mapped = getattr(address, "ipv4_mapped", None)
    assert is_loopback_address(str(address)) == (mapped or address).is_loopback
