from __future__ import annotations

import asyncio
import threading

import pytest

from llm_repl_core import (
    CellCompleted,
    CellExecutionError,
    CellFailed,
    CellOutput,
    CellStarted,
    CellText,
    Conflict,
    Delta,
    Notebook,
    Output,
    Provider,
    RunCompleted,
    RunFailed,
    hookimpl,
)
from llm_repl_core.engine import cell_stopper
from llm_repl_core.kernels.in_process import InProcessKernel

ENDLESS = "print('on', flush=True)\nimport time\nwhile True: time.sleep(0.01)"
STUBBORN = """
print('on', flush=True)
import time
while True:
    try:
        while True: time.sleep(0.01)
    except KeyboardInterrupt:
        pass
"""


class HangingProvider(Provider):
    """Streams a first piece and then nothing, and notes how it was left."""

    name = "hanging"
    default_model = "hanging"
    began = closed = 0

    async def stream(self, request):
        type(self).began += 1
        try:
            yield Delta(text="piece ")
            await asyncio.Event().wait()
        finally:
            type(self).closed += 1


@pytest.fixture
def hanging():
    HangingProvider.began = HangingProvider.closed = 0

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [HangingProvider]

    return Plugin()


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(cell_stopper, "INTERRUPT_GRACE_S", 0.2)


def play_and(session, trigger, action, **options):
    """Run, and do something in another thread when an event of a kind happens."""
    threads = []

    # Not from the loop below: an in-process kernel's code runs in the thread that has it.
    def listen(event):
        if isinstance(event, trigger) and not threads:
            threads.append(threading.Thread(target=action))
            threads[0].start()

    session.live.listen(listen)
    events = list(session.stream(**options))
    threads[0].join(20)
    assert not threads[0].is_alive()
    return events


def test_code_is_interrupted_and_the_state_stays(open_session, check_law, play, kernel):
    session = open_session(["x = 1", ENDLESS, "x"], kernel=kernel)
    events = play_and(session, CellOutput, session.interrupt)
    check_law(events)
    assert events[-1].interrupted
    assert events[-1].error == "KeyboardInterrupt"
    assert [cell.status for cell in session.notebook] == ["completed", "interrupted", "idle"]
    assert session.notebook.cells[1].outputs[-1].fields["ename"] == "KeyboardInterrupt"
    assert isinstance(play(session, [session.notebook.cells[2].id])[-1], RunCompleted)
    assert [output.type for output in session.notebook.cells[2].outputs] == ["display"]


def test_an_interrupted_run_ends_although_it_goes_on_behind_failures(open_session, check_law):
    session = open_session(["1/0", ENDLESS, "never = 1"])
    events = play_and(session, CellOutput, session.interrupt, stop_on_error=False)
    check_law(events)
    assert events[-1].interrupted
    assert events[-1].error.startswith("ZeroDivisionError")  # the first failure
    assert session.notebook.cells[2].status == "idle"


def test_to_be_stopped_raises_from_run(open_session):
    session = open_session([ENDLESS])
    session.live.listen(
        lambda event: (
            isinstance(event, CellOutput) and threading.Thread(target=session.interrupt).start()
        )
    )
    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        session.run()


def test_a_prompt_that_is_stopped_closes_the_providers_stream(open_session, check_law, hanging):
    notebook = Notebook()
    notebook.add_prompt("wait", provider="hanging")
    notebook.add_code("never = response_0")
    session = open_session(notebook, hanging)
    events = play_and(session, CellText, session.interrupt)
    check_law(events)
    assert events[-1].interrupted
    partial, stopped = notebook.cells[0].outputs
    assert (partial.content, partial.fields["interrupted"]) == ("piece ", True)
    assert stopped == Output.error("Interrupted", "The cell was stopped.")
    assert [cell.status for cell in notebook] == ["interrupted", "idle"]
    assert HangingProvider.began == HangingProvider.closed
    assert "response_0" not in session.state


def test_queued_runs_are_stopped_before_they_begin(open_session, check_law, wait_for, kernel):
    session = open_session([ENDLESS, "never = 1"], kernel=kernel)
    heard = []
    session.live.listen(heard.append)
    results = []

    async def queue_three():
        return [session.live.start(listener=results.append)[1] for _ in range(3)]

    tasks = session.loop.call(queue_three())
    wait_for(lambda: any(isinstance(event, CellOutput) for event in heard), "output")
    session.interrupt()
    assert all(task.done() for task in tasks)
    assert [type(event) for event in heard].count(CellStarted) == 1
    endings = [event for event in heard if isinstance(event, RunFailed)]
    # Those that wait end at once, and do not wait for the first.
    assert [event.error for event in endings] == ["The run was stopped."] * 2 + [
        "KeyboardInterrupt"
    ]
    assert [event.cell_id for event in endings] == [None, None, session.notebook.cells[0].id]
    assert all(event.interrupted for event in endings)
    assert not session.live.busy


