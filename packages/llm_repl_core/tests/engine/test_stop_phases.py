"""A stop ends whatever a prompt is at, and keeps what had come."""

from __future__ import annotations

import asyncio
import threading

import pytest

from llm_repl_core import (
    CellFailed,
    CellOutput,
    CellRetried,
    CellStarted,
    CellText,
    Delta,
    Notebook,
    NotFound,
    Provider,
    ProviderError,
    RunFailed,
    ToolApprovalNeeded,
    hookimpl,
)
from llm_repl_core.errors import ProviderUnreachable, RateLimited

LIMIT_S = 20.0
ENDLESS_TOOL = """\
import time
def work():
    print('in the tool', flush=True)
    while True:
        time.sleep(0.005)
"""


class Calls:
    """What the provider under test was asked, and how each call was left."""

    def __init__(self):
        self.begun = 0
        self.closed = 0


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def plugin(calls):
    class Slow(Provider):
        """The model's name says at what it stays: `head`, `pieces`, `failing`, `limited`."""

        name = "slow"
        default_model = "pieces"

        async def stream(self, request):
            calls.begun += 1
            try:
                if request.model == "failing":
                    raise ProviderUnreachable("Nobody answers.")
                if request.model == "limited":
                    raise RateLimited("Later.", retry_after_s=60)
                if request.model == "head":
                    await asyncio.Event().wait()
                yield Delta(text="some ")
                yield Delta(text="pieces ")
                await asyncio.Event().wait()
            finally:
                calls.closed += 1

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Slow]

    return Plugin()


def slow(notebook, model, **fields):
    return notebook.add_prompt("wait", provider="slow", model=model, **fields)


class Stopper:
    """Stops in a thread of its own at the first event that is waited for."""

    def __init__(self, session, stop, is_time):
        self.events = []
        self._thread = threading.Thread(target=lambda: session.loop.call(stop()))
        self._is_time = is_time
        self._begun = False
        session.live.listen(self._hear)

    def _hear(self, event):
        self.events.append(event)
        if not self._begun and self._is_time(event):
            self._begun = True
            self._thread.start()

    def join(self):
        assert self._begun
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()


def stopped_by(session, what):
    """What to stop: the cell, the run, or all of the session."""
    cell = session.notebook.cells[-1]

    async def stop():
        if what == "cell":
            assert await session.live.interrupt(cell_id=cell.id)
        elif what == "run":
            [run_id] = session.live._queue._runs
            assert await session.live.interrupt(run_id=run_id)
        else:
            assert await session.live.interrupt()

    return stop


def of_kind(*kinds):
    return lambda event: isinstance(event, kinds)


def on_tool_output(event):
    return "in the tool" in str(getattr(event, "output", ""))


# By phase: the model, further fields of the prompt, and the sign that it is there.
PHASES = {
    "waiting for the head": ("slow/head", {}, of_kind(CellStarted)),
    "between deltas": ("slow/pieces", {}, of_kind(CellText)),
    "waiting for a retry": ("slow/failing", {}, of_kind(CellRetried)),
    "waiting as a 429 asks": ("slow/limited", {}, of_kind(CellRetried)),
    "waiting for approval": (
        "mock/call:work",
        {"tools": ["work"], "approve_tools": True},
        of_kind(ToolApprovalNeeded),
    ),
    "in a tool": ("mock/call:work", {"tools": ["work"]}, None),
    "over items": ("slow/pieces", {"for_each": "range(3)"}, of_kind(CellText)),
}


