"""Looks at the state: never in the way of what runs, never by what a look does to itself."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from llm_repl_core.engine import looks as looks_module
from llm_repl_core.errors import KernelError
from llm_repl_core.kernels import views

needs_forks = pytest.mark.skipif(sys.platform != "linux", reason="Forks are for Linux.")

HANGS = """
import time
class Hangs:
    def __repr__(self):
        while True:
            try:
                time.sleep(10)
            except BaseException:
                pass
it, plain = Hangs(), 7
"""


def look(session, name="x"):
    """What is seen of a variable now."""
    return session.loop.call(
        session.live.looks.ask(lambda state, _: views.value_page(state, name, (), 0, 50)), 60
    )


def while_running(session, code, action, wait_for):
    """Do something while a cell of this code runs that waits for `go_on`, a file."""
    cell = session.notebook.add_code(code)
    thread = threading.Thread(target=session.run, args=([cell.id],))
    thread.start()
    try:
        wait_for(lambda: any("inside" in output.content for output in cell.outputs), "the cell")
        return action()
    finally:
        session.go_on.touch()
        thread.join(60)
        session.go_on.unlink()


WAITS = """
import pathlib, time
x = 2
print("inside", flush=True)
while not pathlib.Path({path!r}).exists():
    time.sleep(0.005)
"""


@pytest.fixture
def open_looked(open_session, tmp_path):
    def open_it(kernel):
        session = open_session(["x = 1"], kernel=kernel)
        session.go_on = tmp_path / "go-on"
        session.waits = WAITS.format(path=str(session.go_on))
        return session

    return open_it


def test_nothing_is_started_for_a_look(kernel, open_looked):
    session = open_looked(kernel)
    assert look(session) is None
    assert not session.kernel.alive
    session.run()
    seen = look(session)
    assert (seen.answer.piece, seen.is_old) == ("1", False)
    session.loop.call(session.live.end_kernel())
    assert look(session) is None


def test_a_kernel_that_cannot_be_forked_is_asked_when_it_is_free(open_looked, wait_for):
    session = open_looked("in_process")
    session.run()
    assert while_running(session, session.waits, lambda: look(session), wait_for) is None
    assert look(session).answer.piece == "2"


@needs_forks
def test_a_fork_answers_while_the_kernel_runs_and_says_that_it_is_old(open_looked, wait_for):
    session = open_looked("worker")
    session.run()
    before = look(session)
    assert (before.answer.piece, before.is_old) == ("1", False)
    during = while_running(session, session.waits, lambda: look(session), wait_for)
    assert (during.answer.piece, during.is_old) == ("1", True)
    assert during.taken_at == before.taken_at
    after = look(session)
    assert (after.answer.piece, after.is_old) == ("2", False)
    assert after.taken_at > before.taken_at


@needs_forks
def test_of_a_kernel_that_runs_and_was_never_looked_at_nothing_is_seen(open_looked, wait_for):
    session = open_looked("worker")
    session.run()
    assert while_running(session, session.waits, lambda: look(session), wait_for) is None
    assert look(session).answer.piece == "2"


@needs_forks
def test_a_look_that_never_ends_ends_its_fork_and_nothing_else(open_looked, monkeypatch):
    session = open_looked("worker")
    session.notebook.add_code(HANGS)
    session.run()
    with monkeypatch.context() as patch:
        patch.setattr(looks_module, "_QUESTION_LIMIT_S", 2.0)
        with pytest.raises(KernelError, match="took too long"):
            look(session, "it")
    assert look(session, "plain").answer.piece == "7"
    assert session.state["plain"] == 7


@needs_forks
def test_what_nobody_looks_at_any_more_is_let_go(open_looked, wait_for):
    session = open_looked("worker")
    session.run()
    assert look(session).answer.piece == "1"
    first, looks = session.live.looks._letting_go, session.live.looks
    assert look(session).answer.piece == "1"
    assert first.cancelled()  # somebody has asked again
    assert looks._fork.alive
    session.loop.loop.call_soon_threadsafe(looks._letting_go._run)  # as when its time has come
    wait_for(lambda: session.live.looks._fork is None, "the fork to go")
    assert look(session).answer.piece == "1"


@needs_forks
def test_looks_at_the_same_time_share_a_fork(open_looked):
    session = open_looked("worker")
    session.run()

    async def both():
        ask = session.live.looks.ask
        return await asyncio.gather(
            *(ask(lambda state, _: views.value_page(state, "x", (), 0, 50)) for _ in range(4))
        )

    seen = session.loop.call(both(), 60)
    assert {one.answer.piece for one in seen} == {"1"}
    assert len({one.taken_at for one in seen}) == 1
