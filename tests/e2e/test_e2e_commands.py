"""The commands that users have in their notes, word for word but for the port."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket

import psutil
import pytest

REST_AND_EVENTS = ("check_notebooks", "check_execute_all", "check_a_notebooks_events")
GREET = "print('hello')"


def assert_serves_and_stops(server, *checks: str) -> None:
    server.check_contract(*(checks or REST_AND_EVENTS))
    assert server.stage.kernels(server), "the processes of kernels are not seen"
    assert server.stop() == 0
    server.stage.expect_no_processes()
    assert "Traceback" not in server.stage.log.read_text("utf-8", "replace")


def test_app_py(stage, clone, port):
    command = ("python", "app.py", "--host", "127.0.0.1", "--port", str(port))
    assert_serves_and_stops(stage.start(*command, port=port, cwd=clone))


def test_app_py_without_an_option(stage, clone):
    try:
        socket.create_server(("0.0.0.0", 5000)).close()
    except OSError:
        pytest.skip("another program has port 5000")
    server = stage.start("python", "app.py", port=5000, cwd=clone)
    heard = [
        connection.laddr[:2]
        for process in stage.processes()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(heard) == {("0.0.0.0", 5000)}
    assert_serves_and_stops(server, "check_execute_all")


def test_gunicorn(stage, clone, port):
    # Without its settings being named: the clone's gunicorn.conf.py has them.
    command = ("gunicorn", "-b", f"127.0.0.1:{port}", "app:app")
    assert_serves_and_stops(stage.start(*command, port=port, cwd=clone))


def test_debug_serves_and_ends_with_ctrl_c(stage, clone, port):
    command = ("python", "app.py", "--host", "127.0.0.1", "--port", str(port), "--debug")
    server = stage.start(*command, port=port, cwd=clone)
    server.check_contract(*REST_AND_EVENTS)
    # A terminal's Ctrl-C reaches the process that watches and the one that serves.
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(30) in (0, -signal.SIGINT, 128 + signal.SIGINT)
    stage.expect_no_processes()
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")


SUPERVISOR = """\
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}

[program:llm-repl]
command=python app.py --host 0.0.0.0 --port {port}
directory={clone}
autorestart=true
startsecs=1
stdout_logfile={folder}/out.log
stderr_logfile={folder}/err.log
"""


@pytest.fixture
def supervised(stage, clone, port):
    """A server under Supervisor; its `process` is Supervisor's."""
    settings = stage.folder / "supervisord.conf"
    settings.write_text(SUPERVISOR.format(folder=stage.folder, clone=clone, port=port), "utf-8")
    return stage.start("supervisord", "-c", str(settings), port=port)


def children_of(server) -> list[psutil.Process]:
    """The processes of the program that Supervisor has started."""
    supervisor = psutil.Process(server.process.pid)
    return [one for one in supervisor.children() if "app.py" in " ".join(one.cmdline())]


def test_supervisor_starts_and_stops_it(supervised, stage):
    assert_serves_and_stops(supervised, "check_notebooks", "check_execute_all")
    for name in ("out.log", "err.log"):
        assert "Traceback" not in (stage.folder / name).read_text("utf-8", "replace")


@pytest.mark.parametrize("which", ["all", "the first"])
def test_supervisor_starts_it_again_where_it_was_killed(supervised, stage, until, which):
    notebook, [cell] = supervised.new_notebook(GREET)
    outputs = supervised.run(cell)["outputs"]
    [first] = children_of(supervised)
    serving = [first, *(one for one in first.children() if "app.py" in " ".join(one.cmdline()))]
    for process in serving if which == "all" else serving[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    until(lambda: not any(one.is_running() for one in serving), "what was killed is gone")

    def is_back() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return supervised.ask("GET", notebook)[0] == 200
        return False

    until(is_back, "Supervisor has started it again")
    assert supervised.ask("GET", cell)[1]["outputs"] == outputs
    assert supervised.run(cell)["outputs"][-1]["content"] == "hello\n"
    assert supervised.stop() == 0
    stage.expect_no_processes()
