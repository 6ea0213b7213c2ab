"""Which notebook of which server is meant."""

from __future__ import annotations

import pytest

from llm_repl_core import InvalidInput
from llm_repl_server.repl.attached.address import ServerAddress, parse_address

HERE = "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("4f1a", ServerAddress(HERE, "4f1a")),
        ("Ice cream sales", ServerAddress(HERE, "Ice cream sales")),
        ("http://box:80", ServerAddress("http://box:80")),
        ("http://box:80/?token=x", ServerAddress("http://box:80")),
        ("https://box/notes/", ServerAddress("https://box/notes")),
        ("https://box/notes/#/notebooks/4f1a", ServerAddress("https://box/notes", "4f1a")),
        ("http://[::1]:80/api/notebooks/4f1a", ServerAddress("http://[::1]:80", "4f1a")),
        ("http://box/notes/api/notebooks/4f1a/cells", ServerAddress("http://box/notes", "4f1a")),
    ],
)
def test_addresses_as_they_are_copied(text, address):
    assert parse_address(text, HERE) == address


@pytest.mark.parametrize("text", ["ftp://box", "http://", "http://box:port", "http://[::1"])
def test_what_is_no_address(text):
    with pytest.raises(InvalidInput, match="address"):
        parse_address(text, HERE)