@pytest.mark.parametrize("what", ["cell", "run", "session"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_stop_ends_a_prompt_at_whatever_it_is(
    open_session, check_law, plugin, calls, wait_for, phase, what
):
    model, fields, sign = PHASES[phase]
    notebook = Notebook()
    code = notebook.add_code(ENDLESS_TOOL)
    cell = notebook.add_prompt("wait", model=model, **fields)
    session = open_session(notebook, plugin, call_attempts=3)
    session.run([code.id])
    began = threading.Event()
    if sign is None:
        # What a tool prints comes with its result; that it runs is seen from the kernel.
        session.state["work"].__globals__["print"] = lambda *_, **__: began.set()
    stopper = Stopper(
        session,
        stopped_by(session, what),
        sign or (lambda event: False),
    )
    events = []
    runner = threading.Thread(target=lambda: events.extend(session.stream([cell.id])))
    runner.start()
    if sign is None:
        assert began.wait(LIMIT_S)
        stopper._begun = True
        stopper._thread.start()
    runner.join(LIMIT_S)
    assert not runner.is_alive()
    stopper.join()
    check_law(events)
    endings = [event for event in events if isinstance(event, CellFailed)]
    assert [event.cell_id for event in endings] == [cell.id]
    assert endings[0].interrupted
    assert cell.status == "interrupted"
    assert events[-1].interrupted
    assert calls.begun == calls.closed
    partial = [output for output in cell.outputs if output.type == "llm_response"]
    if phase in ("between deltas", "over items"):
        assert all(one.content == "some pieces " for one in partial)
        assert len(partial) == (1 if phase == "between deltas" else 3)
        assert all(one.fields["interrupted"] is True for one in partial)
    else:
        assert partial == []
    # The kernel and the session are of use.
    session.run([code.id])
    assert "response_1" not in session.state


def test_a_prompt_that_waits_for_a_place_is_stopped(open_session, check_law, plugin, calls):
    notebook = Notebook()
    first, second = slow(notebook, "pieces"), slow(notebook, "pieces")
    session = open_session(notebook, plugin)

    async def stop():
        assert await session.live.interrupt(cell_id=second.id)
        assert (first.status, second.status) == ("running", "interrupted")
        assert await session.live.interrupt(cell_id=first.id)

    stopper = Stopper(session, stop, of_kind(CellText))
    events = list(session.stream(concurrency=1))
    stopper.join()
    check_law(events)
    assert (calls.begun, calls.closed) == (1, 1)
    assert [output.type for output in second.outputs] == ["error"]


def test_a_cell_that_is_stopped_ends_its_run_but_not_what_has_begun(
    open_session, check_law, plugin, calls
):
    notebook = Notebook()
    first = slow(notebook, "pieces")
    second = notebook.add_prompt("on its own", model="echo+delay=0.1")
    never = notebook.add_code("never = response_0")
    session = open_session(notebook, plugin)
    stopper = Stopper(session, lambda: session.live.interrupt(cell_id=first.id), of_kind(CellText))
    events = list(session.stream())
    stopper.join()
    check_law(events)
    assert [cell.status for cell in (first, second, never)] == ["interrupted", "completed", "idle"]
    assert isinstance(events[-1], RunFailed)
    assert events[-1].cell_id == first.id


def test_a_run_that_waits_for_its_turn_is_stopped_and_the_first_goes_on(
    open_session, wait_for, plugin, calls
):
    notebook = Notebook()
    cell = slow(notebook, "pieces")
    session = open_session(notebook, plugin)

    async def go():
        first_id, first = session.live.start([cell.id])
        second_id, second = session.live.start([cell.id])
        while not calls.begun:  # noqa: ASYNC110  # it counts, and knows no event
            await asyncio.sleep(0.001)
        assert await session.live.interrupt(run_id=second_id)
        assert second.done()
        assert not first.done()
        assert await session.live.interrupt(run_id=first_id)
        assert first.done()
        assert not await session.live.interrupt(run_id=first_id)
        assert not await session.live.interrupt(cell_id=cell.id)

    session.loop.call(go(), LIMIT_S)
    assert (calls.begun, calls.closed) == (1, 1)


def test_code_that_waits_for_an_answer_is_stopped_before_it_begins(open_session, plugin, calls):
    notebook = Notebook()
    prompt = slow(notebook, "pieces")
    code = notebook.add_code("ran = response_0")
    session = open_session(notebook, plugin)
    stopper = Stopper(session, session.live.interrupt, of_kind(CellText))
    events = list(session.stream())
    stopper.join()
    started = [event.cell_id for event in events if isinstance(event, CellStarted)]
    assert started == [prompt.id]
    assert code.status == "idle"


@pytest.fixture
def busy():
    """A prompt, and code that has the kernel while the answer comes, so that it has to wait."""
    notebook = Notebook()
    prompt = notebook.add_prompt("the answer", model="echo", response_var="p")
    notebook.add_code("import time\nwhile True: time.sleep(0.005)")
    return notebook, prompt


def is_answer(event):
    return isinstance(event, CellOutput) and event.output.type == "llm_response"


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
@pytest.mark.parametrize("schema", [None, "word str"])
def test_a_whole_answer_that_waits_for_the_kernel_outlives_the_stop_of_its_run(
    open_session, check_law, busy, kernel, schema
):
    notebook, prompt = busy
    notebook.change(prompt.id, content='{{"word": "x"}}', schema=schema)
    session = open_session(notebook, kernel=kernel)
    stopper = Stopper(session, session.live.interrupt, is_answer)
    events = list(session.stream())
    stopper.join()
    check_law(events)
    assert [cell.status for cell in notebook] == ["completed", "interrupted"]
    assert session.state["p"] == ('{"word": "x"}' if schema is None else {"word": "x"})
    assert isinstance(events[-1], RunFailed)
    assert events[-1].interrupted


def test_a_whole_answer_that_waits_for_the_kernel_is_left_when_its_own_cell_is_stopped(
    open_session, check_law, busy
):
    notebook, prompt = busy
    session = open_session(notebook)

    async def stop():
        await session.live.interrupt(cell_id=prompt.id)
        await session.live.interrupt()

    stopper = Stopper(session, stop, is_answer)
    events = list(session.stream())
    stopper.join()
    check_law(events)
    assert [cell.status for cell in notebook] == ["interrupted", "interrupted"]
    [answer, stopped] = prompt.outputs
    assert (answer.content, stopped.fields["ename"]) == ("the answer", "Interrupted")
    assert "p" not in session.state


def test_an_approval_that_nobody_waits_for_any_more_says_so(open_session):
    notebook = Notebook()
    notebook.add_code("def work(): return 1")
    notebook.add_prompt("go", model="mock/call:work", tools=["work"], approve_tools=True)
    session = open_session(notebook)
    stopper = Stopper(session, session.live.interrupt, of_kind(ToolApprovalNeeded))
    events = list(session.stream())
    stopper.join()
    [asked] = [event for event in events if isinstance(event, ToolApprovalNeeded)]
    with pytest.raises(NotFound, match="No tool call with the id"):
        session.approve(asked.call_id)


def test_a_provider_that_fails_while_it_is_closed_changes_nothing(open_session, check_law):
    class Rude(Provider):
        name = "rude"
        default_model = "rude"

        async def stream(self, request):
            try:
                yield Delta(text="piece")
                await asyncio.Event().wait()
            finally:
                raise ProviderError("not like that")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Rude]

    notebook = Notebook()
    cell = notebook.add_prompt("x", provider="rude")
    session = open_session(notebook, Plugin())
    stopper = Stopper(session, session.live.interrupt, of_kind(CellText))
    events = list(session.stream())
    stopper.join()
    check_law(events)
    assert cell.status == "interrupted"
