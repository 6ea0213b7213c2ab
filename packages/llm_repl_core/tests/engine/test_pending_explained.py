"""Who reads the variable of a prompt that is not answered yet is told so, whatever cell it is."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core import CellFailed, Delta, Notebook, Provider, hookimpl

LIMIT_S = 30.0
HIDDEN = "import types\nbox = types.SimpleNamespace()\nexec('box.read = lambda: ans' + 'wer')"
"""A use of ``answer`` that nobody can see in the text."""

CELLS = {
    "code": ("code", "box.read()", {}),
    "field": ("prompt", "Tell: {box.read()}", {}),
    "system": ("prompt", "Tell", {"system": "{box.read()}"}),
    "items": ("prompt", "{item}", {"for_each": "[box.read()]"}),
    "field of an item": ("prompt", "{item} {box.read()}", {"for_each": "[1]"}),
    "memory": ("memory", "kept = box.read()", {}),
}


@pytest.fixture
def plugin():
    """Its provider answers when a cell has failed."""

    class Patient(Provider):
        name = "patient"
        default_model = "patient"
        may_answer = asyncio.Event()

        async def stream(self, request):
            async with asyncio.timeout(LIMIT_S):
                await self.may_answer.wait()
            yield Delta(text="Oslo")

    class Plugin:
        provider = Patient

        @hookimpl
        def llm_repl_providers(self):
            return [Patient]

    return Plugin()


def failure_of(session, cell, plugin):
    """Run all; the error of that cell, the only one that fails, while an answer is pending."""
    failures = []

    def listen(event):
        if isinstance(event, CellFailed):
            failures.append((event.cell_id, event.error))
            plugin.provider.may_answer.set()

    session.live.listen(listen)
    list(session.stream(speculate=False))
    [(cell_id, message)] = failures
    assert cell_id == cell.id
    return message


@pytest.mark.parametrize("kernel", ["in_process", "worker", "jupyter"])
@pytest.mark.parametrize("what", CELLS)
def test_a_pending_variable_is_explained(open_session, plugin, kernel, what):
    notebook = Notebook()
    notebook.metadata["llm_repl"] = {"provider": "patient"}
    notebook.add_code(HIDDEN)
    asks = notebook.add_prompt("Name a city.", response_var="answer")
    kind, text, fields = CELLS[what]
    reads = getattr(notebook, f"add_{kind}")(text, **fields)
    session = open_session(notebook, plugin, kernel=kernel)
    message = failure_of(session, reads, plugin)
    number = notebook.index(asks.id) + 1
    assert message.count(f"`answer` is the answer of cell {number}, which is not there") == 1
    assert message.count("name 'answer' is not defined. ") == 1
    assert message.endswith("run the notebook in order (`--serial`).")
    # No other advice, which would lead astray: neither names that are alike, nor about braces.
    assert "the state has" not in message
    assert "braces" not in message
    assert session.state["answer"] == "Oslo"


@pytest.mark.parametrize("kernel", ["in_process", "worker", "jupyter"])
@pytest.mark.parametrize("fields", [{"content": "{missing}"}, {"for_each": "missing"}], ids=str)
def test_an_error_names_the_variables_that_would_be_there_in_order(
    open_session, plugin, kernel, fields
):
    notebook = Notebook()
    notebook.metadata["llm_repl"] = {"provider": "patient"}
    notebook.add_code("first = missing = 1\ndel missing")
    notebook.add_prompt("Name a city.", response_var="answer")
    reads = notebook.add_prompt(**{"content": "{item}", **fields})
    session = open_session(notebook, plugin, kernel=kernel)
    message = failure_of(session, reads, plugin)
    assert "the state has: answer, first" in message
