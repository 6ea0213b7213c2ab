from __future__ import annotations

import itertools
import logging
import threading

import pytest

from llm_repl_core import (
    CellCompleted,
    CellExecutionError,
    CellFailed,
    CellNotFound,
    CellOutput,
    CellStarted,
    CodeCell,
    ForeignCell,
    Notebook,
    Output,
    RunCompleted,
    RunFailed,
)
from llm_repl_core.execution.cell_type import CellType
from llm_repl_core.model.cell import Cell
from llm_repl_core.plugins.markers import hookimpl


def kinds(events):
    return [type(event).__name__ for event in events]


def all_types():
    notebook = Notebook("All types")
    notebook.add_markdown("# Title")
    notebook.add_code("print('one')\nprint('two')\n6 * 7")
    notebook.add_code("n = 42")
    notebook.add_prompt("Say {n}", model="mock/echo", response_var="said")
    notebook.add_memory("kept = [1, 2]")
    notebook.add_code("said, kept")
    return notebook


def test_all_types_of_cells_run_in_document_order(open_session, play, kernel):
    notebook = all_types()
    session = open_session(notebook, kernel=kernel)
    events = play(session)
    assert events[0].cell_ids == tuple(cell.id for cell in notebook)
    assert events[0].whole_notebook
    started = [event.cell_id for event in events if isinstance(event, CellStarted)]
    assert started == list(events[0].cell_ids)
    assert isinstance(events[-1], RunCompleted)
    assert [cell.status for cell in notebook] == ["completed"] * 6
    assert [cell.execution_count for cell in notebook] == [0, 1, 2, 2, 3, 4]
    ended = {event.cell_id: event for event in events if isinstance(event, CellCompleted)}
    assert [list(ended[cell.id].outputs) for cell in notebook] == [
        cell.outputs for cell in notebook
    ]
    assert notebook.cells[1].outputs[0] == Output.stdout("one\ntwo\n")
    assert notebook.cells[-1].outputs[-1].content == "('Say 42', [1, 2])"


def test_numbers_go_on_from_run_to_run(open_session, play):
    session = open_session(["x = 1"])
    first, second = play(session), play(session)
    assert second[0].sequence == first[-1].sequence + 1
    assert second[0].run_id != first[0].run_id
    assert session.notebook.cells[0].execution_count == 2


def test_a_notebook_without_cells_runs(open_session, play):
    assert kinds(play(open_session(Notebook()))) == ["RunStarted", "RunCompleted"]


def test_chosen_cells_run_in_document_order_and_once(open_session, play):
    session = open_session(["log = [0]"] + [f"log.append({n})" for n in range(1, 10)])
    ids = [cell.id for cell in session.notebook]
    events = play(session, [*reversed(ids[:8]), *ids[:3]])
    assert events[0].cell_ids == tuple(ids[:8])
    assert not events[0].whole_notebook
    assert session.state["log"] == list(range(8))


def test_an_unknown_cell_runs_nothing(open_session):
    session = open_session(["ran = True"])
    with pytest.raises(CellNotFound, match="no-such-cell"):
        session.run([session.notebook.cells[0].id, "no-such-cell"])
    assert session.notebook.cells[0].status == "idle"
    assert "ran" not in session.state


def test_a_failure_ends_the_run_and_names_the_cell(open_session, play, kernel):
    session = open_session(["x = 1", "1/0", "never = 1"], kernel=kernel)
    failed = session.notebook.cells[1]
    with pytest.raises(CellExecutionError, match="ZeroDivisionError: division by zero") as caught:
        session.run()
    assert caught.value.cell_id == failed.id
    assert [cell.status for cell in session.notebook] == ["completed", "error", "idle"]
    assert failed.outputs[-1].fields["ename"] == "ZeroDivisionError"
    events = play(session)
    assert isinstance(events[-1], RunFailed)
    assert events[-1].cell_id == failed.id
    assert events[-1].error == "ZeroDivisionError: division by zero"
    assert not events[-1].interrupted
    assert "never" not in session.state


