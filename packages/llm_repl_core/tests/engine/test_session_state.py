from __future__ import annotations

import asyncio
import copy
import pickle
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


_MISBEHAVING = """
class Raises:
    def __str__(self): raise RuntimeError('no text')
    __repr__ = __str__
class Exits:
    def __repr__(self): raise SystemExit
class Loops:
    def __repr__(self):
        while True: pass
class Formats:
    def __format__(self, spec): raise ValueError(spec)
class Meta(type):
    def __repr__(cls): raise RuntimeError('no text')
class Strange(metaclass=Meta): pass
raises, exits, loops, formats = Raises(), Exits(), Loops(), Formats()
huge, endless, lone = 10**5000, [], '\\ud800'
endless.append(endless)
deep = []
for _ in range(3000): deep = [deep]
items = (number for number in 'abc')
lock = __import__('threading').Lock()
plain = {'a': [1, None]}
"""


def test_every_value_is_in_the_dictionary(open_session, kernel):
    session = open_session([_MISBEHAVING], kernel=kernel)
    session.run()
    whole = dict(session.state)
    assert list(whole) == list(session.state) == list(session.state.copy())
    assert len(whole) == len(session.state)
    assert {"raises", "exits", "loops", "formats", "Strange", "huge", "deep", "lock"} <= set(whole)
    assert whole["plain"] == {"a": [1, None]}
    if kernel == "worker":
        assert "RuntimeError: no text" in whole["raises"]
        assert "longer than" in whole["loops"]
        assert {**session.state} == session.state.copy() == whole
    else:
        assert all(whole[name] is session.state[name] for name in whole)


def test_the_state_is_a_mapping_like_any_other(open_session, kernel):
    session = open_session(["import os\nb = [2]\na = 1\n_hidden = 3"], kernel=kernel)
    session.run()
    state = session.state
    expected = {"a": 1, "b": [2]}
    assert state == expected == dict(state) == dict(state.items())
    assert state == session.state
    assert state != {"a": 1}
    assert state != [("a", 1)]
    assert list(state.values()) == [1, [2]]
    assert "_hidden" in state  # found, and not listed
    assert "os" in state
    for name in ("print", "In", "exit", "b c", "1/0", "class", "", 5, None, ("a",)):
        assert name not in state
        with pytest.raises(KeyError):
            state[name]
        assert state.get(name, "nothing") == "nothing"
    for made in (
        state.copy(), copy.copy(state), copy.deepcopy(state), pickle.loads(pickle.dumps(state)),
    ):  # fmt: skip
        assert type(made) is dict
        assert made == expected
    made["a"] = 9
    assert session.state["a"] == 1


def test_a_copy_is_of_one_moment(open_session):
    session = open_session(["a = b = 0", "\n".join(["a += 1", "b += 1"] * 2000)])
    session.run([session.notebook.cells[0].id])
    stopping = threading.Event()
    seen = []

    def read():
        while not stopping.is_set():
            seen.append(session.state.copy())

    reader = threading.Thread(target=read)
    reader.start()
    session.run([session.notebook.cells[1].id])
    stopping.set()
    reader.join(20)
    assert all(one["a"] - one["b"] in (0, 1) for one in seen)
    assert session.state.copy() == {"a": 2000, "b": 2000}


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
    assert session.loop.call(session.live.names()) is None
    assert session.loop.call(session.live.snapshot()) is None
    sign.touch()
    reader.join(20)
    run.join(20)
    assert seen == [3]


def test_a_question_that_need_not_wait_does_not_where_a_run_comes_first(open_session, tmp_path):
    """A run that is queued in the same moment may last for hours."""
    session = open_session(["x = 1", "x = 2"], kernel="in_process")
    session.run()

    async def ask_and_run():
        first = asyncio.ensure_future(session.live.names())
        await asyncio.sleep(0)  # it has looked, and found nothing that runs
        _, run = session.live.start()
        names = [await session.live.names(), await first]
        assert not run.done()
        await run
        return names

    names = session.loop.call(ask_and_run())
    assert names == [None, None]
    assert session.loop.call(session.live.names()) == ["x"]


def test_a_snapshot_holds_names_and_values(open_session, kernel):
    session = open_session(["x = 1\nimport os"], kernel=kernel)
    assert session.loop.call(session.live.names()) == []
    assert session.loop.call(session.live.snapshot()) == {}
    session.run()
    assert session.loop.call(session.live.names()) == ["x"]
    snapshot = session.loop.call(session.live.snapshot())
    assert snapshot == {"x": Value("1", "int", 1)}


def test_a_kernel_that_died_while_it_was_idle_is_told_about_once(open_session, wait_for):
    session = open_session(["x = 1", "y = 1"], kernel="worker")
    one, two = (cell.id for cell in session.notebook)
    session.run([one])
    session.loop.call(session.kernel.shutdown())
    session.assign({"z": 1})  # starts the new one
    session.run([two])
    assert [output.type for output in session.notebook[two].outputs] == ["warning"]
    assert set(session.state) == {"y", "z"}
    session.run([two])
    assert session.notebook[two].outputs == []