def test_to_interrupt_where_nothing_runs_does_nothing(open_session, play):
    session = open_session(["x = 1"])
    session.interrupt()
    session.run()
    session.interrupt()
    assert isinstance(play(session)[-1], RunCompleted)


def test_a_cell_over_its_time_is_stopped(open_session, play, kernel):
    session = open_session(["x = 1", ENDLESS, "never = 1"], kernel=kernel, cell_timeout_s=1.0)
    events = play(session)
    assert events[-1].error == "CellTimeout: The cell ran longer than 1 s and was stopped."
    assert not events[-1].interrupted  # nobody did: it failed
    cell = session.notebook.cells[1]
    assert [output.fields.get("ename") for output in cell.outputs] == [
        None,
        "KeyboardInterrupt",
        "CellTimeout",
    ]
    assert cell.status == "error"
    assert session.state["x"] == 1


def test_a_run_may_go_on_behind_a_cell_over_its_time(open_session, play):
    session = open_session([ENDLESS, "x = 1", ENDLESS, "y = 1"], cell_timeout_s=0.1)
    play(session, stop_on_error=False)
    assert [cell.status for cell in session.notebook] == ["error", "completed"] * 2


def test_a_prompt_over_its_time_is_stopped(open_session, play, hanging):
    notebook = Notebook()
    notebook.add_prompt("wait", provider="hanging")
    session = open_session(notebook, hanging, cell_timeout_s=0.1)
    play(session)
    assert [one.fields.get("ename") for one in notebook.cells[0].outputs] == [None, "CellTimeout"]
    assert HangingProvider.began == HangingProvider.closed == 1


def test_the_start_of_a_kernel_is_no_part_of_a_cells_time(open_session, play):
    class SlowToStart(InProcessKernel):
        async def start(self):
            await asyncio.sleep(2.5)
            await super().start()

    session = open_session(["x = 1"], kernel=SlowToStart(), cell_timeout_s=2.0)
    assert isinstance(play(session)[-1], RunCompleted)


def test_code_that_ignores_interrupts_loses_its_kernel(open_session, play, short_grace):
    session = open_session(["x = 1", STUBBORN, "y = 1"], kernel="worker", cell_timeout_s=1.0)
    session.notebook.memory["kept"] = "still here"
    events = play(session)
    assert events[-1].error.startswith("CellTimeout: ")
    assert session.notebook.cells[1].outputs[0] == Output.stdout("on\n")
    after = session.notebook.cells[2]
    play(session, [after.id])
    assert [output.type for output in after.outputs] == ["warning"]
    assert after.status == "completed"
    assert set(session.state) == {"kept", "memory", "y"}


def test_code_in_this_process_that_ignores_interrupts_is_left_behind(
    open_session, wait_for, short_grace
):
    session = open_session([STUBBORN.replace("while True:", "while not released:")])
    session.notebook.memory["released"] = False

    async def run():
        _, task = session.live.start()
        return await task

    future = session.loop.submit(run())
    wait_for(lambda: session.notebook.cells[0].outputs, "output")
    namespace = session.kernel.live_namespace()
    session.interrupt()
    assert future.result(20).error is not None
    assert session.notebook.cells[0].status == "interrupted"
    namespace["released"] = True  # lets its thread end


def test_leaving_the_stream_early_stops_its_run_only(open_session, wait_for):
    session = open_session(["x = 1", ENDLESS], kernel="worker")
    other = threading.Thread(target=session.run, args=([session.notebook.cells[0].id],))
    for event in session.stream():
        if isinstance(event, CellStarted) and event.cell_id == session.notebook.cells[0].id:
            other.start()
            wait_for(lambda: len(session.live._queue._runs) == 2, "the other run")
        if isinstance(event, CellOutput):
            break
    other.join(20)
    assert session.notebook.cells[1].status == "interrupted"
    assert session.notebook.cells[0].status == "completed"
    assert session.notebook.cells[0].execution_count == 3


def test_leaving_before_the_code_has_begun_does_not_run_it(open_session):
    session = open_session(["ran = True"])
    for event in session.stream():
        if isinstance(event, CellStarted):
            break
    assert session.notebook.cells[0].status == "interrupted"
    assert "ran" not in session.state


def test_a_stream_that_is_held_but_not_read_does_not_block_the_session(open_session):
    session = open_session(["x = 1"])
    stream = session.stream()
    next(stream)
    session.close()  # the code waits for this thread, which waits here
    assert session.notebook.cells[0].status in ("interrupted", "idle")
    events = list(stream)
    assert isinstance(events[-1], RunFailed)


def test_to_interrupt_a_stream_that_is_not_read_keeps_the_kernel(open_session):
    session = open_session(["x = 1", "y = 1"])
    session.run([session.notebook.cells[0].id])
    stream = session.stream([session.notebook.cells[1].id])
    next(stream)
    session.interrupt()
    assert dict(session.state) == {"x": 1}
    assert session.notebook.cells[1].status in ("interrupted", "idle")
    assert isinstance(list(stream)[-1], RunFailed)


