"""Values that go into the state, and out of it."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from llm_repl_core.kernels.base import Evaluated, Expression, Failed, Kernel, Value
from llm_repl_core.model.output_changes import OutputList
from llm_repl_core.testing.kernel_suite._checks import KernelChecks, run_cell, text_of

__all__ = ["ValueTests"]


class ValueTests(KernelChecks):
    """Values: evaluated, set, listed."""

    def test_evaluate(self) -> None:
        """Expressions become values, as the fields of an f-string do."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "number = 3.14159\nword = 'né'\nwidth = 8\nitems = [1, (2,)]")
            results = await kernel.evaluate(
                [
                    Expression("number", format_spec=(".2f",)),
                    Expression("word", "r"),
                    Expression("word", "a"),
                    Expression("word", "s", (">", Expression("width"))),
                    Expression(" items "),
                    Expression("items[0]\n+ 1"),
                    Expression("[width for _ in range(2)]"),
                ]
            )
            assert [text_or_failure(result) for result in results] == [
                "3.14",
                "'né'",
                "'n\\xe9'",
                "      né",
                "[1, (2,)]",
                "2",
                "[8, 8]",
            ]
            assert [result.json for result in results if isinstance(result, Value)][4] == [1, [2]]

        self.run_shared(check)

    def test_evaluate_reports_failures_one_by_one(self) -> None:
        """Evaluate reports failures one by one."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "here = 1\nimport os\n_hidden = 1")
            results = await kernel.evaluate(
                [
                    Expression("missing"),
                    Expression("1 / 0"),
                    Expression("here +"),
                    Expression("here", format_spec=("nonsense",)),
                    Expression("here"),
                ]
            )
            names = [result.ename for result in results if isinstance(result, Failed)]
            assert names == ["NameError", "ZeroDivisionError", "SyntaxError", "ValueError"]
            missing = results[0]
            assert isinstance(missing, Failed)
            assert "here" in missing.names
            assert "_hidden" not in missing.names
            assert missing.names == tuple(sorted(missing.names))
            assert text_or_failure(results[-1]) == "1"

        self.run_shared(check)

    def test_evaluate_with_restrictions_and_extra_names(self) -> None:
        """Evaluate with restrictions and extra names."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "base = 40")
            results = await kernel.evaluate(
                [
                    Expression("base + added"),
                    Expression("sum([base, added])"),
                    Expression("open('/etc/hostname')"),
                    Expression("__import__('os')"),
                    Expression("base.__class__"),
                ],
                restricted=True,
                extra={"added": 2},
            )
            assert [text_or_failure(result) for result in results] == [
                "42",
                "42",
                "NameError",
                "NameError",
                "AttributeError",
            ]
            (gone,) = await kernel.evaluate([Expression("added")])
            assert isinstance(gone, Failed)

        self.run_shared(check)

    def test_values_that_json_cannot_hold(self) -> None:
        """Values that JSON cannot hold."""

        async def check(kernel: Kernel) -> None:
            await run_cell(
                kernel,
                "import math\n"
                "cycle = []; cycle.append(cycle)\n"
                "deep = []\n"
                "for _ in range(500): deep = [deep]\n"
                "sources = {1: 'a'}",
            )
            expressions = [
                "math.nan",
                "math.inf",
                "2 ** 64",
                "cycle",
                "deep",
                "sources",
                "{1, 2}",
                "b'x'",
                "print",
            ]
            for expression, result in zip(
                expressions,
                await kernel.evaluate([Expression(source) for source in expressions]),
                strict=True,
            ):
                assert isinstance(result, Value), expression
                assert result.json is UNSET, expression
                assert result.text, expression

        self.run_shared(check)

    def test_values_are_bounded(self) -> None:
        """Values are bounded."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "long = 'é' * 5000\nmany = list(range(10**6))")
            for result in await kernel.evaluate([Expression("long"), Expression("many")]):
                assert isinstance(result, Value)
                assert result.truncated
                assert len(result.text.encode()) <= 1000
                assert result.json is UNSET

        self.run(check, value_limit_bytes=1000)

    def test_what_a_prompt_inserts(self) -> None:
        """What a prompt inserts is whole up to its limit, and says what it lacks."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "text = 'é' * 300\nmany = list(range(1000))\nx = 2.5")
            expressions = [
                Expression("text", insert_limit_chars=200),
                Expression("many", insert_limit_chars=200),
                Expression("x", format_spec=(".2f",), insert_limit_chars=200),
                Expression("nothing", insert_limit_chars=200),
            ]
            text, many, x, nothing = await kernel.evaluate(expressions)
            assert isinstance(text, Value)
            assert (text.text, text.notice) == ("é" * 300, "")
            assert isinstance(many, Value)
            assert len(many.text) <= 200
            assert "{many[:100]}" in many.notice
            assert isinstance(x, Value)
            assert (x.text, x.notice) == ("2.50", "")
            assert isinstance(nothing, Failed)

        self.run_shared(check)

    def test_what_an_evaluation_shows_belongs_to_who_asked(self) -> None:
        """What expressions print and display is collected; a cell's own outputs are not."""
        code = (
            "import sys\n"
            "class Talks:\n"
            "    def __repr__(self):\n"
            "        print('out')\n"
            "        print('err', file=sys.stderr)\n"
            "        display({'text/plain': 'shown'}, raw=True)\n"
            "        return 'text'\n"
            "talks = Talks()"
        )

        if not self.collects_outputs:
            pytest.skip("This kernel collects no outputs of evaluations.")

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, code)
            collected = OutputList()
            with kernel.collect_outputs(collected.apply):
                *texts, failed = await kernel.evaluate(
                    [Expression("talks", "r"), Expression("talks", "r"), Expression("print(1 / 0)")]
                )
                await kernel.names()
            assert [text_or_failure(text) for text in texts] == ["text", "text"]
            assert isinstance(failed, Failed)
            assert text_of(collected.outputs, "stdout") == "out\nout\n"
            assert text_of(collected.outputs, "stderr") == "err\nerr\n"
            assert text_of(collected.outputs, "display") == "shownshown"
            (shown,) = await run_cell(kernel, "print('cell')")
            assert shown.content == "cell\n"
            await kernel.evaluate([Expression("print('nobody asked')")])
            (shown,) = await run_cell(kernel, "print('cell')")
            assert shown.content == "nobody asked\ncell\n"

        self.run(check)

    def test_what_an_evaluation_shows_is_bounded(self) -> None:
        """What an evaluation shows is bounded as a cell's outputs are, each for itself."""
        if not self.collects_outputs:
            pytest.skip("This kernel collects no outputs of evaluations.")

        async def check(kernel: Kernel) -> None:
            for _ in range(2):
                collected = OutputList()
                with kernel.collect_outputs(collected.apply):
                    await kernel.evaluate([Expression("print('x' * 100_000)")])
                assert len(text_of(collected.outputs, "stdout")) == 10_000
                assert "10,000 bytes" in text_of(collected.outputs, "warning")
            assert text_of(await run_cell(kernel, "print('cell')"), "stdout") == "cell\n"

        self.run(check, output_limit_bytes=10_000)

    def test_assign(self) -> None:
        """Values can be set from outside."""

        async def check(kernel: Kernel) -> None:
            document = {"a": [1, 2.5, None, True], "b": {"c": "dé"}}
            await kernel.assign({"given": document, "other": "text"})
            (output,) = await run_cell(kernel, "print(given['a'], given['b']['c'], other)")
            assert output.content == "[1, 2.5, None, True] dé text\n"
            (value,) = await kernel.evaluate([Expression("given")])
            assert isinstance(value, Value)
            assert value.json == document

        self.run_shared(check)

    def test_names(self) -> None:
        """The user's names are listed, and nobody else's."""

        async def check(kernel: Kernel) -> None:
            assert await kernel.names() == []
            await run_cell(kernel, "import os\nb = 1\na = 2\n_c = 3\ndef f(): pass\n99")
            assert await kernel.names() == ["a", "b", "f"]

        self.run(check)

    def test_snapshot(self) -> None:
        """A snapshot has all values, also of objects that misbehave."""

        async def check(kernel: Kernel) -> None:
            await run_cell(
                kernel,
                "import time\n"
                "class Slow:\n"
                "    def __repr__(self): time.sleep(10); return 'slow'\n"
                "class Loop:\n"
                "    def __repr__(self):\n"
                "        while True: pass\n"
                "class Raises:\n"
                "    def __repr__(self): raise RuntimeError('no repr')\n"
                "class Exits:\n"
                "    def __repr__(self): raise SystemExit\n"
                "slow, raises, exits, plain = Slow(), Raises(), Exits(), {'a': 1}\n"
                "text, nan, odd = 'as it is', float('nan'), '\\udcff'\n"
                f"loop = {'Slow' if not self.has_interrupt_of_sleep else 'Loop'}()\n",
            )
            values = await kernel.snapshot()
            assert values["plain"] == Value("{'a': 1}", "dict", {"a": 1})
            assert values["text"] == Value("as it is", "str", "as it is")
            assert values["nan"] == Value("nan", "float")
            assert values["odd"] == Value("\\udcff", "str")
            assert "longer than 0.2 s" in values["slow"].text
            assert "longer than 0.2 s" in values["loop"].text
            assert "RuntimeError: no repr" in values["raises"].text
            assert "SystemExit" in values["exits"].text
            assert "time" not in values
            assert (await run_cell(kernel, "plain"))[0].content == "{'a': 1}"

        self.run(check, value_timeout_s=0.2)


def text_or_failure(result: Evaluated) -> str:
    """The text of a value, or the name of what it raised."""
    return result.text if isinstance(result, Value) else result.ename
