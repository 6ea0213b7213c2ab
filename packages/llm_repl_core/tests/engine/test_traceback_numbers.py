"""The number of a cell in tracebacks is the one that the notebook shows."""

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
    work = notebook.add_code("def work():\n    raise ValueError('no')")
    prompt = notebook.add_prompt("go", model="mock/call:work", tools=["work"])
    failing = notebook.add_code("work()")
    session = open_session(notebook, kernel=kernel)
    with pytest.raises(CellExecutionError):
        session.run()

    def shows(text, cell):
        return FORMS[kernel].format(cell.execution_count) in text

    [told, *_] = [output for output in prompt.outputs if output.type == "stderr"]
    assert "llm_repl" not in told.content
    trace = "\n".join(failing.outputs[-1].fields["traceback"])
    assert shows(trace, failing)
    assert shows(trace, work)
    assert "llm_repl" not in trace
    if kernel != "jupyter":  # which tells Jupyter's own names of files there
        assert shows(told.content, work)
    with pytest.raises(CellExecutionError):
        session.run([failing.id])
    assert shows("\n".join(failing.outputs[-1].fields["traceback"]), failing)
