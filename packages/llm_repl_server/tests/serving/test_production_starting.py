"""A server that cannot start says why in one sentence, and does not try again."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

import pytest

from llm_repl_core.errors import Conflict, InvalidSetting
from llm_repl_server.serving.listening import listen, local_url


def assert_one_sentence(server, words: str) -> None:
    assert server.stderr.startswith("Error: ")
    assert words in server.stderr
    assert server.stderr.count("\n") == 1
    assert server.stdout == ""


@pytest.mark.parametrize("how", ["production", "development"])
def test_a_port_in_use(start_toy, how):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = start_toy(how, port=taken.getsockname()[1])
        assert server.wait_exit() == 1
    assert_one_sentence(server, "in use by another program")
    assert server.made_by == []


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "not a host", "a" * 300])
def test_a_host_that_is_not_this_machine(start_toy, host):
    server = start_toy(host=host)
    assert server.wait_exit() == 2
    assert_one_sentence(server, "is not an address of this machine")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none(start_toy, port):
    server = start_toy(port=port)
    assert server.wait_exit() == 2
    assert_one_sentence(server, f"{port} is not a port")


@contextlib.contextmanager
def as_nobody():
    """Give root's rights up for a while; other users have none to give."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_port_that_needs_more_rights():
    with as_nobody():
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", 81))
            except PermissionError:
                pass
            else:
                pytest.skip("every port is free to every user here")
        with pytest.raises(InvalidSetting, match="may not take port 81"):
            listen("127.0.0.1", 81)


def test_storage_that_cannot_be_written(start_toy):
    server = start_toy(TOY_FAILURE="storage")
    assert server.wait_exit() == 1
    assert_one_sentence(server, "The folder for notebooks cannot be written.")
    assert len(server.made_by) == 1


def test_an_application_that_exits_is_not_retried(start_toy):
    server = start_toy(TOY_FAILURE="exit")
    assert server.wait_exit() == 7
    assert len(server.made_by) == 1


def test_a_defect_shows_where_it_is_and_is_not_retried(start_toy):
    server = start_toy(TOY_FAILURE="defect")
    assert server.wait_exit() == 1
    assert "RuntimeError: a defect" in server.stderr
    assert len(server.made_by) == 1


def test_any_port(start_toy):
    server = start_toy(host="0.0.0.0")
    assert server.wait_ready() == f"http://localhost:{server.port}"
    assert server.port != 0


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://localhost:"),
        ("", "http://localhost:"),
    ],
)
def test_the_address_for_a_browser(host, url):
    sockets = listen(host, 0)
    try:
        assert local_url(sockets).startswith(url)
    finally:
        for taken in sockets:
            taken.close()


def test_localhost_is_all_its_addresses():
    (first,) = listen("localhost", 0)
    port = first.getsockname()[1]
    first.close()
    sockets = listen("localhost", port)
    try:
        assert sockets[0].family == socket.AF_INET
        assert {taken.getsockname()[1] for taken in sockets} == {port}
    finally:
        for taken in sockets:
            taken.close()


def test_a_port_that_one_address_has_taken_leaves_nothing_open():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(Conflict, match="in use"),
    ):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6(start_toy):
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("no IPv6 on this machine")
    server = start_toy(host="::1")
    url = server.wait_ready()
    assert url.startswith("http://[::1]:")
    with socket.create_connection(("::1", server.port)) as connection:
        connection.sendall(b"GET /api/hello HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
        assert connection.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


def test_the_reloader_starts_anew_when_a_file_changes(start_command, tmp_path, until):

    source = tmp_path / "changing_toy.py"
    source.write_text(Path(__file__).with_name("toy_server.py").read_text())
    server = start_command([sys.executable, str(source), "reload", "127.0.0.1", "0"])
    first = server.wait_ready()
    assert server.get("/api/hello")[0] == 200  # from now on files are watched
    source.write_text(source.read_text() + "\n# changed\n")
    until(lambda: server.stdout.count("ready") == 2, "the server has started anew")
    assert server.stdout.split().count(first) == 2
    assert len(set(server.made_by)) == 2
    assert server.get("/api/hello")[0] == 200
