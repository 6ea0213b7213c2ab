"""The number of a cell in tracebacks is its place, which every surface shows."""

from __future__ import annotations

import pytest

from llm_repl_core import CellExecutionError, Notebook

FORMS = {"in_process": '"<cell {}>"', "worker": "Cell In[{}], line", "jupyter": "Cell In[{}], line"}


@pytest.mark.parametrize("kernel", FORMS)
def test_tracebacks_of_cells_and_tools_show_the_notebooks_numbers(open_session, kernel):
    if kernel == "jupyter":
        pytest.importorskip("ipykernel")
    notebook = Notebook()
    notebook.add_markdown("# Title")
    notebook.add_code("def work():\n    raise ValueError('no')")
    prompt = notebook.add_prompt("go", model="mock/call:work", tools=["work"])
    failing = notebook.add_code("work()")
    session = open_session(notebook, kernel=kernel)
    with pytest.raises(CellExecutionError):
        session.run()

    def shows(text, number):
        return FORMS[kernel].format(number) in text

    [told, *_] = [output for output in prompt.outputs if output.type == "stderr"]
    assert "llm_repl" not in told.content
    trace = "\n".join(failing.outputs[-1].fields["traceback"])
    assert shows(trace, 4)
    assert shows(trace, 2)
    assert "llm_repl" not in trace
    if kernel != "jupyter":  # which tells Jupyter's own names of files there
        assert shows(told.content, 2)
    with pytest.raises(CellExecutionError):
        session.run([failing.id])
    assert shows("\n".join(failing.outputs[-1].fields["traceback"]), 4)


@pytest.mark.parametrize("kernel", ["worker", "jupyter"])
def test_results_have_the_notebooks_numbers_however_often_cells_run(open_session, kernel):
    if kernel == "jupyter":
        pytest.importorskip("ipykernel")
    notebook = Notebook()
    notebook.add_markdown("# Title")
    notebook.add_code("7 * 6")
    asks = notebook.add_code("(_2, Out[2], _i2)")
    session = open_session(notebook, kernel=kernel)
    for _ in range(3):
        session.run()
        # IPython says it among the outputs where its history refuses a number.
        assert [output.content for output in asks.outputs] == ["(42, 42, '7 * 6')"]


def test_functions_keep_their_lines_where_another_text_has_the_number(open_session):
    notebook = Notebook()
    cell = notebook.add_code("def work():\n    raise ValueError('no')")
    session = open_session(notebook, kernel="in_process")
    session.run()
    cell.content = "# something else\n# altogether"
    session.run()
    failing = notebook.add_code("work()")
    with pytest.raises(CellExecutionError):
        session.run([failing.id])
    trace = "\n".join(failing.outputs[-1].fields["traceback"])
    assert "raise ValueError('no')" in trace
    assert "altogether" not in trace
