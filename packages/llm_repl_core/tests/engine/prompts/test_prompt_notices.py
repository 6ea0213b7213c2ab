"""What a prompt says of braces that are doubtful, and of names that are not the notebook's."""

from __future__ import annotations

import pytest

from llm_repl_core import (
    CellCompleted,
    CellExecutionError,
    CellStarted,
    InvalidTemplate,
    Notebook,
    Session,
)

KERNELS = ["in_process", "worker", "jupyter"]
STATE = "x, n, name, xs = 2, 3, 'Ada', ['a', 'b']"


def opened(*templates, code=STATE, **changes):
    notebook = Notebook()
    notebook.add_code(code)
    for template in templates:
        notebook.add_prompt(template, model="echo", **changes)
    return notebook


# Names that only Python has ------------------------------------------------------------------


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_builtin_is_no_variable(kernel):
    names = ["id", "type", "list", "input", "print", "len", "open", "exit", "__builtins__"]
    fields = [f"{{{name}}}" for name in names]
    fields += ["{id!r}", "{id=}", "{type:>9}", "{(id)}", "{type, n}", "{list[0]}", "{id or n}"]
    notebook = opened(*fields)
    with Session(notebook, kernel=kernel) as session:
        with pytest.raises(CellExecutionError):
            session.run(stop_on_error=False)
        for cell in notebook.cells[1:]:
            [output] = cell.outputs
            assert output.content.startswith(f"InvalidTemplate: `{cell.content}` at line 1: "), cell
            assert "there is no variable `" in output.content
            assert "the state has: n, name, x, xs." in output.content
            with pytest.raises(InvalidTemplate, match="there is no variable"):
                session.preview(cell.id)


@pytest.mark.parametrize("kernel", KERNELS)
def test_builtins_within_an_expression_are_what_they_are(kernel):
    notebook = opened(
        "{len(xs)} {sum([x, n]) / len(xs)} {str.join(', ', map(str, xs))} {type(n) is int} "
        "{list(xs)[0]}"
    )
    with Session(notebook, kernel=kernel) as session:
        session.run()
        assert notebook.cells[1].outputs[0].content.startswith("2 2.5 a, b True a")


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_variable_that_is_named_like_a_builtin(kernel):
    notebook = opened("{id} {type['a']} {list}", code="id, type, list = 5, {'a': 't'}, [1]")
    with Session(notebook, kernel=kernel) as session:
        session.run()
        assert notebook.cells[1].outputs[-1].content == "5 t [1]"
        edges = session.dependencies.graph().edges
        assert {one.variable for one in edges} == {"id", "type", "list"}
        notebook.change(notebook.cells[0].id, content="id, type, list = 6, {'a': 't'}, [1]")
        session.run([notebook.cells[0].id])
        assert notebook.cells[1].stale


def test_a_builtin_in_items_and_system_texts():
    notebook = opened("{item} {id}", for_each="xs")
    notebook.add_prompt("Hello", system="You are {type}.")
    with Session(notebook) as session:
        with pytest.raises(CellExecutionError):
            session.run(stop_on_error=False)
        said = [cell.outputs[0].content for cell in notebook.cells[1:]]
        assert "`{id}` at line 1: there is no variable `id`, only Python's own `id`" in said[0]
        assert "`{type}` at line 1: there is no variable `type`" in said[1]


# Braces --------------------------------------------------------------------------------------

SAID = {
    "{', '.join(xs)}": "is sent as it stands",
    "{-x}": "is sent as it stands",
    "{{name}}": "is sent as `{name}`",
    "{name and": "no brace closes it",
    r"$x_{n}$": "is inside a formula",
}
QUIET = [
    "{', '.join(others)}",
    "{-unknown}",
    "{{title}}",
    'Answer as {"name": "Ada", "x": [1, 2]}',
    "a { color: red; }",
    "file_{n}.txt for $5 to $6",
    "```\n{-x} {{name}}\n```",
]


def test_braces_in_doubt_bring_a_notice_in_preview_and_run():
    notebook = opened(*SAID, *QUIET)
    with Session(notebook) as session:
        session.run()
        for cell in notebook.cells[1:]:
            notices = [one.content for one in cell.outputs if one.type == "warning"]
            assert list(session.preview(cell.id).notices) == notices
            if cell.content in SAID:
                [notice] = notices
                assert SAID[cell.content] in notice
            else:
                assert notices == [], cell.content


def test_notices_are_few():
    notebook = opened(" ".join(f"{{-x * {n}}}" for n in range(50)))
    with Session(notebook) as session:
        session.run()
        notices = [one.content for one in notebook.cells[1].outputs if one.type == "warning"]
        assert len(notices) == 6
        assert notices[-1].startswith("And ")


# The state that an error tells ----------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_an_error_tells_the_state_of_its_place(kernel):
    def said(**options):
        notebook = Notebook()
        notebook.add_prompt("slow", model="mock/echo+delay=0.3", response_var="first")
        notebook.add_code("import time\ntime.sleep(0.2)\nname = 'Ada'")
        notebook.add_prompt("Dear {nmae}", model="echo")
        notebook.add_prompt("{first} {alter}", model="echo")
        notebook.add_prompt("{late}", model="echo")
        notebook.add_prompt("{item}", model="echo", for_each="itmes")
        notebook.add_prompt("Look.", model="echo", attachments=["pictrue"])
        notebook.add_code("late, items, age, picture = 1, [2], 3, b''")
        with Session(notebook, kernel=kernel) as session:
            with pytest.raises(CellExecutionError):
                session.run(stop_on_error=False, **options)
            return [cell.outputs[-1].content for cell in notebook.cells[2:7]]

    ahead, serial = said(), said(parallel=False)
    assert "(did you mean `name`?); the state has: first, name, time." in ahead[0]
    assert ahead == serial


def test_what_was_set_from_outside_keeps_no_prompt_in_order():
    notebook = Notebook()
    for _ in range(2):
        notebook.add_prompt("{given}", model="mock/echo+delay=0.3")
    with Session(notebook, kernel="in_process") as session:
        session.assign({"given": object()})
        events = list(session.stream())
    kinds = [type(one) for one in events if isinstance(one, CellStarted | CellCompleted)]
    assert kinds == [CellStarted, CellStarted, CellCompleted, CellCompleted]
