"""Copies of the state that are only looked at."""

from __future__ import annotations

from typing import ClassVar

from llm_repl_core.kernels.base import Expression, Failed, Kernel, KernelFork, Value
from llm_repl_core.testing.kernel_suite._checks import KernelChecks, run_cell, text_of

__all__ = ["ForkTests"]


class ForkTests(KernelChecks):
    """Forks: they have the state of their moment, and nothing that is done to them gets out."""

    forks_anything: ClassVar[bool] = False
    """Whether a fork has all objects, and evaluates whatever the kernel does."""

    def test_a_fork_has_the_state_of_its_moment(self) -> None:
        """A fork has the state of its moment, and what is set in it alone."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "number = 3.14159\nitems = [1, (2,), {'a': 'é'}]")
            async with await forked(kernel, "number", "items") as fork:
                await run_cell(kernel, "number = 0; items.clear()")
                expressions = [
                    Expression("number", format_spec=(".2f",)),
                    Expression("items"),
                    Expression("items[2]['a']", "r"),
                    Expression("items[:1]", insert_limit_chars=1000),
                    Expression("items[9]"),
                ]
                *values, failed = await fork.evaluate(expressions)
                assert [value.text for value in values if isinstance(value, Value)] == [
                    "3.14",
                    "[1, (2,), {'a': 'é'}]",
                    "'é'",
                    "[1]",
                ]
                assert isinstance(failed, Failed)
                assert failed.ename == "IndexError"
                assert await fork.names() == ["items", "number"]
                await fork.assign({"answer": ["yes"]})
                (value,) = await fork.evaluate([Expression("answer[0]")], extra={"x": 1})
                assert isinstance(value, Value)
                assert value.json == "yes"
            assert not fork.alive
            assert await kernel.names() == ["items", "number"]
            assert text_of(await run_cell(kernel, "print(number, items)"), "stdout") == "0 []\n"

        self.run(check)

    def test_nothing_that_a_fork_does_reaches_the_kernel(self) -> None:
        """Neither objects that count, nor what is printed or displayed."""

        async def check(kernel: Kernel) -> None:
            await run_cell(
                kernel,
                "import collections, itertools\n"
                "class Counts:\n"
                "    count = 0\n"
                "    def __repr__(self):\n"
                "        Counts.count += 1\n"
                "        print('printed', flush=True)\n"
                "        return str(Counts.count)\n"
                "counts, table = Counts(), collections.defaultdict(list)\n"
                "ids = itertools.count(1)",
            )
            async with await forked(kernel) as fork:
                sources = ["counts", "table['x']", "next(ids)", "print('fork')", "counts"]
                values = await fork.evaluate([Expression(source) for source in sources])
                assert [value.text for value in values if isinstance(value, Value)] == [
                    "1",
                    "[]",
                    "1",
                    "None",
                    "2",
                ]
            outputs = await run_cell(kernel, "print(Counts.count, dict(table), next(ids))")
            assert text_of(outputs, "stdout") == "0 {} 1\n"

        if self.forks_anything:
            self.run(check)

    def test_a_fork_of_plain_data_holds_nothing_else(self) -> None:
        """What is no plain data, or no plain expression, fails, and is not evaluated."""

        async def check(kernel: Kernel) -> None:
            await run_cell(
                kernel,
                "import math, sys\n"
                "class Text(str): pass\n"
                "cycle, deep, text = [], 1, Text('x')\n"
                "cycle.append(cycle)\n"
                "for _ in range(60): deep = [deep]\n"
                "nan, nans, letters, long = math.nan, [math.inf], {'a'}, 'x' * 10**6\n"
                "many, surrogate = list(range(10**5)), 'é\\udcff\\n'\n"
                "plain = {'a': [1, -2.5, None, True, ('x',), ()], 2: {}, (1, 'k'): 10**30}",
            )
            others = [
                "math",
                "cycle",
                "deep",
                "text",
                "nan",
                "nans",
                "letters",
                "long",
                "many",
                "missing",
            ]
            async with await forked(kernel, *others, "surrogate", "plain") as fork:
                assert await fork.names() == ["plain", "surrogate"]
                sources = {
                    "plain": "{'a': [1, -2.5, None, True, ('x',), ()], 2: {}, (1, 'k'): 10000000"
                    "00000000000000000000000}",
                    "plain['a'][-1]": "()",
                    "plain[1, 'k']": str(10**30),
                    "surrogate": "é\\udcff\n",
                    "surrogate[::-1]": "\n\\udcffé",
                }
                values = await fork.evaluate([Expression(source) for source in sources])
                assert [value.text for value in values if isinstance(value, Value)] == [
                    *sources.values()
                ]
                refused = [
                    *others, "print", "plain['a'].append(1)", "len(plain)", "plain['a'] * 9",
                    "-plain[2]", "(x := 1)", "[*plain]", "lambda: plain", "f'{plain}'", "1 +",
                    "await plain", "sys", "__builtins__", "()",
                ]  # fmt: skip
                for source, failed in zip(
                    refused,
                    await fork.evaluate([Expression(text) for text in refused]),
                    strict=True,
                ):
                    assert isinstance(failed, Failed) or source == "()", source
                (failed,) = await fork.evaluate([Expression("plain", format_spec=(">99999",))])
                assert isinstance(failed, Failed)

        if not self.forks_anything:
            self.run(check)

    def test_a_fork_may_be_closed_at_any_time(self) -> None:
        """Also twice, and after its kernel has ended."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "x = 1")
            first, second = await forked(kernel, "x"), await forked(kernel, "x")
            await first.close()
            await first.close()
            assert not first.alive
            await kernel.shutdown()
            assert not (self.forks_anything and second.alive)
            await second.close()

        self.run(check)


async def forked(kernel: Kernel, *names: str) -> KernelFork:
    """A fork, where there is one."""
    fork = await kernel.fork(names)
    assert fork is not None
    return fork
