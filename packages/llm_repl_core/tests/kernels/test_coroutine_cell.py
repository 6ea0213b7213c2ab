"""Coroutines of cells: run to the end, in whichever thread, and ended where somebody asks for it."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import sys
import threading
import time
import traceback

import pytest

from llm_repl_core.kernels.coroutine_cell import CoroutineRunner, is_in_callback

LIMIT_S = 20.0


@pytest.fixture
def runner():
    runner = CoroutineRunner()
    yield runner
    runner.close()


async def value():
    await asyncio.sleep(0)
    return 7


async def fails():
    await asyncio.sleep(0)
    raise ValueError("no")


def within_a_loop(function):
    """Call it where a loop runs already, as in a notebook of another program."""

    async def whole():
        return function()

    # Not by `asyncio.run`, which has a way of its own with Ctrl-C.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()


def test_a_coroutine_runs_to_its_end_and_raises_what_it_raises(runner):
    assert runner.run(value()) == 7
    with pytest.raises(ValueError, match="no") as raised:
        runner.run(fails())
    assert raised.value.__context__ is None
    assert not runner.interrupted


def test_one_that_cancels_itself_is_not_interrupted(runner):
    async def cancels():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        runner.run(cancels())
    assert not runner.interrupted


def test_tasks_go_on_with_the_next_coroutine(runner):
    seen = []

    async def starts():
        async def later():
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            seen.append("later")

        runner.task = asyncio.create_task(later())

    async def waits():
        await runner.task

    assert not runner.has_tasks
    runner.run(starts())
    assert runner.has_tasks
    assert seen == []
    runner.run(waits())
    assert seen == ["later"]
    assert not runner.has_tasks


def test_where_a_loop_runs_already_another_thread_has_it(runner):
    variable = contextvars.ContextVar("variable", default="unset")

    async def where():
        return threading.current_thread() is threading.main_thread(), variable.get()

    def run():
        variable.set("set")
        return runner.run(where())

    assert within_a_loop(run) == (False, "set")

    def run_failing():
        with pytest.raises(ValueError, match="no"):
            runner.run(fails())
        return runner.run(value())

    assert within_a_loop(run_failing) == 7


@pytest.mark.parametrize("has_begun", [False, True])
def test_ctrl_c_ends_a_coroutine_in_another_thread_and_nothing_else(runner, has_begun):
    ended = threading.Event()
    others = []

    async def starts():
        others.append(asyncio.create_task(asyncio.sleep(LIMIT_S)))

    async def waits():
        try:
            # While the other thread waits for this one to begin, or to end.
            if has_begun:
                await asyncio.to_thread(_wait_until_begun)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            await asyncio.sleep(LIMIT_S)
        finally:
            ended.set()

    def run():
        with pytest.raises(KeyboardInterrupt):
            runner.run(waits())

    runner.run(starts())
    within_a_loop(run)
    assert ended.wait(LIMIT_S)
    assert runner.run(value()) == 7
    assert not others[0].done()


def _wait_until_begun():
    """Until the main thread waits for the end of the coroutine, not for its beginning."""
    main = threading.main_thread().ident
    limit = time.monotonic() + LIMIT_S
    while time.monotonic() < limit:
        names = [
            frame.f_code.co_name for frame, _ in traceback.walk_stack(sys._current_frames()[main])
        ]
        if names[0] == "wait" and "start" not in names:
            return
        time.sleep(0.001)


def test_ctrl_c_within_the_loop_s_own_code_cancels_and_lets_it_clean_up(runner):
    cleaned = []

    def interrupt():
        raise KeyboardInterrupt

    async def waits():
        try:
            asyncio.get_running_loop().call_soon(interrupt)
            await asyncio.sleep(LIMIT_S)
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    with pytest.raises(KeyboardInterrupt) as raised:
        runner.run(waits())
    assert runner.interrupted
    assert cleaned == ["up"]
    assert "waits" in {entry.name for entry in raised.traceback}
    assert runner.run(value()) == 7
    assert not runner.interrupted


def test_one_that_does_not_end_is_left_behind(runner):
    def interrupt():
        raise KeyboardInterrupt

    async def stubborn():
        asyncio.get_running_loop().call_soon(interrupt)
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    over = asyncio.Event()
    with pytest.raises(KeyboardInterrupt):
        runner.run(stubborn())
    assert runner.has_tasks
    over.set()
    assert runner.run(value()) == 7


def interrupted_by_signal(runner, coroutine):
    """Run it, with Ctrl-C sent to this thread and taken by the runner where it may."""
    taken = []
    previous = signal.signal(
        signal.SIGINT, lambda _number, frame: taken.append(runner.take_interrupt(frame))
    )
    try:
        try:
            result = runner.run(coroutine)
        except KeyboardInterrupt:
            result = "interrupted"
    finally:
        signal.signal(signal.SIGINT, previous)
    return taken, result


def test_an_interrupt_while_the_loop_waits_cancels_the_coroutine(runner):
    async def waits():
        main = threading.main_thread().ident
        timer = threading.Timer(0.01, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        await asyncio.sleep(LIMIT_S)

    began = time.monotonic()
    assert interrupted_by_signal(runner, waits()) == ([True], "interrupted")
    assert time.monotonic() - began < LIMIT_S
    assert runner.interrupted


def test_an_interrupt_within_code_is_left_to_the_code(runner):
    async def computes():
        signal.raise_signal(signal.SIGINT)
        return "done"

    assert interrupted_by_signal(runner, computes()) == ([False], "done")


def test_where_nothing_runs_there_is_nothing_to_interrupt(runner):
    assert not runner.take_interrupt(sys._getframe())
    runner.run(value())
    assert not runner.take_interrupt(sys._getframe())
    assert not runner.take_interrupt(None)


def test_whether_code_was_called_by_a_loop():
    async def within():
        return is_in_callback(sys._getframe())

    assert not is_in_callback(sys._getframe())
    assert not is_in_callback(None)
    assert asyncio.run(within())


def test_closing_ends_the_tasks_and_the_generators():
    runner = CoroutineRunner()
    ended = []

    async def starts():
        async def waits():
            try:
                await asyncio.sleep(LIMIT_S)
            finally:
                ended.append("task")

        async def generates():
            try:
                yield 1
            finally:
                ended.append("generator")

        runner.task = asyncio.create_task(waits())
        runner.generator = generates()
        await anext(runner.generator)
        await asyncio.sleep(0)

    runner.close()  # nothing was made yet
    runner.run(starts())
    loop = runner.loop
    runner.close()
    assert sorted(ended) == ["generator", "task"]
    assert loop.is_closed()
    runner.close()
    # Whoever comes later gets another one.
    assert runner.run(value()) == 7
    assert runner.loop is not loop
    runner.close()


def test_a_loop_that_runs_is_not_closed_from_within(runner):
    async def closes():
        loop = asyncio.get_running_loop()
        runner.close()
        await asyncio.sleep(0)
        return loop

    loop = runner.run(closes())
    assert not loop.is_closed()
    loop.close()


def test_tasks_go_on_until_there_is_something_to_read(runner):
    import os

    reader, writer = os.pipe()
    seen = []

    async def starts():
        async def writes():
            await asyncio.sleep(0)
            seen.append("written")
            os.write(writer, b"x")

        runner.task = asyncio.create_task(writes())

    try:
        runner.run(starts())
        runner.run_tasks_until_readable(reader)
        assert seen == ["written"]
        assert os.read(reader, 1) == b"x"
    finally:
        os.close(reader)
        os.close(writer)
