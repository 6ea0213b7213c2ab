"""Whatever names a variable means the one that Python has under that name.

Python normalises identifiers to NFKC, so that code with the micro sign sets the Greek letter.
"""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import CellExecutionError, InvalidInput, Notebook
from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.engine.plan import analyse_notebook
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.names import as_variable, is_variable
from llm_repl_core.parameters.injected import GivenParameters, apply_parameters

MICRO, GREEK = "\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"
LIGATURE, PLAIN = "\N{LATIN SMALL LIGATURE FI}t", "fit"


@given(st.text(max_size=8) | st.from_regex(r"[^\W\d]\w*", fullmatch=True))
def test_a_name_is_a_variable_where_python_can_set_it(name):
    namespace = {}
    try:
        exec(f"{name} = 1\n", {}, namespace)
        is_set = list(namespace) == [as_variable(name)]
    except (SyntaxError, ValueError):
        is_set = False
    if is_variable(name):
        assert is_set
        assert as_variable(as_variable(name)) == as_variable(name)
    elif name.isidentifier() and not keyword.iskeyword(name):
        # Python lets them be set by a trick of spelling; nothing of ours writes them.
        assert keyword.iskeyword(as_variable(name))


def test_code_templates_and_the_state_mean_one_variable(open_session, kernel):
    notebook = Notebook()
    notebook.add_code(f"{MICRO} = 5")
    prompt = notebook.add_prompt(f"{{{MICRO}}} {{{GREEK}}}", model="echo", response_var=LIGATURE)
    after = notebook.add_code(f"print({LIGATURE}, {PLAIN})")
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert prompt.response_var == PLAIN
    assert after.outputs[0].content == "5 5 5 5\n"
    assert session.state[MICRO] == session.state[GREEK] == 5
    assert MICRO in session.state
    assert list(session.state) == [PLAIN, GREEK]
    assert session.dependencies.upstream(after.id) == [notebook.cells[0].id, prompt.id]
    session.assign({MICRO: 6})
    assert session.state[GREEK] == 6


def test_an_answer_makes_what_reads_it_stale(open_session):
    notebook = Notebook()
    prompt = notebook.add_prompt("Hello.", model="echo", response_var=MICRO)
    reader = notebook.add_code(f"print({MICRO})")
    session = open_session(notebook)
    session.run()
    prompt.change(content="Good-bye.")
    session.run([prompt.id])
    assert session.notebook[reader.id].stale
    session.run_stale()
    assert session.notebook[reader.id].outputs[0].content == "Good-bye.\n"


def test_memory_names_variables(open_session, kernel):
    notebook = Notebook()
    notebook.memory[MICRO] = 1  # as a file may have it
    cell = notebook.add_memory(f"{LIGATURE} = {MICRO} + 1\nmemory.update({{'{MICRO}x': 7}})")
    code = notebook.add_code(f"print({LIGATURE}, {MICRO}, {MICRO}x)")
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert cell.status == "completed"
    assert code.outputs[0].content == "2 1 7\n"


def test_what_goes_along_with_a_prompt_is_named_alike(open_session, kernel):
    notebook = Notebook()
    notebook.add_code(
        f"import pydantic\n"
        f"class {LIGATURE}(pydantic.BaseModel):\n    n: int\n"
        f"def {MICRO}(x: int) -> int:\n    return x\n"
        f"{MICRO}_bytes = b'GIF89a-'"
    )
    form = notebook.add_prompt("One.", schema=f" {LIGATURE} ", response_var="form")
    tool = notebook.add_prompt("Two.", tools=[MICRO])
    attached = notebook.add_prompt("Three.", attachments=[f"{MICRO}_bytes"])
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert tool.tools == [GREEK]
    first = notebook.cells[0].id
    for cell in (form, tool, attached):
        assert cell.status == "completed"
        assert first in session.dependencies.upstream(cell.id)


def test_effects_of_prompts_name_variables():
    cell = PromptCell(attachments=[MICRO, "class"], schema=" Person ")
    effects = analyse_cell(cell, "answer")
    assert effects.reads == {GREEK, "Person"}
    assert effects.reads_files  # `class` can be a file only
    assert not analyse_cell(PromptCell(attachments=[MICRO]), "answer").reads_files


@pytest.mark.parametrize(
    "tagged", [True, False], ids=["with a parameters cell", "without a parameters cell"]
)
def test_parameters_name_variables(open_session, tagged):
    notebook = Notebook()
    if tagged:
        notebook.add_code(f"{MICRO} = 1").metadata["tags"] = ["parameters"]
    code = notebook.add_code(f"print({MICRO} + 1)")
    applied = apply_parameters(notebook, GivenParameters(texts={MICRO: "41"}))
    assert applied.values == {GREEK: 41}
    session = open_session(notebook)
    if not applied.injected:
        session.assign(applied.values)
    session.run()
    assert code.outputs[0].content == "42\n"
    with pytest.raises(InvalidInput, match="is reserved by Python"):
        apply_parameters(notebook, GivenParameters(texts={"\N{MATHEMATICAL BOLD SMALL I}f": "1"}))


def test_an_answer_cannot_be_named_by_what_is_no_name():
    assert PromptCell(response_var="x²").response_var == "x2"
    for name in ("½", "\N{MATHEMATICAL BOLD SMALL I}f", "ﬁ½"):
        with pytest.raises(ValueError, match=r"not the name|is reserved by Python"):
            PromptCell(response_var=name)
    cell = PromptCell(response_var="a")
    with pytest.raises(InvalidInput):
        cell.change(response_var="½")
    assert cell.response_var == "a"


def test_a_missing_variable_is_told_as_it_was_written(open_session):
    notebook = Notebook()
    notebook.add_prompt(f"{{{MICRO}}}", model="echo")
    with pytest.raises(CellExecutionError, match="there is no variable"):
        open_session(notebook).run()


def test_names_of_any_language_go_through_the_analysis():
    notebook = Notebook()
    notebook.add_code(f"{MICRO} = 1")
    notebook.add_prompt("x", response_var=LIGATURE)
    notebook.add_code(f"y = {MICRO} + len({LIGATURE})")
    effects = analyse_notebook(notebook)
    assert GREEK in effects[0].writes
    assert PLAIN in effects[1].writes
    assert {GREEK, PLAIN} <= effects[2].reads


@pytest.mark.parametrize("field", ["schema", "attachments"])
def test_spaces_around_a_name_mean_nothing(field, open_session, kernel):
    notebook = Notebook()
    code = notebook.add_code(
        f"import pydantic\nclass {LIGATURE}(pydantic.BaseModel):\n    n: int\n{MICRO} = b'GIF89a-'"
    )
    options = {"schema": f" {LIGATURE}\t"} if field == "schema" else {"attachments": [f" {MICRO} "]}
    prompt = notebook.add_prompt("What is it?", model="mock", **options)
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert prompt.status == "completed"
    assert session.dependencies.upstream(prompt.id) == [code.id]