def test_a_run_can_go_on_behind_a_failure(open_session, play):
    session = open_session(["1/0", "x = 1", "undefined", "y = 2"])
    events = play(session, stop_on_error=False)
    assert [cell.status for cell in session.notebook] == ["error", "completed"] * 2
    assert events[-1].cell_id == session.notebook.cells[0].id  # the first failure
    assert events[-1].error.startswith("ZeroDivisionError")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        session.run(stop_on_error=False)


def test_two_runs_at_once_take_turns(open_session, check_law, kernel):
    session = open_session(
        ["log = []", "import time\nfor _ in range(20): time.sleep(0.001)\nlog"], kernel=kernel
    )
    heard = []
    session.live.listen(heard.append)
    session.run([session.notebook.cells[0].id])
    heard.clear()

    async def both():
        (_, first), (_, second) = session.live.start(), session.live.start()
        assert session.live.busy is False  # neither has begun
        return [await second, await first]

    session.loop.call(both())
    half = len(heard) // 2
    check_law(heard[:half])
    check_law(heard[half:])
    assert heard[0].run_id != heard[half].run_id
    assert session.live.busy is False


def test_threads_that_run_at_once_take_turns(open_session, check_law):
    session = open_session(["import threading\nwho = threading.get_ident()", "who"])
    runs = {}
    all_there = threading.Barrier(4)  # or an ident might be given to two of them

    def run():
        all_there.wait(20)
        runs[threading.get_ident()] = list(session.stream())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(runs) == 4
    spans = []
    for ident, events in runs.items():
        check_law(events)
        spans.append((events[0].sequence, events[-1].sequence))
        # The code of each run is run by the thread that asked for it.
        [*_, last] = [event for event in events if isinstance(event, CellCompleted)]
        assert last.outputs[-1].content == str(ident)
    spans.sort()
    assert all(first[1] + 1 == second[0] for first, second in itertools.pairwise(spans))


def test_an_edit_during_the_run_keeps_its_own_outputs(open_session, check_law):
    session = open_session(["print('old')\nanswer = 1"])
    cell = session.notebook.cells[0]
    events = []
    for event in session.stream():
        events.append(event)
        if isinstance(event, CellOutput):
            cell.change(content="print('new')")
    check_law(events)
    assert cell.outputs == []
    assert cell.status == "idle"
    assert cell.execution_count is None
    assert isinstance(events[-2], CellCompleted)
    assert events[-2].outputs == (Output.stdout("old\n"),)
    assert events[-2].execution_count == 1


def test_an_edit_before_the_code_runs_is_what_runs(open_session, play):
    class Editor:
        @hookimpl
        def llm_repl_before_cell(self, context):
            context.cell.change(content="print('new')")

    session = open_session(["print('old')"], Editor())
    play(session)
    cell = session.notebook.cells[0]
    assert cell.outputs == [Output.stdout("new\n")]
    assert cell.status == "completed"
    assert cell.execution_count == 1


def test_a_cell_that_was_removed_while_it_waited_is_passed_over(open_session, check_law):
    session = open_session(["x = 1", "y = 1", "z = 1"])
    gone = session.notebook.cells[1].id
    events = []
    for event in session.stream():
        events.append(event)
        if isinstance(event, CellStarted) and gone in session.notebook:
            session.notebook.remove(gone)
    check_law(events)
    assert isinstance(events[-1], RunCompleted)
    assert list(session.state) == ["x", "z"]


def test_a_cell_that_is_removed_while_it_runs_has_its_ending(open_session, check_law):
    session = open_session(["print(1)"])
    cell = session.notebook.cells[0]
    events = []
    for event in session.stream():
        events.append(event)
        if isinstance(event, CellOutput):
            session.notebook.remove(cell.id)
    check_law(events)
    assert isinstance(events[-2], CellCompleted)


def test_a_foreign_cell_says_why_it_does_not_run(open_session, play):
    notebook = Notebook()
    notebook.insert(ForeignCell(content="SELECT 1", foreign_type="SQLCell"))
    events = play(open_session(notebook))
    assert events[-1].error == (
        "UnknownCellType: No installed plugin runs cells of the type `SQLCell`; "
        "the cell is kept as it is."
    )


