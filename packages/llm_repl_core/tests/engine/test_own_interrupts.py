"""A `KeyboardInterrupt` that code raises is a failure of its own, as nobody has stopped anything."""

from __future__ import annotations

import signal
import threading

import pytest

from llm_repl_core import CellFailed, CellOutput, Notebook, RunFailed, Session

FUNCTION = 'def f():\n    "Says a word."\n    raise KeyboardInterrupt("of f")'


@pytest.fixture(params=["in_process", "worker"])
def run(request):
    """Run cells, and give what each that failed has put out, and whether it was interrupted."""

    def run(*cells: str | dict[str, object]):
        notebook = Notebook()
        for cell in cells:
            if isinstance(cell, str):
                notebook.add_code(cell)
            else:
                notebook.add_prompt(**cell)
        with Session(notebook, kernel=request.param) as session:
            events = list(session.stream(stop_on_error=False))
        bad = [event for event in events if isinstance(event, CellFailed)]
        last = events[-1]
        assert isinstance(last, RunFailed) == bool(bad)
        return notebook, bad

    return run


@pytest.mark.parametrize(
    "code",
    [
        "raise KeyboardInterrupt",
        "import asyncio\nawait asyncio.sleep(0)\nraise KeyboardInterrupt",
        "raise SystemExit",
        "import sys\nsys.exit(3)",
        "quit()",
    ],
)
def test_code_that_raises_it_has_failed_and_the_next_cell_runs(run, code):
    notebook, bad = run(code, "after = 1")
    assert [event.interrupted for event in bad] == [False]
    assert [cell.status for cell in notebook] == ["error", "completed"]
    assert notebook.cells[0].outputs[-1].fields["ename"] in ("KeyboardInterrupt", "SystemExit")


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "Say {f()}."},
        {"content": "Say {item}.", "for_each": "f()"},
        {"content": "Use it.", "tools": ["f"], "model": "mock/call:f {}"},
    ],
    ids=["field", "items", "tool"],
)
def test_a_prompt_whose_code_raises_it_has_failed(run, fields):
    notebook, bad = run(FUNCTION, fields, "after = 1")
    assert [event.interrupted for event in bad] == [False]
    assert [cell.status for cell in notebook] == ["completed", "error", "completed"]
    errors = [output for output in notebook.cells[1].outputs if output.type == "error"]
    assert len(errors) == 1
    assert "KeyboardInterrupt" in errors[0].content


def test_ctrl_c_in_code_of_this_thread_is_no_failure(open_session):
    session = open_session(["print('begun', flush=True)\nwhile True: pass", "after = 1"])

    pressing = threading.Thread(target=signal.raise_signal, args=(signal.SIGINT,))

    def press_ctrl_c(event):
        # Once: the error that comes of it is an output as well.
        if isinstance(event, CellOutput) and pressing.ident is None:
            pressing.start()

    session.live.listen(press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        session.run()
    pressing.join()
    assert [cell.status for cell in session.notebook] == ["interrupted", "idle"]
