"""Notebooks whose parallel run once left something else, and the corners around them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from llm_repl_core import CellExecutionError, Notebook
from llm_repl_core.model.cell import CodeCell, MemoryCell, PromptCell


def helper(name):
    """A module of the folder beside this file."""
    path = Path(__file__).parent / "notebooks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"engine_notebooks_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


Law = helper("schedule_law").Law
drawn = helper("schedule_sketches")


@pytest.fixture(scope="module")
def law():
    law = Law(drawn.WORLD)
    yield law
    law.close()


def code(text):
    return CodeCell, {"content": text}


def memory(text):
    return MemoryCell, {"content": text}


def prompt(text, variable=None, delay_s=0.0, *, model="echo", **fields):
    known = {"content": text, "model": model, "response_var": variable, "delay_s": delay_s}
    return PromptCell, known | fields


def failing(text, variable=None, delay_s=0.0):
    return prompt(text, variable, delay_s, model="fail:request_rejected")


SLOW = "import time\ntime.sleep(0.02)"
PERSON = """\
from pydantic import BaseModel, field_validator
seen, limit = [], 1
class Person(BaseModel):
    name: str
    @field_validator('name')
    @classmethod
    def checked(cls, text):
        seen.append(text)
        return f'{text} {limit}'
"""
STRUCTURED = {"model": "mock", "schema": "name, tags[]"}

CASES = {
    "the last answer of a structured prompt is no other name for its variable": [
        prompt("one", "p", 0.01, **STRUCTURED),
        code("len(p)\n" + SLOW),
        code("p['name'] = 'changed'"),
        prompt("{_}"),
    ],
    "the list of a prompt over items is not shared with the last answer": [
        prompt("one {item}", "p", 0.01, for_each="[1, 2]"),
        code("len(p)\n" + SLOW),
        code("p.append('changed')"),
        prompt("{_}"),
    ],
    "of two prompts with one variable the lower fails, and code sets it": [
        prompt("one", "p", 0.02),
        failing("two", "p"),
        code("p = 5"),
    ],
    "the last prompt fails, and code sets the last answer": [
        prompt("one", "p", 0.02),
        failing("two", "q"),
        code("_ = 5"),
    ],
    "a failed prompt, and what reads its variable, which code had set": [
        code("p = 'earlier'"),
        failing("one", "p", 0.01),
        code("p"),
        prompt("{p}"),
    ],
    "a class is defined anew below the prompt whose answer it is to check": [
        code("from pydantic import BaseModel\nclass P(BaseModel):\n    one: int"),
        prompt("one", "p", 0.02, model="mock", schema="P"),
        code("class P(BaseModel):\n    two: str"),
        prompt("two", "q", model="mock", schema="P"),
        code("str(p), str(q)"),
    ],
    "a class that checks an answer reads a variable": [
        code(PERSON),
        prompt("Ann", "p", 0.02, model="mock", schema="Person"),
        code("limit = 2"),
        prompt("Bob", "q", 0.0, model="mock", schema="Person"),
        code("str(p), str(q)"),
    ],
    "a class that checks an answer reads what slow code above sets": [
        code(PERSON),
        code(SLOW),
        code("limit = 3"),
        prompt("Ann", "p", model="mock", schema="Person"),
        code("str(p)"),
    ],
    "a class that checks an answer changes a list": [
        code(PERSON),
        prompt("Ann", "p", 0.02, model="mock", schema="Person"),
        prompt("Bob", "q", 0.0, model="mock", schema="Person"),
        code("list(seen)"),
    ],
    "a file is attached before code below writes it anew": [
        code("import pathlib\nfile = pathlib.Path('schedule.txt')\n_n = file.write_text('one')"),
        prompt("one", "p", 0.01),
        prompt("{p}", attachments=["schedule.txt"]),
        code("_n = file.write_text('another')"),
    ],
    "a file is attached after slow code above has written it": [
        code(SLOW),
        code("import pathlib\n_n = pathlib.Path('schedule.txt').write_text('abc')"),
        prompt("one", attachments=["schedule.txt"]),
        code("pathlib.Path('schedule.txt').unlink()"),
    ],
    "code fails above which a prompt has not started": [
        prompt("one", "p", 0.02),
        prompt("{p} two", "q"),
        code("1 / 0"),
    ],
    "the upper of two failures is the run's": [
        failing("one", "p", 0.02),
        code("1 / 0"),
    ],
    "what a failed prompt's dependants say": [
        code("'the kernel is there'"),
        failing("one", "p", 0.01),
        prompt("{p}", "q"),
        prompt("{q}", "r"),
        code("try:\n    r\nexcept NameError:\n    r = 'missing'"),
        prompt("on its own", "s", context="above"),
    ],
    "a template sets the variable of a prompt above it": [
        code("def g():\n    global p\n    p = 'by g'\n    return 1"),
        prompt("one", "p", 0.02),
        prompt("{g()}", "q"),
        code("p"),
    ],
    "memory and what code does to a value of it": [
        memory("m = [1]"),
        code("m.append(2)"),
        prompt("{m} {memory}", "p", 0.01),
        memory("k = m"),
    ],
}


@pytest.mark.parametrize("stop_on_error", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_notebook_leaves_the_same(law, tmp_path, monkeypatch, case, stop_on_error):
    monkeypatch.chdir(tmp_path)
    sketch = drawn.Sketch(CASES[case])
    for _ in range(3):
        assert law.difference(sketch, stop_on_error=stop_on_error) is None


def test_what_code_does_to_an_answer_changes_no_output(open_session):
    notebook = Notebook()
    notebook.add_prompt("Ann", model="mock", schema="name, tags[]", response_var="person")
    notebook.add_prompt("{item}", model="echo", for_each="[1, 2]", response_var="many")
    notebook.add_code("person['name'] = 'changed'\nmany.append(3)\n_")
    session = open_session(notebook)
    session.run()
    assert notebook.cells[0].outputs[0].fields["value"]["name"] == "Ann"
    assert session.state["person"]["name"] == "changed"
    assert notebook.cells[2].outputs[0].content == "['1', '2']"


def test_what_code_does_to_a_value_of_memory_does_not_persist(open_session, kernel):
    notebook = Notebook()
    notebook.memory["kept"] = [1]
    notebook.add_memory("more = [2]")
    notebook.add_code("kept.append(9)\nmore.append(9)\nmemory['kept'].append(8)")
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert notebook.memory == {"kept": [1], "more": [2]}


def test_a_failure_lets_what_stands_above_it_run_and_nothing_below(open_session):
    notebook = Notebook()
    notebook.add_prompt("one", model="echo+delay=0.05", response_var="p")
    above = notebook.add_prompt("{p} two", model="echo", response_var="q")
    fails = notebook.add_code("1 / 0")
    below = notebook.add_prompt("{q} three", model="echo")
    session = open_session(notebook)
    with_failure = pytest.raises(CellExecutionError, match="ZeroDivisionError")
    with with_failure as raised:
        session.run()
    assert raised.value.cell_id == fails.id
    assert (above.status, below.status) == ("completed", "idle")
    assert session.state["q"] == "one two"


@pytest.mark.parametrize("parallel", [False, True])
def test_what_depends_on_a_failed_prompt_is_not_run_and_says_so(open_session, parallel):
    notebook = Notebook()
    notebook.add_prompt("one", model="fail:request_rejected", response_var="p")
    code_cell = notebook.add_code("p")
    independent = notebook.add_prompt("two", model="echo")
    session = open_session(notebook)
    with pytest.raises(CellExecutionError):
        session.run(stop_on_error=False, parallel=parallel)
    assert code_cell.outputs[0].content == (
        "DependencyFailed: It needs `p`, the answer of cell 1, which failed."
    )
    assert independent.status == "completed"
