"""Outputs that change while a notebook runs: as events, in cells, in files, in what models are sent."""

from __future__ import annotations

import json

import nbformat

from llm_repl_core import CellOutputsCleared, CellOutputUpdated, Notebook, Output, save_notebook

UPDATE = "from IPython.display import update_display\nupdate_display('after', display_id='shared')"


def test_an_earlier_cells_display_is_updated_there(open_session, play, kernel):
    session = open_session(
        ["print('text')\ndisplay('before', display_id='shared');", UPDATE, "1"], kernel=kernel
    )
    events = play(session)
    first, second, _ = session.notebook
    (updated,) = [event for event in events if isinstance(event, CellOutputUpdated)]
    assert (updated.cell_id, updated.index, updated.lines) == (first.id, 1, None)
    assert (updated.output.content, updated.output.display_id) == ("'after'", "shared")
    assert [output.content for output in first.outputs] == ["text\n", "'after'"]
    assert second.outputs == []


def test_a_cell_that_has_run_anew_is_not_updated_for_what_it_was(open_session, play):
    session = open_session(["display('before', display_id='shared');", UPDATE])
    first, _ = session.notebook
    play(session)
    first.content = "'anew'"
    events = play(session)
    assert [output.content for output in first.outputs] == ["'anew'"]
    assert not any(isinstance(event, CellOutputUpdated) for event in events)


def test_progress_and_cleared_outputs_leave_their_last_state(open_session, play, kernel):
    code = (
        "from IPython.display import clear_output\n"
        "import time\n"
        "print('gone'); time.sleep(0.1)\n"
        "clear_output()\n"
        "for i in range(50):\n"
        "    print(f'\\r{i} of 49', end=''); time.sleep(0.005)\n"
        "print()"
    )
    session = open_session([code], kernel=kernel)
    events = play(session)
    (cell,) = session.notebook
    assert cell.outputs == [Output.stdout("49 of 49\n")]
    assert [type(event) for event in events].count(CellOutputsCleared) == 1
    assert any(isinstance(event, CellOutputUpdated) and event.lines == 1 for event in events)


def test_files_have_the_last_state_and_no_display_ids(open_session, play, tmp_path):
    session = open_session(["display('before', display_id='shared');\nprint('10%\\r20%')", UPDATE])
    play(session)
    for name in ("n.ipynb", "n.llmn"):
        save_notebook(session.notebook, tmp_path / name)
        text = (tmp_path / name).read_text()
        assert "after" in text
        assert "20%" in text
        assert "before'" not in text.replace("display('before'", "")
        assert "10%" not in text.replace("10%\\\\r20%", "")
        assert 'display_id":' not in text
    document = nbformat.read(tmp_path / "n.ipynb", 4)
    nbformat.validate(document)
    assert [output["output_type"] for output in document.cells[0].outputs] == [
        "display_data", "stream",
    ]  # fmt: skip
    assert "transient" not in json.dumps(document)


def test_a_model_is_sent_the_last_state(open_session, play):
    notebook = Notebook("Context")
    notebook.add_code("display('before', display_id='shared');\nprint('10%\\r20%')")
    notebook.add_code(UPDATE)
    prompt = notebook.add_prompt("Go on", model="mock/echo", context="above")
    session = open_session(notebook)
    play(session)
    sent = "\n".join(message.content for message in session.preview(prompt.id).messages)
    assert "Output:\n\n```\n'after'\n20%\n```" in sent


def test_a_tool_may_update_what_another_cell_displays(open_session, play):
    notebook = Notebook("Tools")
    notebook.add_code(
        "from IPython.display import update_display\n"
        "def look() -> str:\n"
        "    'Looks.'\n"
        "    for i in range(10): print(f'\\r{i}', end='')\n"
        "    update_display('after', display_id='shared')\n"
        "    return 'seen'\n"
        "display('before', display_id='shared');"
    )
    prompt = notebook.add_prompt("Look: call look()", model="mock/call:look {}", tools=["look"])
    session = open_session(notebook)
    events = play(session)
    assert [one.content for one in notebook.cells[0].outputs] == ["'after'"]
    assert prompt.outputs[0] == Output.stdout("9")
    assert any(isinstance(event, CellOutputUpdated) for event in events)
