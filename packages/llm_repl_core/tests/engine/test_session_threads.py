from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from llm_repl_core import (
    Application,
    CellExecutionError,
    CellNotFound,
    CellStarted,
    Conflict,
    Delta,
    Notebook,
    Provider,
    RunCompleted,
    RunFailed,
    Session,
    Settings,
    hookimpl,
)
from llm_repl_core.engine.caller_thread import AsyncInbox
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.plugins.manager import PluginManager

ENDLESS = "import time\nwhile True: time.sleep(0.01)"


def in_thread(function):
    """Call it in a thread that is not the main one."""
    results = []

    def call():
        try:
            results.append((function(), None))
        except BaseException as error:  # noqa: BLE001  # raised again by who waits
            results.append((None, error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(20)
    [(result, error)] = results
    if error is not None:
        raise error
    return result


def test_run_from_a_thread_that_is_not_the_main_one(open_session, kernel):
    session = open_session(["x = 1", "1/0"], kernel=kernel)

    def run():
        with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
            session.run()
        return session.state["x"]

    assert in_thread(run) == 1


def test_code_in_another_thread_is_interrupted(open_session, wait_for):
    session = open_session([ENDLESS])
    thread = threading.Thread(target=lambda: list(session.stream()))
    thread.start()
    wait_for(lambda: session.notebook.cells[0].status == "running", "the cell")
    session.interrupt()
    thread.join(20)
    assert not thread.is_alive()
    assert session.notebook.cells[0].status == "interrupted"


def test_code_runs_in_the_thread_that_asked_for_it(open_session):
    session = open_session(["import threading\nident = threading.get_ident()"])
    session.run()
    assert session.state["ident"] == threading.get_ident()
    assert in_thread(lambda: (session.run(), session.state["ident"])[1]) != threading.get_ident()
    assert asyncio.run(_awaited(session)) == threading.get_ident()


async def _awaited(session):
    await session.arun()
    return session.state["ident"]


def test_the_event_loop_sees_the_same_events(open_session, check_law, kernel):
    session = open_session(["x = 1", "print(x, end='')", "1/0", "never = 1"], kernel=kernel)

    async def collect():
        return [event async for event in session.astream()]

    events = asyncio.run(collect())
    check_law(events)
    assert isinstance(events[-1], RunFailed)
    assert [type(event) for event in session.stream()] == [type(event) for event in events]


def test_arun_raises_as_run_does(open_session):
    session = open_session(["1/0", "x = 1"])

    async def main():
        async with session:
            with pytest.raises(CellExecutionError, match="ZeroDivisionError") as caught:
                await session.arun()
            assert caught.value.cell_id == session.notebook.cells[0].id
            with pytest.raises(CellExecutionError):
                await session.arun(stop_on_error=False)
            with pytest.raises(CellNotFound):
                await session.arun(["none"])
            return session.state["x"]

    assert asyncio.run(main()) == 1


def test_leaving_astream_early_stops_the_run(open_session, kernel):
    endless = "never = 1\n" + ENDLESS
    session = open_session(["x = 1", endless], kernel=kernel)

    async def main():
        async with contextlib.aclosing(session.astream()) as events:
            async for event in events:
                if isinstance(event, CellStarted):
                    cell = session.notebook[event.cell_id]
                    if cell is session.notebook.cells[1]:
                        break
        return session.live.busy

    assert asyncio.run(main()) is False
    assert [cell.status for cell in session.notebook] == ["completed", "interrupted"]
    if kernel == "in_process":  # whose code runs in this thread, when this thread waits
        assert "never" not in session.state


def test_to_cancel_arun_stops_the_run(open_session, wait_for):
    session = open_session(["print('on', flush=True)\n" + ENDLESS], kernel="worker")

    async def main():
        task = asyncio.create_task(session.arun())
        await asyncio.to_thread(wait_for, lambda: session.notebook.cells[0].outputs, "output")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return session.notebook.cells[0].status

    assert asyncio.run(main()) == "interrupted"


def test_a_caller_whose_event_loop_is_gone_holds_nobody_up():
    async def make():
        return AsyncInbox()

    inbox = asyncio.run(make())
    inbox.put(RunCompleted(notebook_id="n", run_id="r", sequence=1))
    inbox.end()
    ran = []

    async def ask():
        with pytest.raises(asyncio.CancelledError):
            await inbox.run_in_caller(lambda: ran.append(1))
        return "asked"

    with EngineLoop() as loop:
        assert loop.call(ask(), 10) == "asked"
    assert ran == []


def test_a_caller_who_takes_no_more_events_holds_nobody_up():
    """Its loop lives on, and nobody would take out what is to be run."""
    ran = []

    async def ask(inbox):
        with pytest.raises(asyncio.CancelledError):
            await inbox.run_in_caller(lambda: ran.append(1))
        return "asked"

    async def leave(loop):
        inbox = AsyncInbox()
        inbox.leave()
        return await asyncio.wait_for(asyncio.wrap_future(loop.submit(ask(inbox))), 20)

    with EngineLoop() as loop:
        assert asyncio.run(leave(loop)) == "asked"
    assert ran == []


def test_sessions_of_one_loop_run_at_the_same_time(open_session):
    under_way = []
    all_are = asyncio.Event()

    class Meeting(Provider):
        """Answers when four are asking."""

        name = "meeting"
        default_model = "meeting"

        async def stream(self, request):
            under_way.append(request)
            if len(under_way) == 4:
                all_are.set()
            await asyncio.wait_for(all_are.wait(), 20)
            yield Delta(text="met")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Meeting]

    with EngineLoop() as loop:
        manager = PluginManager()
        manager.register(Plugin(), "meeting")
        application = Application(Settings(), plugins=manager)
        notebooks = []
        for _ in range(4):
            notebook = Notebook()
            notebook.add_prompt("hello", provider="meeting")
            notebooks.append(notebook)
        sessions = [open_session(one, application=application, loop=loop) for one in notebooks]

        async def run_all():
            return await asyncio.gather(*(session.live.start()[1] for session in sessions))

        results = loop.call(run_all())
        assert [result.error for result in results] == [None] * 4
        for session in sessions:
            session.close()
        assert loop.call(asyncio.sleep(0, "alive")) == "alive"  # it is not theirs
        loop.call(application.providers.close())


def test_one_sessions_end_leaves_the_others_providers_alone(open_session):
    application = Application(Settings())
    notebook = Notebook()
    notebook.add_prompt("hello", model="mock/list:a|b", response_var="said")
    first = open_session(notebook, application=application)
    second = open_session(notebook, application=application)
    first.run()
    second.run()
    assert second.state["said"] == "a"  # its own provider, whose connections are its loop's
    first.close()
    second.run()
    assert second.state["said"] == "b"  # and still the same


def test_a_context_manager_closes_whatever_happens():
    notebook = Notebook()
    notebook.add_code("x = 1")
    session = Session(notebook)

    def fail():
        with session:
            session.run()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not session.kernel.alive
    with pytest.raises(Conflict):
        session.run()


def test_many_threads_may_close(open_session):
    session = open_session(["x = 1"])
    session.run()
    errors = []

    def close():
        try:
            session.close()
        except BaseException as error:  # noqa: BLE001  # looked at below
            errors.append(error)

    threads = [threading.Thread(target=close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []


def test_a_stream_that_was_never_read_runs_nothing(open_session):
    session = open_session(["x = 1"])
    session.stream()
    session.stream(["none"])
    assert dict(session.state) == {}
    assert isinstance(list(session.stream())[-1], RunCompleted)
