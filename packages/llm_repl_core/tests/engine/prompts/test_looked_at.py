"""What is known of fields from before, and which of them may be looked at without starting anything."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core.engine.prompts import looked_at
from llm_repl_core.engine.prompts.looked_at import KnownValues, LookedAtState, calls_nothing
from llm_repl_core.errors import KernelDied
from llm_repl_core.kernels.base import Value
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.kernels.state import Expression, Failed


@pytest.mark.parametrize(
    ("source", "quiet"),
    [
        (" x ", True),
        ("orders['day'][0].price", True),
        ("a + b if not c else (d, 'e')", True),
        ("orders.head()", False),
        ("[x for x in y]", False),
        ("lambda: 1", False),
        ("x :=", False),
        ("", False),
        ("x\x00", False),
        ("(" * 5000 + "x" + ")" * 5000, False),
    ],
)
def test_which_fields_start_nothing(source, quiet):
    assert calls_nothing(source) is quiet


def value(text: str) -> Value:
    return Value(text=text, type_name="str")


def test_the_latest_values_are_kept_within_bounds(monkeypatch):
    monkeypatch.setattr(looked_at, "_VALUES", 3)
    known = KnownValues()
    for name in "abcd":
        known.put(Expression(name), value(name))
    assert known.get(Expression("a")) is None
    assert known.get(Expression("b")) == value("b")
    known.put(Expression("b"), value("new"))  # it is the latest now
    known.put(Expression("e"), value("e"))
    assert known.get(Expression("c")) is None
    assert known.get(Expression("b")) == value("new")


def test_long_values_are_not_kept_nor_too_many_characters(monkeypatch):
    monkeypatch.setattr(looked_at, "_LONGEST_VALUE", 10)
    monkeypatch.setattr(looked_at, "_CHARACTERS", 15)
    known = KnownValues()
    known.put(Expression("long"), value("x" * 11))
    assert known.get(Expression("long")) is None
    known.put(Expression("a"), value("x" * 8))
    known.put(Expression("a"), value("y" * 9))  # in the place of what was there
    assert known.get(Expression("a")) == value("y" * 9)
    known.put(Expression("b"), value("x" * 7))
    assert known.get(Expression("a")) is None
    assert known.get(Expression("b")) == value("x" * 7)
    known.put(Expression("b"), value("x" * 11))
    assert known.get(Expression("b")) is None  # it is not what it was
    known.names = ("a",)
    known.clear()
    assert (known.names, known.get(Expression("b"))) == ((), None)
    known.put(Expression("c"), value("x" * 10))
    assert known.get(Expression("c")) is not None


def test_a_state_that_is_looked_at_is_not_changed():
    async def check() -> None:
        kernel = InProcessKernel()
        known = KnownValues()
        known.names = ("x",)
        state = LookedAtState(kernel, known, texts={}, is_free=False, may_call=False)
        assert not state.alive
        assert "x" in await state.names()
        with pytest.raises(KernelDied, match="not changed"):
            await state.assign({"x": 1})
        [failed] = await state.evaluate([Expression("x")])
        assert isinstance(failed, Failed)
        assert failed.evalue == "the kernel is not free"

    asyncio.run(check())
