"""Functions of the state that a model may ask to have called."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import InvalidInput, Output
from llm_repl_core.engine.prompts.tools import call_tool, describe_tools
from llm_repl_core.kernels.base import Expression
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.providers.base import ToolCall

FUNCTIONS = '''
import asyncio, enum, functools, time
class Unit(enum.Enum):
    CELSIUS = "c"
    KELVIN = "k"
calls = []
def weather(city: str, days: int = 1, unit: Unit = Unit.CELSIUS) -> str:
    """The weather of some days.

    Args:
        city: Where.
    """
    print("looking at", city)
    calls.append((city, days, unit))
    return f"{city}: {days} {unit.name}"
async def later(x: float):
    """Doubles."""
    await asyncio.sleep(0.001)
    print("awaited")
    return {"twice": 2 * x}
def gives_awaitable(x: float):
    return later(x)
def fails(x=None):
    print("so far")
    raise ValueError("two\\nlines")
def leaves():
    raise SystemExit(3)
class GivingUp(BaseException): pass
def gives_up():
    raise GivingUp("enough")
def needs_many(*values): pass
def needs_named(**values): pass
class Adder:
    """Adds."""
    def __init__(self, start: int): self.start = start
    def __call__(self, more: int) -> int:
        """Adds to the start."""
        return self.start + more
add = Adder(1)
adds = functools.partial(weather, days=7)
def give(what: int):
    return values[what]
class Strange:
    def __repr__(self): return "<strange>"
class Worse:
    def __repr__(self): raise ValueError("no text")
values = ["ü", {"a": [1, None]}, None, Strange(), "x" * 200_000, float("nan"), "\\ud800", Worse()]
def sleeps():
    global sleeping
    sleeping = True
    print("sleeping", flush=True)
    for _ in range(6000):
        time.sleep(0.01)
async def sleeps_on():
    print("sleeping", flush=True)
    await asyncio.sleep(60)
def shows():
    display("shown")
number = 1
_ = "before"
'''


async def call(kernel, name, **arguments):
    return await call_tool(ToolCall(id="1", name=name, arguments=json.dumps(arguments)), kernel)


# Describing ----------------------------------------------------------------------------------


def test_signature_and_docstring_become_the_schema(drive):
    async def check(kernel):
        weather, later, add, adds = await describe_tools(
            ["weather", "later", "add", "adds"], kernel
        )
        assert weather.name == "weather"
        assert weather.description == "The weather of some days."
        assert weather.parameters == {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where."},
                "days": {"type": "integer", "default": 1},
                "unit": {"enum": ["c", "k"], "default": "c"},
            },
            "required": ["city"],
            "additionalProperties": False,
        }
        assert later.parameters["properties"] == {"x": {"type": "number"}}
        assert (add.description, add.parameters["required"]) == ("Adds to the start.", ["more"])
        assert adds.description == weather.description
        assert adds.parameters["properties"]["days"]["default"] == 7
        for tool in (weather, later, add, adds):
            jsonschema.Draft202012Validator.check_schema(tool.parameters)
        assert await describe_tools([], kernel) == ()

    drive(check, FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "gone",
            "there is no function `gone`; there are: Adder, GivingUp, Strange, Unit, Worse, add, adds",
        ),
        ("number", "`number` is a int, and no function"),
        ("asyncio", "`asyncio` is a module, and no function"),
        ("len", "there is no function `len`"),
        ("needs_many", "takes `*values`"),
        ("needs_named", "takes `**values`"),
    ],
)
def test_what_is_no_tool_says_why(drive, name, said):
    async def check(kernel):
        with pytest.raises(InvalidInput) as caught:
            await describe_tools(["weather", name], kernel)
        assert said in str(caught.value)

    drive(check, FUNCTIONS)


# Calling -------------------------------------------------------------------------------------


def test_a_call(drive):
    async def check(kernel):
        before = await kernel.names()
        result = await call(kernel, "weather", city="Rome", unit="k")
        assert (result.text, result.failed) == ("Rome: 1 KELVIN", False)
        assert result.outputs == (Output.stdout("looking at Rome\n"),)
        [calls, last] = await kernel.evaluate([Expression("calls"), Expression("_")])
        assert calls.text == "[('Rome', 1, <Unit.KELVIN: 'k'>)]"
        assert last.text == "before"
        assert await kernel.names() == before

    drive(check, FUNCTIONS)


@pytest.mark.parametrize("name", ["later", "gives_awaitable"])
def test_what_is_to_be_awaited_is_awaited(drive, name):
    async def check(kernel):
        result = await call(kernel, name, x=2)
        assert json.loads(result.text) == {"twice": 4.0}
        assert result.outputs == (Output.stdout("awaited\n"),)

    drive(check, FUNCTIONS)


def test_an_object_that_is_called_and_one_that_is_shown(drive):
    async def check(kernel):
        assert (await call(kernel, "add", more=2)).text == "3"
        [shown] = (await call(kernel, "shows")).outputs
        assert (shown.type, shown.content) == ("display", "'shown'")

    drive(check, FUNCTIONS)


def test_the_result_as_text(drive):
    async def check(kernel):
        texts = [(await call(kernel, "give", what=n)).text for n in range(7)]
        assert texts[:4] == ["ü", '{"a": [1, null]}', "null", "<strange>"]
        assert len(texts[4]) <= kernel.options.insert_limit_chars
        assert "characters are left out here]" in texts[4]
        assert texts[5:] == ["nan", "\\ud800"]
        worse = await call(kernel, "give", what=7)
        assert (worse.text, worse.failed) == ("ValueError: no text", True)

    drive(check, FUNCTIONS)


def test_what_it_raises_goes_to_the_model(drive):
    async def check(kernel):
        result = await call(kernel, "fails", x=1)
        assert (result.text, result.failed) == ("ValueError: two\nlines", True)
        assert not result.interrupted
        printed, trace = result.outputs
        assert printed == Output.stdout("so far\n")
        assert trace.type == "stderr"
        assert 'raise ValueError("two\\nlines")' in trace.content
        assert "inspection" not in trace.content
        for name, text in [("leaves", "SystemExit: 3"), ("gives_up", "GivingUp: enough")]:
            result = await call(kernel, name)
            assert (result.text, result.failed, result.interrupted) == (text, True, False)
            # An error among the outputs would make the cell fail.
            assert [one.type for one in result.outputs] == ["stderr"]
            assert text in result.outputs[0].content
        assert kernel.alive

    drive(check, FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("weather", "{", "the arguments are not JSON"),
        ("weather", '{"city": NaN}', "NaN is no JSON value"),
        ("weather", "[" * 100_000, "nested too deeply"),
        ("weather", "[]", "the arguments must be an object"),
        ("weather", "", "`city` is missing"),
        ("weather", '{"city": 1}', "`city` must be a text. It takes: city: str, days: int = 1"),
        ("weather", '{"city": "Rome", "day": 1}', "there is no argument `day`"),
        ("weather", '{"city": "Rome", "unit": "x"}', "`unit` must be one of 'c', 'k'"),
        ("gone", "{}", "There is no function `gone`."),
        ("number", "{}", "There is no function `number`."),
        ("eval", '{"source": "1"}', "There is no function `eval`."),
        ("weather('x')", "{}", "is not the name of a function"),
        ("", "{}", "is not the name of a function"),
    ],
)
def test_what_cannot_be_called_is_told_to_the_model(drive, name, arguments, said):
    async def check(kernel):
        result = await call_tool(ToolCall(id="1", name=name, arguments=arguments), kernel)
        assert result.failed
        assert not result.interrupted
        assert said in result.text
        assert result.outputs == ()
        [calls] = await kernel.evaluate([Expression("calls")])
        assert calls.json == []

    drive(check, FUNCTIONS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
NASTY = st.sampled_from(["'", '"', "\\", "'''", "\n", "{", "}", "__import__('os')", "\u2028", "\0"])


@settings(max_examples=25)
@given(st.lists(JSON | st.lists(NASTY).map("".join), max_size=8))
def test_arguments_arrive_as_they_are(values):
    """Whatever a model writes is data: it arrives, or the model is told."""

    async def check():
        kernel = InProcessKernel()
        await kernel.start()
        try:
            code = "got = []\ndef take(value): got.append(value)"
            assert [one async for one in kernel.execute(code)] == []
            for value in values:
                got = kernel.live_namespace()["got"]
                got.clear()
                arguments = json.dumps({"value": value})
                result = await call_tool(ToolCall(id="", name="take", arguments=arguments), kernel)
                if not result.failed:
                    assert json.dumps(got) == json.dumps([value])
                else:
                    assert "no JSON value" in result.text
                    assert got == []
        finally:
            await kernel.shutdown()

    asyncio.run(check())


@pytest.mark.parametrize("name", ["sleeps", "sleeps_on"])
def test_an_interrupt_ends_it(drive, name):
    async def check(kernel):
        task = asyncio.create_task(call(kernel, name))
        while not task.done():
            # As an interrupt is lost that comes when code is just about to begin.
            await asyncio.wait({task}, timeout=0.1)
            await kernel.interrupt()
        result = await task
        assert result.failed
        assert result.interrupted
        assert "KeyboardInterrupt" in result.text or result.text == "It was interrupted."
        assert (await call(kernel, "add", more=1)).text == "2"

    drive(check, FUNCTIONS)


def test_being_cancelled_ends_it(drive):
    async def check(kernel):
        task = asyncio.create_task(call(kernel, "sleeps"))
        await asyncio.wait({task}, timeout=0.3)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert (await call(kernel, "add", more=1)).text == "2"
        assert "word" not in await kernel.names()

    drive(check, FUNCTIONS)
