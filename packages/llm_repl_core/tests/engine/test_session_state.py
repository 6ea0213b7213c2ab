from __future__ import annotations

import threading

import pytest

from llm_repl_core import CellOutput, Value


def test_a_kernel_in_this_process_gives_the_objects(open_session):
    session = open_session(["things = object()\nself_made = type('T', (), {})()"])
    assert dict(session.state) == {}
    session.run()
    assert list(session.state) == ["self_made", "things"]
    assert len(session.state) == 2
    assert type(session.state["things"]) is object
    assert session.state["things"] is session.state["things"]
    assert "missing" not in session.state
    with pytest.raises(KeyError, match="missing"):
        session.state["missing"]


def test_any_other_kernel_gives_json_or_text(open_session):
    session = open_session(["n = 1\nd = {'a': [1, None]}\ns = {1}\nclass C: pass"], kernel="worker")
    assert dict(session.state) == {}
    assert "n" not in session.state
    session.run()
    assert list(session.state) == ["C", "d", "n", "s"]
    assert session.state["n"] == 1
    assert session.state["d"] == {"a": [1, None]}
    assert session.state["s"] == "{1}"
    assert session.state.get("missing") is None
    assert "1/0" not in session.state  # a name, not an expression
    assert "n.real" not in session.state


def test_variables_can_be_set_before_the_first_cell(open_session, kernel):
    session = open_session(["print(given['a'])"], kernel=kernel)
    session.notebook.memory["kept"] = 1
    session.assign({"given": {"a": "ä"}})
    session.run()
    assert session.notebook.cells[0].outputs[0].content == "ä\n"
    assert session.state["kept"] == 1


def test_the_state_can_be_read_and_set_between_events(open_session):
    session = open_session(["print(1)\nx = 1", "y = x + 1"])
    for event in session.stream():
        if isinstance(event, CellOutput):
            assert list(session.state) == ["x"]
            session.assign({"x": 5})
    assert session.state["y"] == 6


def test_a_question_waits_until_the_run_is_over(open_session, wait_for, tmp_path):
    sign = tmp_path / "sign"
    wait = f"while not pathlib.Path({str(sign)!r}).exists(): time.sleep(0.005)"
    codes = ["x = 1", f"import pathlib, time\n{wait}\nx = 2", "x = 3"]
    session = open_session(codes, kernel="worker")
    run = threading.Thread(target=session.run)
    run.start()
    wait_for(lambda: session.notebook.cells[1].status == "running", "the second cell")
    seen = []
    reader = threading.Thread(target=lambda: seen.append(session.state["x"]))
    reader.start()
    assert session._loop.call(session.live.names()) is None
    assert session._loop.call(session.live.snapshot()) is None
    sign.touch()
    reader.join(20)
    run.join(20)
    assert seen == [3]


def test_a_snapshot_holds_names_and_values(open_session, kernel):
    session = open_session(["x = 1\nimport os"], kernel=kernel)
    assert session._loop.call(session.live.names()) == []
    assert session._loop.call(session.live.snapshot()) == {}
    session.run()
    assert session._loop.call(session.live.names()) == ["x"]
    snapshot = session._loop.call(session.live.snapshot())
    assert snapshot == {"x": Value("1", "int", 1)}


def test_a_kernel_that_died_while_it_was_idle_is_told_about_once(open_session, wait_for):
    session = open_session(["x = 1", "y = 1"], kernel="worker")
    one, two = (cell.id for cell in session.notebook)
    session.run([one])
    session._loop.call(session.kernel.shutdown())
    session.assign({"z": 1})  # starts the new one
    session.run([two])
    assert [output.type for output in session.notebook[two].outputs] == ["warning"]
    assert set(session.state) == {"y", "z"}
    session.run([two])
    assert session.notebook[two].outputs == []
