"""The form that an answer must have: told, checked and kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import AnswerMisfit, InvalidInput, Notebook
from llm_repl_core.engine.prompts import answer_json, schema_process
from llm_repl_core.engine.prompts.answer_form import resolve_form
from llm_repl_core.engine.prompts.answer_json import read_answer_json
from llm_repl_core.engine.prompts.answer_schema import SchemaChecker
from llm_repl_core.engine.prompts.schema_cost import SchemaCost
from llm_repl_core.kernels.base import Expression
from llm_repl_core.kernels.in_process import InProcessKernel

# Finding the value ---------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=200)
@given(JSON, st.booleans())
def test_any_json_is_read(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1)
    assert read_answer_json(text) == value
    assert read_answer_json(f"\n ```json\n{text}\n``` \n") == value


@given(st.text(st.characters(), max_size=60) | st.text('{}[]":,1 `\n', max_size=60))
def test_any_text_is_read_or_does_not_fit(text):
    with contextlib.suppress(AnswerMisfit):
        read_answer_json(text)


@pytest.mark.parametrize(
    "text",
    [
        'Here you are: {"a": {"b": 1}} — anything else?',
        'Sure!\n\n```json\n{"a": {"b": 1}}\n```\nDone.',
        '~~~\n{"a": {"b": 1}}\n~~~',
        'Take {x} or {y: 1}. {"a": {"b": 1}}',
        '```JSON\n{"a": {"b": 1}}\n```\n\n```python\nprint({})\n```',
    ],
)
def test_the_one_object_in_a_text_is_found(text):
    assert read_answer_json(text) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("No.", "is not JSON"),
        ('{"a": 1} or {"a": 2}', "holds 2 JSON values"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": 1e999}', "too large"),
        ('{"a": 9223372036854775808}', "64 bits"),
        ('{"a": "\\ud800"}', "half of a character"),
        ('{"a": ' * 50_000, "is not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_one_value_does_not_fit(text, said):
    with pytest.raises(AnswerMisfit) as caught:
        read_answer_json(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500


# Schemas -------------------------------------------------------------------------------------

PERSON = {
    "type": "object",
    "title": "A person!",
    "properties": {
        "name": {"type": "string"},
        "born": {"type": "string", "format": "date"},
        "friends": {"type": "array", "items": {"$ref": "#/$defs/friend"}},
    },
    "required": ["name"],
    "$defs": {"friend": {"type": "object", "properties": {"age": {"type": "integer"}}}},
}


def form_of(schema):
    # A schema is read without a kernel's help: this one is not even started.
    return asyncio.run(resolve_form(schema, InProcessKernel()))


def read(form, text):
    return asyncio.run(form.read(text, InProcessKernel()))


@pytest.mark.parametrize("written", [PERSON, json.dumps(PERSON), f"\n {json.dumps(PERSON)}"])
def test_a_json_schema(written):
    form = form_of(written)
    assert (form.schema.name, form.schema.schema) == ("A_person", PERSON)
    assert read(form, '{"name": "Ann"}') == {"name": "Ann"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "'name' is a required property"),
        ({"name": 1}, "at `name`: 1 is not of type 'string'"),
        ({"name": "A", "friends": [{"age": 1}, {"age": "x"}]}, "at `friends[1].age`: 'x' is not"),
        ({"name": "A", "born": "yesterday"}, "at `born`: 'yesterday' is not a 'date'"),
        ([1], "[1] is not of type 'object'"),
        ({"name": [1] * 1000}, "at `name`: [1, 1"),
    ],
)
def test_a_misfit_says_where_and_what(answer, said):
    with pytest.raises(AnswerMisfit) as caught:
        read(form_of(PERSON), json.dumps(answer))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_the_short_form():
    form = form_of("name, age int")
    assert form.schema.name == "answer"
    assert form.parse('{"name": "A", "age": 3}') == {"name": "A", "age": 3}
    with pytest.raises(AnswerMisfit, match="'age' is a required property"):
        form.parse('{"name": "A"}')


@pytest.mark.parametrize("nothing", [None, "", "  \n"])
def test_no_form(nothing):
    assert form_of(nothing) is None


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "object", "properties": {"x": {"type": "foo"}}}, "at `properties.x.type`"),
        ({"type": "object", "required": "x"}, "at `required`"),
        ({"type": "array", "items": {}}, "must describe an object"),
        ({}, "must describe an object"),
        ({"$ref": "#"}, "must describe an object"),
        ('{"type": ', "is not valid JSON"),
        ("{name, age int}", "has no braces around it"),
        ("name age", "there is no type `age`"),
        ({"properties": {"x": {"$ref": "#/$defs/gone"}}}, "refers to `#/$defs/gone`"),
        ({"properties": {"x": {"$ref": "other.json"}}}, "nothing is fetched"),
        ({"properties": {"x": {"$ref": "file:///etc/passwd"}}}, "nothing is fetched"),
    ],
)
def test_an_unusable_schema_says_why(schema, said):
    with pytest.raises(InvalidInput) as caught:
        form_of(schema)
    assert said in str(caught.value)


@pytest.mark.parametrize("identity", [{}, {"$id": "http://127.0.0.1/mine"}])
def test_nothing_is_fetched(identity, monkeypatch):
    tried = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: tried.append(args) or [])
    schema = {"properties": {"x": {"$ref": "http://127.0.0.1:9/schema"}}, **identity}
    with pytest.raises(InvalidInput):
        SchemaChecker(schema).check({"x": 1})
    assert tried == []


def test_a_schema_that_refers_to_itself_for_ever():
    schema = {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}
    with pytest.raises(InvalidInput, match="endlessly"):
        read(form_of(schema), '{"x": 1}')


# Models --------------------------------------------------------------------------------------

MODELS = """
import dataclasses
import msgspec, pydantic
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12
class Person(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(ge=0)
@dataclasses.dataclass
class Data:
    name: str
    age: int
class Typed(TypedDict):
    name: str
    age: int
class Struct(msgspec.Struct):
    name: str
    age: int
class Node(pydantic.BaseModel):
    name: str
    inner: "Node | None" = None
class Broken(pydantic.BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    value: type(lambda: 0)
class Plain: pass
people = list[Person]
number = 5
_ = "before"
"""


async def texts(kernel, *sources):
    return [getattr(one, "text", one) for one in await kernel.evaluate([*map(Expression, sources)])]


@pytest.mark.parametrize("model", ["Person", "Data", "Typed", "Struct"])
def test_a_model_of_the_state(drive, model):
    async def check(kernel):
        before = await kernel.names()
        form = await resolve_form(model, kernel)
        assert form.schema.name == model
        assert form.schema.schema["type"] == "object"
        assert set(form.schema.schema["properties"]) == {"name", "age"}
        value = await form.read('```json\n{"name": "Ann", "age": 3}\n```', kernel)
        assert value == {"name": "Ann", "age": 3}
        assert await kernel.names() == before
        await form.deliver(kernel, "person", value)
        made = "type(person) is dict" if model == "Typed" else f"type(person) is {model}"
        age = "person['age']" if model == "Typed" else "person.age"
        assert await texts(kernel, made, age, "_") == ["True", "3", "before"]
        with pytest.raises(AnswerMisfit, match="age"):
            await form.read('{"name": "Ann", "age": "old"}', kernel)
        assert set(await kernel.names()) == {*before, "person"}

    drive(check, MODELS)


def test_a_misfit_of_a_model_is_in_its_own_words(drive):
    async def check(kernel):
        form = await resolve_form("Person", kernel)
        value = form.parse('{"age": -1}')
        with pytest.raises(AnswerMisfit) as caught:
            await form.check(kernel, value)
        assert "at `name`: Field required; at `age`: Input should be greater" in str(caught.value)
        with pytest.raises(AnswerMisfit):
            await form.deliver(kernel, "person", value)
        assert "person" not in await kernel.names()

    drive(check, MODELS)


def test_many_answers_become_a_list(drive):
    async def check(kernel):
        form = await resolve_form("Person", kernel)
        values = [{"name": "A", "age": 1}, None, {"name": "B", "age": 2}]
        await form.deliver(kernel, "all_of_them", values, many=True)
        [length, gap, kind] = await texts(
            kernel, "len(all_of_them)", "all_of_them[1]", "type(all_of_them[2]).__name__"
        )
        assert (length, gap, kind) == ("3", "None", "Person")

    drive(check, MODELS)


def test_many_answers_of_a_schema_become_a_list(open_session, kernel):
    notebook = Notebook()
    fields = {"schema": "name str", "model": "echo", "response_var": "all_of_them"}
    notebook.add_prompt('{{"name": "{item}"}}', for_each="['A', 'B']", **fields)
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert session.state["all_of_them"] == [{"name": "A"}, {"name": "B"}]


def test_a_model_that_refers_to_itself(drive):
    async def check(kernel):
        form = await resolve_form("Node", kernel)
        assert "name" in form.schema.schema["properties"]
        await form.deliver(kernel, "node", {"name": "a", "inner": {"name": "b"}})
        assert await texts(kernel, "node.inner.name") == ["b"]

    drive(check, MODELS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "there is no variable `gone`; the state has: Broken, Data"),
        ("number", "`number` is a int, and no model"),
        ("Plain", "`Plain` is a class, and no model"),
        ("people", "must describe an object"),
        ("Broken", "`Broken` has no JSON Schema"),
    ],
)
def test_what_is_no_model_says_so(drive, name, said):
    async def check(kernel):
        with pytest.raises(InvalidInput) as caught:
            await resolve_form(name, kernel)
        assert said in str(caught.value)

    drive(check, MODELS)


def test_without_pydantic_a_dataclass_needs_it(drive):
    code = """
import dataclasses, sys
saved = sys.modules.get("pydantic")
sys.modules["pydantic"] = None
@dataclasses.dataclass
class Data:
    name: str
"""

    async def check(kernel):
        try:
            with pytest.raises(InvalidInput, match="`Data` needs pydantic"):
                await resolve_form("Data", kernel)
        finally:
            undo = "sys.modules.pop('pydantic')\nif saved: sys.modules['pydantic'] = saved"
            assert [one async for one in kernel.execute(undo)] == []

    drive(check, code)


def test_a_schema_value_is_assigned_as_it_is(open_session, kernel):
    notebook = Notebook()
    notebook.add_prompt(
        '{{"name": "A", "tags": ["x"]}}', schema="name, tags[]", model="echo", response_var="found"
    )
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert session.state["found"] == session.state["_"] == {"name": "A", "tags": ["x"]}


_OLD_FENCES = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*(?:json\w*)?[ \t]*\n(.*?)\n[ \t]*\1[ \t]*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


@given(
    st.lists(
        st.sampled_from(
            [
                "```",
                "````",
                "~~~",
                "```json",
                " ```JSON5 ",
                "~~~ json\t",
                "x",
                "",
                "``",
                "`~`",
                "```js",
            ]
        ),
        max_size=12,
    )
)
def test_fences_are_those_that_the_expression_means(lines) -> None:
    text = "\n".join(lines)
    assert list(answer_json._fenced(text)) == [found[2] for found in _OLD_FENCES.finditer(text)]


@pytest.mark.parametrize(
    "text",
    [
        "'```json\\n' * 100_000",
        "'~~~\\nx\\n' * 2 + '````\\n' + '```json\\n' * 100_000",
        "'{\"a\":' * 90_000",
        "'{\"a\": ' * 500 + '[' + '0, ' * 2_000_000",
    ],
    ids=["fences", "fences of two kinds", "deep objects", "objects that do not end"],
)
def test_answers_that_hold_no_json_are_not_read_again_and_again(text) -> None:
    # In a process that can be ended: a search for each fence anew takes many minutes.
    code = (
        "from llm_repl_core import AnswerMisfit\n"
        "from llm_repl_core.engine.prompts.answer_json import read_answer_json\n"
        f"try: read_answer_json({text})\n"
        "except AnswerMisfit: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "refused\n"


def _object_of(schema):
    return {"type": "object", "properties": {"a": schema}}


def _nested(depth, value):
    for _ in range(depth):
        value = [value]
    return value


_REFERS = {
    **_object_of({"$ref": "#/$defs/n"}),
    "$defs": {"n": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/n"}}] * 2}},
}
_ENDLESS = {
    "uniqueItems": (
        _object_of({"type": "array", "uniqueItems": True}),
        [{"i": number} for number in range(20_000)],
    ),
    "a pattern": (_object_of({"type": "string", "pattern": "(a+)+$"}), "a" * 40 + "!"),
    "a pattern for names": (
        _object_of({"patternProperties": {"(a+)+$": {}}}), {"a" * 40 + "!": 1}
    ),
    "a pattern within contains": (
        _object_of({"contains": {"pattern": "(a+)+$"}}), ["a" * 40 + "!"]
    ),
    "a reference to itself": (_REFERS, _nested(40, 1.5)),
}  # fmt: skip


@pytest.mark.parametrize("name", _ENDLESS)
def test_a_check_that_takes_for_ever_ends_and_stops_nobody_else(name, monkeypatch) -> None:
    schema, value = _ENDLESS[name]
    monkeypatch.setattr(schema_process, "LIMIT_S", 3.0)

    async def check() -> int:
        form = await resolve_form(schema, InProcessKernel())
        assert form is not None
        reading = asyncio.create_task(form.read(json.dumps({"a": value}), InProcessKernel()))
        ticks = 0
        while not reading.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(InvalidInput, match="takes longer than 3 s"):
            reading.result()
        return ticks

    assert asyncio.run(check()) > 20, "the loop went on all the while"


def test_a_stop_ends_a_check_and_the_next_one_works() -> None:
    schema, value = _ENDLESS["a pattern"]

    async def check() -> None:
        form = await resolve_form(schema, InProcessKernel())
        assert form is not None
        started = _checkers()  # whose start alone may have taken long
        reading = asyncio.create_task(form.read(json.dumps({"a": value}), InProcessKernel()))
        async with asyncio.timeout(20):
            while not (busy := _busy_since(started)):  # noqa: ASYNC110  # no event tells of another process
                await asyncio.sleep(0.005)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        for process in busy:
            await asyncio.to_thread(process.wait, 5)
        assert await form.read('{"a": "aaa"}', InProcessKernel()) == {"a": "aaa"}

    asyncio.run(asyncio.wait_for(check(), 30))


def _checkers():
    """The processes that check, with the seconds that each has worked."""
    found = {}
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # a child of another test ends meanwhile
            if schema_process.__name__ in process.cmdline():
                found[process] = process.cpu_times().user
    return found


def _busy_since(earlier):
    """The processes that check, and are at it."""
    return [
        process
        for process, worked_s in _checkers().items()
        if worked_s > earlier.get(process, 0.0) + 0.2
    ]


def test_a_process_that_was_ended_from_outside_is_replaced() -> None:
    schema = _object_of({"type": "string", "pattern": "^a+$"})

    async def check() -> None:
        form = await resolve_form(schema, InProcessKernel())
        assert form is not None
        assert await form.read('{"a": "aaa"}', InProcessKernel()) == {"a": "aaa"}
        for process in _checkers():
            process.kill()
            process.wait(5)
        with pytest.raises(AnswerMisfit, match="does not match"):
            await form.read('{"a": "b"}', InProcessKernel())

    asyncio.run(check())


def test_a_process_may_take_its_time_to_start(tmp_path, monkeypatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(2)")
    for process in _checkers():
        process.kill()
        process.wait(5)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(schema_process, "LIMIT_S", 1.5)

    async def check() -> None:
        form = await resolve_form(_object_of({"pattern": "^a+$"}), InProcessKernel())
        assert form is not None
        assert await form.read('{"a": "aaa"}', InProcessKernel()) == {"a": "aaa"}

    asyncio.run(check())


def test_checks_use_one_process_again_and_no_file_of_the_folder(tmp_path, monkeypatch) -> None:
    (tmp_path / "jsonschema.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    schema = _object_of({"type": "string", "pattern": "^a+$"})

    async def check() -> list[int]:
        form = await resolve_form(schema, InProcessKernel())
        assert form is not None
        seen = []
        for _ in range(3):
            assert await form.read('{"a": "aaa"}', InProcessKernel()) == {"a": "aaa"}
            seen.append(len(psutil.Process().children()))
        return seen

    first, *rest = asyncio.run(check())
    assert rest == [first, first]


def test_a_schema_that_is_large_is_checked_apart_as_any_other() -> None:
    large = _object_of({"enum": [{"i": number} for number in range(2000)]})
    assert not SchemaCost(large).is_small

    async def check() -> None:
        form = await resolve_form(large, InProcessKernel())
        assert form is not None
        assert await form.read('{"a": {"i": 7}}', InProcessKernel()) == {"a": {"i": 7}}
        with pytest.raises(AnswerMisfit, match="is not one of"):
            await form.read('{"a": 7}', InProcessKernel())
        broken = _object_of({"type": 5, "enum": [None] * 2000})
        with pytest.raises(InvalidInput, match=r"not a valid JSON Schema at `properties\.a"):
            await resolve_form(broken, InProcessKernel())

    asyncio.run(check())


@pytest.mark.parametrize(
    ("schema", "is_small"),
    [
        ({"name": {"type": "string"}}, True),
        ({"a": {"$ref": "#/$defs/n"}}, True),
        ({"a": {"$ref": "#/properties/a"}}, False),
        ({"a": {"$ref": "#/nowhere"}}, False),
        ({"a": {"pattern": "x"}}, False),
        ({"pattern": {"type": "string"}}, True),  # a field of that name
        ({"a": {"uniqueItems": True}}, False),
        ({"a": {"items": [True]}}, False),
        ({"a": {"anyOf": [{"not": {"enum": ["pattern"]}}]}}, True),
        ({"a": {"$id": "x", "type": "string"}}, False),
        ({"a": {"$schema": "http://json-schema.org/draft-04/schema#"}}, False),
    ],
)
def test_only_what_looks_at_each_part_once_is_checked_at_once(schema, is_small) -> None:
    whole = {"type": "object", "properties": schema, "$defs": {"n": {"type": "integer"}}}
    assert SchemaCost(whole).is_small == is_small
    assert SchemaCost(whole).allows({"name": "x"}) == is_small
    assert not SchemaCost(whole).allows({"name": "x" * 30_000})
    assert not SchemaCost(whole).allows({"name": ["x"] * 10_000})


def test_a_pattern_is_checked_in_bounded_time(monkeypatch) -> None:
    monkeypatch.setattr(schema_process, "LIMIT_S", 3.0)
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}}

    ticks = 0

    async def check(text: str) -> None:
        form = await resolve_form(schema, InProcessKernel())
        assert form is not None

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        try:
            await form.read(text, InProcessKernel())
        finally:
            ticking.cancel()

    asyncio.run(check('{"a": "aaa"}'))
    with pytest.raises(AnswerMisfit, match="does not match"):
        asyncio.run(check('{"a": "b"}'))
    ticks = 0
    with pytest.raises(InvalidInput, match="takes longer than 3 s"):
        asyncio.run(check(json.dumps({"a": "a" * 40 + "!"})))
    assert ticks > 50, "the loop went on all the while"