def test_what_was_cancelled_is_forgotten_in_the_next_cell(open_session, play, hanging):
    counts = []

    class Plugin:
        @hookimpl
        def llm_repl_before_cell(self, context):
            counts.append(asyncio.current_task().cancelling())

    notebook = Notebook()
    notebook.add_prompt("wait", provider="hanging")
    notebook.add_code("x = 1")
    session = open_session(notebook, hanging, Plugin(), cell_timeout_s=0.1)
    play(session, stop_on_error=False)
    assert counts == [0, 0]
    assert notebook.cells[1].status == "completed"


def test_to_close_stops_what_runs(open_session, check_law, kernel):
    session = open_session([ENDLESS, "never = 1"], kernel=kernel)
    events = play_and(session, CellOutput, session.close)
    check_law(events)
    assert events[-1].interrupted
    session.close()
    with pytest.raises(Conflict, match="closed"):
        session.run()
    with pytest.raises(Conflict, match="closed"):
        session.assign({"x": 1})
    with pytest.raises(Conflict, match="closed"):
        session.restart()
    assert dict(session.state) == {}


def test_a_closed_session_of_a_shared_loop_starts_no_kernel(open_session):
    from llm_repl_core.engine.loop import EngineLoop

    with EngineLoop() as loop:
        session = open_session(["x = 1"], loop=loop)
        session.run()
        loop.call(session.live.close())

        async def start():
            session.live.start()

        with pytest.raises(Conflict, match="closed"):
            loop.call(start())
        assert not session.kernel.alive


def test_when_the_engine_ends_every_cell_has_its_ending(open_session, check_law, wait_for, hanging):
    from llm_repl_core.engine.loop import EngineLoop

    notebook = Notebook()
    notebook.add_prompt("wait", provider="hanging")
    notebook.add_code("never = response_0")
    loop = EngineLoop()
    session = open_session(notebook, hanging, loop=loop)
    heard = []
    session.live.listen(heard.append)

    async def start():
        session.live.start()

    loop.call(start())
    wait_for(lambda: HangingProvider.began, "the call")
    loop.close()
    check_law(heard)
    assert any(isinstance(event, CellFailed) for event in heard)
    assert isinstance(heard[-1], RunFailed)
    assert HangingProvider.closed == 1
    assert notebook.cells[1].status == "idle"
    session.live.closed = True  # its loop has gone
    asyncio.run(session.kernel.shutdown())


def test_a_provider_that_swallows_its_cancelling_is_cancelled_again(
    open_session, check_law, monkeypatch
):
    monkeypatch.setattr(cell_stopper, "INTERRUPT_GRACE_S", 0.1)
    swallowed = []
    began = threading.Event()

    class Stubborn(HangingProvider):
        name = "stubborn"

        async def stream(self, request):
            began.set()
            while len(swallowed) < 3:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    swallowed.append(1)
            yield Delta(text="at last")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Stubborn]

    notebook = Notebook()
    notebook.add_prompt("wait", provider="stubborn")
    notebook.add_code("never = response_0")
    session = open_session(notebook, Plugin())
    stopping = threading.Thread(target=lambda: began.wait(20) and session.interrupt())
    stopping.start()
    events = list(session.stream())
    stopping.join()
    check_law(events)
    assert len(swallowed) == 3
    assert events[-1].error == "The run was stopped."
    assert any(isinstance(event, CellCompleted) for event in events)
    assert notebook.cells[1].status == "idle"


def test_a_template_whose_field_does_not_end_is_interrupted(open_session, check_law, kernel):
    notebook = Notebook()
    notebook.add_code("def endless():\n    import time\n    while True: time.sleep(0.01)\nprint()")
    notebook.add_prompt("It is {endless()}.")
    session = open_session(notebook, kernel=kernel)
    session.run([notebook.cells[0].id])
    timer = threading.Timer(0.3, session.interrupt)
    timer.start()
    with pytest.raises(CellExecutionError):
        session.run([notebook.cells[1].id])
    timer.join()
    assert notebook.cells[1].status == "interrupted"
    session.run([notebook.cells[0].id])  # the kernel is of use
    assert notebook.cells[0].outputs == [Output.stdout("\n")]


def test_a_restart_stops_and_empties(open_session, check_law, play, kernel):
    session = open_session(["x = 1", ENDLESS, "list(globals()).count('x')"], kernel=kernel)
    session.notebook.memory["kept"] = 7
    events = play_and(session, CellOutput, session.restart)
    check_law(events)
    assert events[-1].interrupted
    last = session.notebook.cells[2]
    play(session, [last.id])
    assert [output.content for output in last.outputs] == ["0"]
    assert last.execution_count == 1
    assert session.state["kept"] == 7
