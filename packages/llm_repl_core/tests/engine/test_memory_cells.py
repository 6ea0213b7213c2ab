from __future__ import annotations

from llm_repl_core import Application, Notebook, Output, RunCompleted


def memory_notebook(*contents, code=None):
    notebook = Notebook()
    if code is not None:
        notebook.add_code(code)
    for content in contents:
        notebook.add_memory(content)
    return notebook


def test_memory_accumulates(open_session, play, kernel):
    notebook = memory_notebook(
        "# a comment\ncount = memory.get('count', 0) + 1",
        "memory.update({\n  'words': words + ['b'],  # more\n})\nlast = words[-1]",
        code="words = ['a']",
    )
    session = open_session(notebook, kernel=kernel)
    assert isinstance(play(session)[-1], RunCompleted)
    assert notebook.memory == {"count": 1, "words": ["a", "b"], "last": "b"}
    [output] = notebook.cells[2].outputs
    assert output == Output.memory_update(["words", "last"], {"words": "['a', 'b']", "last": "b"})
    assert session.state["memory"] == notebook.memory
    assert session.state["count"] == 1
    play(session, [notebook.cells[1].id])
    assert notebook.memory["count"] == 2


def test_memory_is_there_again_in_the_next_session(open_session, play, tmp_path, kernel):
    notebook = memory_notebook("seen = memory.get('seen', []) + ['x']")
    open_session(notebook, kernel=kernel).run()
    application = Application()
    application.save(notebook, tmp_path / "n.llmn")
    again = application.load(tmp_path / "n.llmn")
    again.add_code("seen, memory")
    session = open_session(again, kernel=kernel)
    play(session, [again.cells[-1].id])
    assert again.cells[-1].outputs[-1].content == "(['x'], {'seen': ['x']})"
    session.run([again.cells[0].id])
    assert again.memory == {"seen": ["x", "x"]}


def test_what_json_cannot_hold_is_refused_with_its_line(open_session, play):
    notebook = memory_notebook("a = 1\n\nb = numbers", code="numbers = {1, 2}")
    error = play(open_session(notebook))[-1].error
    assert error == (
        "InvalidMemory: Line 3: `b` is a set, which JSON can't hold, so it would not be there when "
        "the notebook is opened again: keep what you need of it, such as str(…), or set `b` in a "
        "code cell."
    )


def test_a_failing_statement_keeps_the_earlier_ones(open_session, play, kernel):
    notebook = memory_notebook("a = 1\nb = a + 1\nc = missing\nd = 4")
    session = open_session(notebook, kernel=kernel)
    error = play(session)[-1].error
    assert error.startswith("InvalidMemory: Line 3: NameError: name 'missing' is not defined; ")
    assert notebook.memory == {"a": 1, "b": 2}
    assert dict(session.state) == {"a": 1, "b": 2, "memory": {"a": 1, "b": 2}}
    assert [output.type for output in notebook.cells[0].outputs] == ["memory_update", "error"]
    assert notebook.cells[0].outputs[0].fields["added"] == ["a", "b"]


def test_a_statement_is_carried_out_whole_or_not_at_all(open_session, play):
    notebook = memory_notebook("memory.update({'a': 1, 'b': missing})")
    play(open_session(notebook))
    assert notebook.memory == {}
    assert [output.type for output in notebook.cells[0].outputs] == ["error"]


def test_what_is_no_assignment_is_refused_before_anything_runs(open_session, play):
    notebook = memory_notebook("a = 1\nimport os")
    assert "Line 2" in play(open_session(notebook))[-1].error
    assert notebook.memory == {}


def test_memory_does_not_reach_private_things(open_session, play):
    notebook = memory_notebook("a = ().__class__")
    assert play(open_session(notebook))[-1].error.startswith("InvalidMemory: Line 1: ")


def test_code_may_change_memory_variables_without_changing_memory(open_session, play):
    notebook = memory_notebook("a = [1]")
    notebook.add_code("a.append(2)\nmemory['a'] = 3\na")
    session = open_session(notebook)
    play(session)
    assert session.state["memory"] == {"a": 3}
    play(session, [notebook.cells[0].id])
    assert notebook.memory == {"a": [1]}
