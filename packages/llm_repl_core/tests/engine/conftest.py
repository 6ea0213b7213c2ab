"""What the engine's tests share: sessions that are closed again, and the law of events."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import pytest

from llm_repl_core import (
    Application,
    CallQueued,
    CallSent,
    CellCompleted,
    CellFailed,
    CellOutput,
    CellOutputsCleared,
    CellOutputUpdated,
    CellReasoning,
    CellRemoved,
    CellRetried,
    CellsStale,
    CellStarted,
    CellText,
    CellWaiting,
    ItemsProgress,
    ItemsStarted,
    Notebook,
    Output,
    PluginManager,
    RunCompleted,
    RunFailed,
    RunProgress,
    RunStarted,
    Session,
    Settings,
    StaleReasonsChanged,
    ToolApprovalNeeded,
)
from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.model.output_changes import StreamEdit

LIMIT_S = 20.0


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(tmp_path / "configuration"))


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """Every thread of an engine ends with its session."""
    before = _engine_threads()
    yield
    wait_for(lambda: _engine_threads() <= before, "threads to end")


def _engine_threads():
    ours = ("llm-repl-engine", "llm-repl-code")
    return {thread for thread in threading.enumerate() if thread.name in ours}


@pytest.fixture(scope="session")
def zygote():
    zygote = Zygote()
    yield zygote
    asyncio.run(zygote.stop())


@pytest.fixture(params=["in_process", "worker"])
def kernel(request):
    """The name of a kernel: a test that takes it is run with each."""
    return request.param


@pytest.fixture
def open_session(request):
    """Opens a notebook, given as one or as the texts of its code cells; closes it afterwards."""
    opened = []

    def open_it(
        notebook,
        *plugins,
        kernel="in_process",
        loop=None,
        application=None,
        ledger=None,
        **settings,
    ):
        if not isinstance(notebook, Notebook):
            notebook = code_notebook(*notebook)
        if application is None:
            manager = PluginManager()
            for number, plugin in enumerate(plugins):
                manager.register(plugin, f"plugin-{number}")
            # A failure is a failure at once, unless a test is about trying again.
            application = Application(Settings(**{"call_attempts": 1} | settings), plugins=manager)
            assert application.plugins.failures == []
        if kernel == "worker":
            kernel = WorkerKernel(
                application.kernel_options(), zygote=request.getfixturevalue("zygote")
            )
        session = Session(
            notebook, application=application, kernel=kernel, loop=loop, ledger=ledger
        )
        opened.append(session)
        return session

    yield open_it
    for session in opened:
        session.close()


def code_notebook(*codes):
    notebook = Notebook("Example")
    for code in codes:
        notebook.add_code(code)
    return notebook


@pytest.fixture
def play():
    """Runs a session's cells and gives the events, which keep the law."""

    def play_it(session, cell_ids=None, **options):
        events = list(session.stream(cell_ids, **options))
        check_law(events)
        return events

    return play_it


@pytest.fixture(name="check_law")
def _check_law():
    return check_law


@pytest.fixture(name="wait_for")
def _wait_for():
    return wait_for


def wait_for(condition, what="it"):
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit, f"waited in vain for {what}"
        time.sleep(0.005)


UNDER_WAY = (
    CallQueued,
    CallSent,
    CellText,
    CellReasoning,
    CellRetried,
    ItemsProgress,
    ItemsStarted,
    ToolApprovalNeeded,
)
"""What may come of a cell between its start and its ending, beside outputs."""


def check_law(events):
    """Numbered without a gap, one start and one ending a run, the same for each cell within."""
    first = events[0].sequence
    assert [event.sequence for event in events] == list(range(first, first + len(events)))
    assert [type(event) for event in events].count(RunStarted) == 1
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunCompleted | RunFailed)
    assert len({event.run_id for event in events}) == 1
    assert len({event.notebook_id for event in events}) == 1
    running, started, ended = {}, Counter(), 0
    for event in events[1:-1]:
        if isinstance(event, CellsStale | StaleReasonsChanged):
            continue
        if isinstance(event, RunProgress):
            ended += 1
            assert (event.ended, event.total) == (ended, len(events[0].cell_ids))
            continue
        if isinstance(event, CellStarted):
            assert event.cell_id not in running
            running[event.cell_id] = []
            started[event.cell_id] += 1
            assert event.cell_id in events[0].cell_ids
            continue
        if isinstance(event, CellOutputUpdated) and event.cell_id not in running:
            continue  # of a cell that ran before
        if isinstance(event, CellWaiting | CellRemoved):
            assert event.cell_id not in running
            assert event.cell_id in events[0].cell_ids
            continue
        given = running[event.cell_id]
        if isinstance(event, CellOutput | CellOutputUpdated | CellOutputsCleared):
            change_outputs(given, event)
        elif not isinstance(event, UNDER_WAY):
            check_ending(event, given)
            del running[event.cell_id]
    assert running == {}
    assert set(started.values()) <= {1}
    if any(isinstance(event, CellFailed) for event in events):
        assert isinstance(events[-1], RunFailed)


def change_outputs(outputs, event):
    """Do what a client does that shows outputs as they come."""
    if isinstance(event, CellOutputsCleared):
        outputs.clear()
        return
    output, place = event.output, event.index
    if isinstance(event, CellOutputUpdated):
        if event.lines:
            edit = StreamEdit(output.type, event.lines, output.content)
            output = Output(output.type, edit.apply(outputs[place].content))
        outputs[place] = output
    elif place == len(outputs):
        outputs.append(output)
    else:
        assert (place, outputs[place].type) == (len(outputs) - 1, output.type)
        outputs[place] = Output(output.type, outputs[place].content + output.content)


def check_ending(event, given):
    assert isinstance(event, CellCompleted | CellFailed)
    # What a stream has taken back altogether is no output in the end.
    assert list(event.outputs) == [output for output in given if output != Output(output.type, "")]
    assert event.execution_count >= 0
    assert event.duration_s >= 0
    if isinstance(event, CellFailed):
        assert event.outputs[-1].type == "error"
        assert event.error == event.outputs[-1].content