class OddCell(Cell, kw_only=True):
    type = "odd"
    wire_type = "OddCell"


def odd_type(execute):
    class Plugin:
        @hookimpl
        def llm_repl_cell_types(self):
            return [CellType(OddCell, execute)]

    return Plugin()


@pytest.mark.parametrize(
    "error", [ValueError("odd"), SystemExit(3), KeyboardInterrupt("odd"), RecursionError("odd")]
)
def test_an_executor_that_raises_anything_fails_its_cell_only(open_session, play, caplog, error):
    async def execute(cell, execution):
        yield Output.stdout("before")
        raise error

    notebook = Notebook()
    notebook.insert(OddCell())
    notebook.add_code("x = 1")
    session = open_session(notebook, odd_type(execute))
    with caplog.at_level(logging.CRITICAL):
        events = play(session, stop_on_error=False)
    name = type(error).__name__
    assert notebook.cells[0].outputs == [Output.stdout("before"), Output.error(name, str(error))]
    assert notebook.cells[1].status == "completed"
    assert not events[-1].interrupted


def test_an_error_output_fails_the_cell_without_an_exception(open_session, play):
    async def execute(cell, execution):
        yield Output.error("Odd", "no")

    notebook = Notebook()
    notebook.insert(OddCell())
    assert play(open_session(notebook, odd_type(execute)))[-1].error == "Odd: no"


def test_a_listener_that_fails_loses_no_event(open_session, play, caplog):
    session = open_session(["print(1)", "1/0"])
    heard = []

    def bad(event):
        raise RuntimeError("cannot hear")

    session.live.listen(bad)
    session.live.listen(heard.append)
    with caplog.at_level(logging.CRITICAL):
        events = play(session)
    assert heard == events
    assert kinds(events)[-1] == "RunFailed"


def test_a_failing_listener_is_logged(open_session, caplog):
    session = open_session(["1"])
    session.live.listen(lambda event: 1 / 0)
    session.run()
    assert "a listener failed at CellStarted" in caplog.text


def test_a_kernel_that_dies_ends_the_cell_and_comes_back(open_session, play):
    session = open_session(["x = 1", "import os\nos._exit(9)", "y = 1"], kernel="worker")
    notebook = session.notebook
    notebook.memory["kept"] = [1]
    events = play(session)
    assert events[-1].error.startswith("KernelDied: ")
    assert not events[-1].interrupted
    assert notebook.cells[2].status == "idle"
    play(session, [notebook.cells[2].id])
    assert notebook.cells[2].outputs[0].type == "warning"
    assert "started anew" in notebook.cells[2].outputs[0].content
    assert dict(session.state) == {"kept": [1], "memory": {"kept": [1]}, "y": 1}
    play(session, [notebook.cells[2].id])
    assert notebook.cells[2].outputs == []  # it is said once


def test_outputs_arrive_while_the_code_runs(open_session, wait_for, tmp_path, kernel):
    sign = tmp_path / "sign"
    code = (
        f"import pathlib, time\nprint('first', flush=True)\n"
        f"while not pathlib.Path({str(sign)!r}).exists(): time.sleep(0.005)"
    )
    session = open_session([code], kernel=kernel)
    heard = []

    def listen(event):
        heard.append(event)
        if isinstance(event, CellOutput):
            sign.touch()  # so that the cell ends only after its output was heard

    session.live.listen(listen)
    session.run()
    assert kinds(heard) == [
        "RunStarted",
        "CellStarted",
        "CellOutput",
        "CellCompleted",
        "RunCompleted",
    ]


def test_cells_of_a_replaced_type_keep_their_own_outputs(open_session, check_law):
    session = open_session(["print('old')"])
    cell = session.notebook.cells[0]
    events = []
    for event in session.stream():
        events.append(event)
        if isinstance(event, CellOutput):
            session.notebook.replace(CodeCell(id=cell.id, content="new"))
    check_law(events)
    assert session.notebook.cells[0].outputs == []
    assert not isinstance(events[-2], CellFailed)
