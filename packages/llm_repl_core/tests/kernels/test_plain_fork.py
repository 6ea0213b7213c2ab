from __future__ import annotations

import ast
import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.errors import KernelDied
from llm_repl_core.kernels.base import Expression, Failed, KernelOptions, Value
from llm_repl_core.kernels.evaluation import evaluate_all
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.kernels.inspection.plain import plain_literal
from llm_repl_core.kernels.plain_fork import PlainFork
from llm_repl_core.testing.kernel_suite import run_cell

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters()),
)
keys = st.one_of(scalars, st.tuples(scalars, scalars))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
)


def exactly(value: Any) -> Any:
    """The value with its types, and dictionaries in their order, for a comparison."""
    if isinstance(value, list | tuple):
        return type(value), [exactly(item) for item in value]
    if isinstance(value, dict):
        return dict, [(exactly(key), exactly(item)) for key, item in value.items()]
    return type(value), repr(value)


@given(values, st.integers(0, 2000))
def test_a_literal_gives_the_very_value_or_there_is_none(value: Any, limit: int) -> None:
    literal = plain_literal({"x": value}, "x", limit)
    if literal is None:
        assert len(repr(value)) > limit // 8
    else:
        assert len(literal) <= limit
        assert exactly(ast.literal_eval(literal)) == exactly(value)


@given(values, st.sampled_from([None, "r", "s", "a"]), st.sampled_from([None, 200]))
def test_a_copy_gives_the_texts_that_the_kernel_gives(
    value: Any, conversion: Any, insert_limit: int | None
) -> None:
    expression = Expression("x", conversion, insert_limit_chars=insert_limit)
    asked = {"source": "x", "conversion": conversion, "insert_limit_chars": insert_limit}
    [expected] = evaluate_all(
        [asked], {"x": value}, restricted=False, extra={}, limit_bytes=1_000_000
    )
    [given] = asyncio.run(PlainFork(KernelOptions(), {"x": value}).evaluate([expression]))
    assert isinstance(given, Value)
    assert (given.text, given.notice) == (expected["text"], expected.get("notice", ""))


@pytest.mark.parametrize("value", [math.nan, {1}, b"x", 1j, [object()], {"a": {2: range(3)}}])
def test_other_values_have_no_literal(value: object) -> None:
    assert plain_literal({"x": value}, "x", 1000) is None


def test_options_of_libraries_that_running_code_uses_stay_as_they_are() -> None:
    pandas = pytest.importorskip("pandas")
    seen: list[int] = []

    class Spy(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            seen.append(pandas.get_option("display.max_rows"))
            return super().__getitem__(key)

    async def check() -> None:
        fork = PlainFork(KernelOptions(), {"x": Spy(a="…")})
        [value] = await fork.evaluate([Expression("x['a']", insert_limit_chars=200)])
        assert isinstance(value, Value)
        await fork.close()
        assert not fork.alive
        with pytest.raises(KernelDied):
            await fork.evaluate([Expression("x")])

    asyncio.run(check())
    assert seen == [60]


def test_a_copy_has_only_what_was_asked_for_and_an_answer_of_its_own() -> None:
    async def check() -> None:
        kernel = InProcessKernel()
        await kernel.start()
        await run_cell(kernel, "x = [1]; y = 2")
        fork = await kernel.fork(["x", "no name", "missing"])
        assert fork is not None
        answer = {"a": [1]}
        await fork.assign({"answer": answer})
        answer["a"].append(2)
        await run_cell(kernel, "x.append(2)")
        first, second, third = await fork.evaluate(
            [Expression("x"), Expression("answer"), Expression("y")]
        )
        assert isinstance(first, Value)
        assert isinstance(second, Value)
        assert (first.text, second.text) == ("[1]", "{'a': [1]}")
        assert isinstance(third, Failed)
        await kernel.shutdown()

    asyncio.run(check())
