"""What is used of gunicorn and has no documentation that promises it."""

from __future__ import annotations

import inspect
import io
import socket
from collections import deque
from importlib.metadata import requires, version

import pytest
from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers import gthread
from gunicorn.workers.gthread import TConn, ThreadWorker

METHODS = {
    (ThreadWorker, "accept"): ["listener"],
    (ThreadWorker, "handle"): ["conn"],
    (ThreadWorker, "handle_request"): ["req", "conn"],
    (ThreadWorker, "handle_error"): ["req", "client", "addr", "exc"],
    (ThreadWorker, "handle_exit"): ["sig", "frame"],
    (ThreadWorker, "handle_quit"): ["sig", "frame"],
    (ThreadWorker, "finish_request"): ["conn", "fs"],
    (ThreadWorker, "murder_pending"): [],
    (ThreadWorker, "is_parent_alive"): [],
    (ThreadWorker, "set_accept_enabled"): ["enabled"],
    (ThreadWorker, "init_process"): [],
    (ThreadWorker, "init_signals"): [],
    (ThreadWorker, "load_wsgi"): [],
    (ThreadWorker, "run"): [],
    (TConn, "init"): [],
    (TConn, "close"): ["graceful"],
    (SocketUnreader, "chunk"): ["size_hint"],
    (Arbiter, "handle_hup"): [],
    (Arbiter, "handle_term"): [],
    (Arbiter, "handle_ttin"): [],
    (Arbiter, "handle_ttou"): [],
    (Arbiter, "handle_usr2"): [],
    (Arbiter, "halt"): ["reason", "exit_status"],
    (Logger, "setup"): ["cfg"],
}


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [(*method, parameters) for method, parameters in METHODS.items()],
    ids=[f"{owner.__name__}.{name}" for owner, name in METHODS],
)
def test_a_method_takes_what_it_is_given(owner, name, parameters):
    assert list(inspect.signature(getattr(owner, name)).parameters) == ["self", *parameters]


@pytest.fixture
def worker():
    cfg = Config()
    cfg.set("worker_connections", 10)
    made = ThreadWorker(1, 1, [], None, 1, cfg, Logger(cfg))
    yield made
    made.tmp.close()


def test_a_worker_has_what_is_used_of_it(worker):
    for name, kind in {
        "alive": bool,
        "age": int,
        "nr_conns": int,
        "worker_connections": int,
        "pending_conns": deque,
        "keepalived_conns": deque,
        "sockets": list,
        "cfg": Config,
        "log": Logger,
    }.items():
        assert isinstance(getattr(worker, name), kind), name
    assert worker.method_queue.defer
    assert worker.poller is None  # until it begins
    assert "self.wsgi = " in inspect.getsource(ThreadWorker.load_wsgi)
    assert gthread._DEFER is not True


def test_a_connection_has_what_is_used_of_it():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = TConn(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        assert (connection.sock, connection.initialized, connection.timeout) == (ours, False, None)
        connection.init()
        assert connection.initialized
        assert isinstance(connection.parser, RequestParser)
        reader = connection.parser.unreader
        assert isinstance(reader, SocketUnreader)
        assert isinstance(reader.buf, io.BytesIO)
        assert reader.sock is ours


@pytest.mark.parametrize(
    ("head", "body"),
    [("Content-Length: 3", b"abc"), ("Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n")],
)
def test_a_body_tells_what_is_left_of_it(head, body):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(f"POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n".encode() + body)
        request = next(RequestParser(Config(), ours, ("127.0.0.1", 1)))
        reader = request.body.reader
        is_chunked = not hasattr(reader, "length")
        assert reader.parser is not None if is_chunked else reader.length == 3
        assert request.body.read() == b"abc"
        assert reader.parser is None if is_chunked else reader.length == 0
        assert not request.should_close()
        request.force_close()
        assert request.should_close()


def test_the_functions_and_errors_are_there():
    assert "max_drain" in inspect.signature(util.close_graceful).parameters
    assert list(inspect.signature(util.write_nonblock).parameters)[:2] == ["sock", "data"]
    for name in (
        "ConfigurationProblem",
        "ExpectationFailed",
        "InvalidHeader",
        "InvalidResponseHeader",
        "InvalidResponseHeaderName",
        "LimitRequestHeaders",
        "LimitRequestLine",
        "ParseException",
        "UnsupportedTransferCoding",
    ):
        assert issubclass(getattr(errors, name), Exception)


def test_the_settings_are_there():
    known = Config().settings
    for name in ("http2_cleartext", "is_ssl", "protocol", "keepalive", "control_socket_disable"):
        assert name in known or hasattr(Config, name), name


def test_the_versions_are_pinned_to_those_that_were_looked_at():
    pinned = [name for name in requires("llm-repl-server") if name.startswith("gunicorn")]
    assert pinned == ["gunicorn<27.1,>=27.0"]
    assert version("gunicorn").startswith("27.0.")
