"""A schema that names a class: the graph, the schedule and the answer mean the same one."""

from __future__ import annotations

import pytest

from llm_repl_core import CellStarted, Notebook, Session

PERSON = "import pydantic\nclass Person(pydantic.BaseModel):\n    name: str"


@pytest.mark.parametrize("schema", ["Person", "Person ", " Person", "\tPerson\n", "Ｐerson"])
def test_a_class_is_found_by_its_name_with_blanks_around_it(schema):
    notebook = Notebook()
    notebook.add_code(PERSON)
    notebook.add_prompt('{"name": "Ada"}', schema=schema, response_var="who", model="mock/echo")
    notebook.add_code("kind = type(who).__name__")
    with Session(notebook) as session:
        edges = {(edge.source, edge.variable) for edge in session.dependencies.graph().edges}
        assert (notebook.cells[0].id, "Person") in edges
        session.run()
        assert session.state["kind"] == "Person"
        # The class is another one: the answer would be as well.
        notebook.change(notebook.cells[0].id, content=PERSON + "\n    age: int = 3")
        session.run([notebook.cells[0].id])
        assert notebook.cells[1].id in session.dependencies.stale()


def test_a_blank_schema_leaves_an_answer_as_it_is_also_in_a_new_kernel():
    notebook = Notebook()
    notebook.add_prompt("not JSON", schema="  ", response_var="text", model="mock/echo")
    notebook.add_code("shown = text.upper()")
    with Session(notebook) as session:
        session.run()
    notebook.change(notebook.cells[1].id, content="shown = text.title()")
    started = []
    with Session(notebook) as session:
        session.live.listen(
            lambda event: started.append(event.cell_id) if isinstance(event, CellStarted) else None
        )
        session.run_stale()
        assert session.state["shown"] == "Not Json"
    assert started == [notebook.cells[1].id], "the answer is the notebook's: it is not asked again"
