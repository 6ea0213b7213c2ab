from __future__ import annotations

import asyncio
import logging

import pytest

from llm_repl_core import Conflict
from llm_repl_core.engine.loop import EngineLoop


async def forever():
    await asyncio.Event().wait()


def test_it_runs_what_other_threads_submit():
    with EngineLoop() as loop:
        assert loop.call(asyncio.sleep(0, "x")) == "x"
        assert loop.submit(asyncio.sleep(0, "y")).result(10) == "y"
        with pytest.raises(TimeoutError):
            loop.call(forever(), 0.01)


def test_closing_cancels_and_ends_the_thread():
    loop = EngineLoop()
    future = loop.submit(forever())
    loop.close()
    loop.close()
    assert future.cancelled()
    assert not loop._thread.is_alive()
    assert loop.loop.is_closed()


def test_closing_at_once_is_fine():
    for _ in range(20):
        EngineLoop().close()


def test_a_closed_loop_says_so():
    loop = EngineLoop()
    loop.close()
    with pytest.raises(Conflict, match="closed"):
        loop.call(forever())


def test_its_own_thread_cannot_wait_for_it():
    with EngineLoop() as loop:

        async def wait():
            loop.call(forever())

        with pytest.raises(Conflict, match="wait for itself"):
            loop.call(wait())


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_a_task_that_would_end_the_process_does_not_end_the_loop(error, caplog):
    async def bad():
        raise error

    with EngineLoop() as loop, caplog.at_level(logging.CRITICAL):
        with pytest.raises(type(error)):
            loop.call(bad())
        assert loop.call(asyncio.sleep(0, "alive"), 10) == "alive"


def test_a_script_that_forgets_to_close_ends():
    loop = EngineLoop()
    assert loop._thread.daemon
    loop.close()
