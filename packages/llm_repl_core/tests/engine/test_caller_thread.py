"""Events and functions reach a plain thread in their order, however they come."""

from __future__ import annotations

import asyncio
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.engine.caller_thread import Inbox
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.execution.events import Event, RunCompleted


def event(number: int) -> Event:
    return RunCompleted(notebook_id="n", run_id="r", sequence=number)


STEPS = st.lists(
    st.one_of(st.just("event"), st.just("function"), st.sampled_from([0.0, 0.001, 0.004])),
    max_size=40,
)


@settings(max_examples=40)
@given(STEPS)
def test_what_is_handed_over_comes_in_order(steps: list[str | float]) -> None:
    inbox = Inbox()
    seen: list[object] = []

    async def produce() -> None:
        for number, step in enumerate(steps):
            if step == "event":
                inbox.put(event(number))
            elif step == "function":
                threads.append(await inbox.run_in_caller(lambda number=number: run(number)))
            else:
                await asyncio.sleep(float(step))
        inbox.end()

    def run(number: int) -> int:
        seen.append(("function", number))
        return threading.get_ident()

    threads: list[int] = []
    with EngineLoop() as loop:
        done = loop.submit(produce())
        while not inbox.ended:
            seen += [("event", one.sequence) for one in inbox.next()]
        done.result(10)
    wanted = [(step, number) for number, step in enumerate(steps) if isinstance(step, str)]
    assert seen == wanted
    assert set(threads) <= {threading.get_ident()}


def test_an_event_that_comes_alone_wakes_the_thread() -> None:
    inbox = Inbox()
    taken = threading.Event()
    with EngineLoop() as loop:

        async def produce() -> None:
            inbox.put(event(1))
            assert await asyncio.to_thread(taken.wait, 10), "nobody was woken by the event"
            inbox.end()

        done = loop.submit(produce())
        assert [one.sequence for one in inbox.next()] == [1]
        taken.set()
        assert inbox.next() == []
        done.result(10)
    assert inbox.ended


def test_what_nobody_wants_any_more_is_dropped_up_to_the_end() -> None:
    inbox = Inbox()
    with EngineLoop() as loop:

        async def produce() -> bool:
            for number in range(100):
                inbox.put(event(number))
            waiting = inbox.run_in_caller(lambda: None)
            inbox.end()
            await asyncio.wait([asyncio.ensure_future(waiting)])
            return asyncio.ensure_future(waiting).cancelled()

        inbox.leave()
        done = loop.submit(produce())
        inbox.drain()
        assert done.result(10)
    assert inbox.next() == []
