"""What every kernel must do. The author of one subclasses `KernelSuite` in a test module.

::

    class TestMyKernel(KernelSuite):
        def make_kernel(self, options):
            return MyKernel(options)

Flags say what a kernel of its nature can't do. Needs pytest, and nothing of its plugins.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, ClassVar

import pytest
from msgspec import UNSET

from llm_repl_core.errors import KernelDied
from llm_repl_core.kernels.base import Evaluated, Expression, Failed, Kernel, KernelOptions, Value
from llm_repl_core.model.output import Output, merge_streams

__all__ = ["KernelSuite", "run_cell", "text_of"]

Check = Callable[[Any], Awaitable[None]]

_LIMIT_S = 60.0


async def run_cell(kernel: Kernel, code: str) -> list[Output]:
    """The outputs of a cell, streams joined."""
    return merge_streams([output async for output in kernel.execute(code)])


def text_of(outputs: list[Output], type_: str) -> str:
    """The text of all outputs of one type."""
    return "".join(output.content for output in outputs if output.type == type_)


async def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so, for a limited time."""
    async with asyncio.timeout(_LIMIT_S):
        while not condition():  # noqa: ASYNC110  another process sets no event
            await asyncio.sleep(0.01)
    assert condition(), what


class KernelSuite:
    """The tests; each starts kernels of its own, and ends them."""

    survives_process_death: ClassVar[bool] = True
    """Whether code may end the kernel's process without ending the tests'."""

    has_magics: ClassVar[bool] = True
    """Whether IPython's magics work."""

    has_interrupt_of_sleep: ClassVar[bool] = True
    """Whether a system call that waits can be interrupted."""

    has_interrupt_of_await: ClassVar[bool] = True
    """Whether an ``await`` at the top level can be interrupted."""

    captures_processes: ClassVar[bool] = True
    """Whether the output of programs that the code starts is shown."""

    limits_memory: ClassVar[bool] = True
    """Whether ``memory_limit_bytes`` is kept."""

    def make_kernel(self, options: KernelOptions) -> Kernel:
        """A new kernel that has not been started."""
        raise NotImplementedError

    def run(self, check: Check, **options: Any) -> None:
        """Drive a check with a started kernel of its own."""

        async def whole() -> None:
            kernel = self.make_kernel(KernelOptions(**options))
            try:
                async with asyncio.timeout(_LIMIT_S):
                    await kernel.start()
                    await check(kernel)
            finally:
                await kernel.shutdown()

        asyncio.run(whole())

    def run_shared(self, check: Check) -> None:
        """As `run`, where it does not matter what ran in the kernel before."""
        self.run(check)

    def is_alive(self, kernel: Kernel) -> bool:
        """Whether it is alive now; asked anew each time, which type checkers do not expect."""
        return kernel.alive

    # Outputs -----------------------------------------------------------------------------------

    def test_state_persists_from_cell_to_cell(self) -> None:
        """State persists from cell to cell."""

        async def check(kernel: Kernel) -> None:
            assert await run_cell(kernel, "persists = 20") == []
            assert await run_cell(kernel, "def twice(x):\n    return 2 * x") == []
            outputs = await run_cell(kernel, "print(twice(persists) + 2)")
            assert outputs == [Output.stdout("42\n")]

        self.run_shared(check)

    def test_the_last_expression_is_displayed(self) -> None:
        """The last expression is displayed."""

        async def check(kernel: Kernel) -> None:
            (output,) = await run_cell(kernel, "1\n6 * 7")
            assert (output.type, output.content) == ("display", "42")
            assert output.fields["data"] == {"text/plain": "42"}
            assert await run_cell(kernel, "None") == []
            assert await run_cell(kernel, "6 * 7;") == []

        self.run_shared(check)

    def test_empty_code_gives_nothing(self) -> None:
        """Empty code gives nothing."""

        async def check(kernel: Kernel) -> None:
            for code in ("", "   \n", "# only a comment"):
                assert await run_cell(kernel, code) == []

        self.run_shared(check)

    def test_stdout_and_stderr_are_apart_and_in_order(self) -> None:
        """Stdout and stderr are apart and in order."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import sys, time\n"
                "for i in range(3):\n"
                "    print('out', i); sys.stdout.flush()\n"
                "    time.sleep(0.05)\n"
                "    print('err', i, file=sys.stderr); sys.stderr.flush()\n"
                "    time.sleep(0.05)\n"
            )
            expected = [
                output
                for i in range(3)
                for output in (Output.stdout(f"out {i}\n"), Output.stderr(f"err {i}\n"))
            ]
            assert await run_cell(kernel, code) == expected

        self.run_shared(check)

    def test_output_comes_while_the_cell_runs(self, tmp_path: Any) -> None:
        """Output comes while the cell runs."""
        gate = tmp_path / "gate"
        code = (
            "import pathlib, time\n"
            "print('first')\n"
            f"while not pathlib.Path({str(gate)!r}).exists():\n"
            "    time.sleep(0.005)\n"
            "print('second')\n"
        )

        async def check(kernel: Kernel) -> None:
            texts: list[str] = []
            async with aclosing(kernel.execute(code)) as outputs:
                async for output in outputs:
                    texts.append(output.content)
                    # The cell can go on only if its first output has come before its end.
                    gate.touch()
            assert "".join(texts) == "first\nsecond\n"
            assert len(texts) > 1

        self.run_shared(check)

    def test_rich_display(self) -> None:
        """Objects are shown in the forms that they offer."""

        async def check(kernel: Kernel) -> None:
            code = (
                "class Rich:\n"
                "    def _repr_html_(self): return '<b>rich</b>'\n"
                "    def _repr_png_(self): return b'\\x89PNG bytes'\n"
                "    def __repr__(self): return 'Rich()'\n"
                "display(Rich())\n"
                "Rich()"
            )
            first, second = await run_cell(kernel, code)
            assert first == second
            data = first.fields["data"]
            assert isinstance(data, dict)
            assert data["text/html"] == "<b>rich</b>"
            assert base64.b64decode(str(data["image/png"]).strip()) == b"\x89PNG bytes"
            assert first.content == "Rich()"

        self.run_shared(check)

    def test_a_data_frame_is_shown_as_html(self) -> None:
        """A data frame is shown as html."""
        pytest.importorskip("pandas")

        async def check(kernel: Kernel) -> None:
            code = "import pandas\npandas.DataFrame({'a': [1, 2]})"
            (output,) = await run_cell(kernel, code)
            data = output.fields["data"]
            assert isinstance(data, dict)
            assert "<table" in str(data["text/html"])
            assert "a" in output.content

        self.run_shared(check)

    def test_a_figure_is_shown_inline(self) -> None:
        """A figure is shown inline."""
        pytest.importorskip("matplotlib")

        async def check(kernel: Kernel) -> None:
            code = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);"
            outputs = [o for o in await run_cell(kernel, code) if o.type == "display"]
            (data,) = [output.fields["data"] for output in outputs]
            assert isinstance(data, dict)
            assert base64.b64decode(str(data["image/png"])).startswith(b"\x89PNG")
            assert await run_cell(kernel, "1;") == []

        self.run_shared(check)

    def test_await_at_the_top_level(self) -> None:
        """Await at the top level."""

        async def check(kernel: Kernel) -> None:
            code = "import asyncio\nawait asyncio.sleep(0)\nawaited = 7\nawait asyncio.sleep(0, 8)"
            (output,) = await run_cell(kernel, code)
            assert output.content == "8"
            assert (await run_cell(kernel, "awaited"))[0].content == "7"

        self.run_shared(check)

    def test_magics(self) -> None:
        """IPython's magics work."""
        if not self.has_magics:
            pytest.skip("This kernel has no magics.")

        async def check(kernel: Kernel) -> None:
            outputs = await run_cell(kernel, "%%time\nprint('timed')")
            assert text_of(outputs, "stdout").startswith("timed\n")
            assert "Wall time" in text_of(outputs, "stdout")
            outputs = await run_cell(kernel, "!echo from a shell")
            assert "from a shell" in text_of(outputs, "stdout")

        self.run_shared(check)

    def test_output_of_programs(self) -> None:
        """What programs print is shown, valid UTF-8 or not."""
        if not self.captures_processes:
            pytest.skip("This kernel does not see what programs print.")

        async def check(kernel: Kernel) -> None:
            code = (
                "import os\n"
                "print('before', flush=True)\n"
                "os.system('echo program; printf \"\\\\377\\\\n\"')\n"
                "print('after', flush=True);"
            )
            outputs = await run_cell(kernel, code)
            text = text_of(outputs, "stdout")
            assert "before" in text
            assert "program\n\N{REPLACEMENT CHARACTER}\n" in text
            assert "after" in text

        self.run_shared(check)

    def test_text_that_is_not_utf_8_gets_through(self) -> None:
        """Text that is not UTF-8 gets through."""

        async def check(kernel: Kernel) -> None:
            outputs = await run_cell(kernel, "print('a\\udc80b')\nlone = 'x\\ud800'")
            text = text_of(outputs, "stdout")
            text.encode("utf-8")
            assert text.startswith("a")
            assert text.endswith("b\n")
            (value,) = await kernel.evaluate([Expression("lone")])
            assert isinstance(value, Value)
            assert value.text == "x\\ud800"
            assert value.json is UNSET

        self.run_shared(check)

    def test_output_is_bounded(self) -> None:
        """Output is bounded."""

        async def check(kernel: Kernel) -> None:
            code = "for i in range(20): print('x' * 1000)"
            outputs = await run_cell(kernel, code)
            assert len(text_of(outputs, "stdout")) <= 5000
            assert len(text_of(outputs, "stdout")) > 4000
            assert len([o for o in outputs if o.type == "warning"]) == 1
            assert "5,000 bytes" in text_of(outputs, "warning")
            # The next cell has the whole limit again.
            outputs = await run_cell(kernel, "print('y' * 1000)")
            assert outputs == [Output.stdout("y" * 1000 + "\n")]

        self.run(check, output_limit_bytes=5000)

    def test_input_fails_with_a_sentence(self) -> None:
        """Input fails with a sentence."""

        async def check(kernel: Kernel) -> None:
            (output,) = await run_cell(kernel, "input('name? ')")
            assert output.type == "error"
            assert "input" in output.content
            assert (await run_cell(kernel, "1"))[0].content == "1"

        self.run_shared(check)

    # Failures ----------------------------------------------------------------------------------

    def test_an_error_comes_last_with_the_users_lines(self) -> None:
        """An error comes last with the user's lines."""

        async def check(kernel: Kernel) -> None:
            code = (
                "def divide(x):\n    return x / 0  # the culprit\n\nprint('printed')\ndivide(1)\n"
            )
            first, last = await run_cell(kernel, code)
            assert first == Output.stdout("printed\n")
            assert last.type == "error"
            assert last.content == "ZeroDivisionError: division by zero"
            assert last.fields["ename"] == "ZeroDivisionError"
            assert last.fields["evalue"] == "division by zero"
            lines = last.fields["traceback"]
            assert isinstance(lines, list)
            text = "\n".join(str(line) for line in lines)
            assert "the culprit" in text
            assert "divide(1)" in text
            assert "llm_repl_core" not in text
            assert "\x1b" not in text

        self.run_shared(check)

    def test_a_syntax_error_is_a_failed_cell(self) -> None:
        """A syntax error is a failed cell."""

        async def check(kernel: Kernel) -> None:
            (output,) = await run_cell(kernel, "def broken(:\n    pass")
            assert output.type == "error"
            assert output.fields["ename"] == "SyntaxError"
            lines = output.fields["traceback"]
            assert isinstance(lines, list)
            assert any("def broken(:" in str(line) for line in lines)
            assert (await run_cell(kernel, "1"))[0].content == "1"

        self.run_shared(check)

    def test_exceptions_that_misbehave(self) -> None:
        """Exceptions that misbehave."""

        async def check(kernel: Kernel) -> None:
            code = (
                "class Bad(Exception):\n"
                "    def __str__(self): raise RuntimeError('no text')\n"
                "raise Bad()"
            )
            outputs = await run_cell(kernel, code)
            assert outputs[-1].type == "error"
            outputs = await run_cell(kernel, "raise ExceptionGroup('many', [ValueError('one')])")
            assert outputs[-1].fields["ename"] == "ExceptionGroup"
            assert (await run_cell(kernel, "1"))[0].content == "1"

        self.run_shared(check)

    def test_exit_does_not_end_the_kernel_silently(self) -> None:
        """Exit does not end the kernel silently."""

        async def check(kernel: Kernel) -> None:
            outputs = await run_cell(kernel, "left = 5\nexit()")
            assert outputs[-1].type in ("error", "warning")
            assert "shut the kernel down" in outputs[-1].content
            outputs = await run_cell(kernel, "raise SystemExit(3)")
            assert outputs[-1].fields["ename"] == "SystemExit"
            assert (await run_cell(kernel, "left"))[0].content == "5"

        self.run(check)

    # Interrupts --------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", ["while True: pass", "while True: print('x' * 1000)"])
    def test_an_interrupt_ends_a_loop(self, code: str) -> None:
        """An interrupt ends a loop."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "kept = 1")
            outputs, seconds = await interrupted(kernel, code)
            assert outputs[-1].type == "error"
            assert outputs[-1].fields["ename"] == "KeyboardInterrupt"
            assert seconds < 5
            assert (await run_cell(kernel, "kept"))[0].content == "1"

        self.run_shared(check)

    def test_an_interrupt_ends_a_sleep(self) -> None:
        """An interrupt ends a sleep."""
        if not self.has_interrupt_of_sleep:
            pytest.skip("This kernel can't interrupt a system call.")

        async def check(kernel: Kernel) -> None:
            outputs, seconds = await interrupted(kernel, "import time\ntime.sleep(100)")
            assert outputs[-1].fields["ename"] == "KeyboardInterrupt"
            assert seconds < 5

        self.run_shared(check)

    def test_an_interrupt_ends_an_await(self) -> None:
        """An interrupt ends an await."""
        if not self.has_interrupt_of_await:
            pytest.skip("This kernel can't interrupt what its event loop waits for.")

        async def check(kernel: Kernel) -> None:
            code = "import asyncio\nawait asyncio.sleep(100)"
            outputs, seconds = await interrupted(kernel, code)
            assert outputs[-1].fields["ename"] == "KeyboardInterrupt"
            assert seconds < 5
            assert (await run_cell(kernel, "await asyncio.sleep(0, 3)"))[0].content == "3"

        self.run_shared(check)

    def test_an_interrupt_of_nothing_has_no_effect(self) -> None:
        """An interrupt of nothing has no effect."""

        async def check(kernel: Kernel) -> None:
            await kernel.interrupt()
            for number in range(20):
                await kernel.interrupt()
                (output,) = await run_cell(kernel, f"{number} + 1")
                assert output.content == str(number + 1)
                await kernel.interrupt()
            assert kernel.alive

        self.run_shared(check)

    def test_closing_early_interrupts_the_code(self) -> None:
        """Closing early interrupts the code."""

        async def check(kernel: Kernel) -> None:
            code = "closed = 0\nprint('go', flush=True)\nwhile True:\n    closed += 1"
            async with aclosing(kernel.execute(code)) as outputs:
                async for _ in outputs:
                    break
            assert kernel.alive
            (first,) = await run_cell(kernel, "closed")
            (second,) = await run_cell(kernel, "closed")
            assert first.content == second.content

        self.run_shared(check)

    def test_cancelling_interrupts_the_code(self) -> None:
        """Cancelling interrupts the code."""

        async def check(kernel: Kernel) -> None:
            started = asyncio.Event()

            async def consume() -> None:
                async with aclosing(
                    kernel.execute("print(1, flush=True)\nwhile True: pass")
                ) as outputs:
                    async for _ in outputs:
                        started.set()

            task = asyncio.create_task(consume())
            await started.wait()
            task.cancel()
            await asyncio.wait({task})
            assert (await run_cell(kernel, "2"))[0].content == "2"

        self.run_shared(check)

    # Values ------------------------------------------------------------------------------------

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

    # Life --------------------------------------------------------------------------------------

    def test_options_reach_the_code(self, tmp_path: Any) -> None:
        """Options reach the code."""

        async def check(kernel: Kernel) -> None:
            code = "import os\nprint(os.getcwd(), os.environ['SUITE_GREETING'])"
            (output,) = await run_cell(kernel, code)
            assert output.content == f"{tmp_path.resolve()} hello\n"

        self.run(check, cwd=str(tmp_path.resolve()), env={"SUITE_GREETING": "hello"})

    def test_restart_empties_the_state(self) -> None:
        """Restart empties the state."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "gone = 1")
            await kernel.restart()
            assert kernel.alive
            (result,) = await kernel.evaluate([Expression("gone")])
            assert isinstance(result, Failed)

        self.run(check)

    def test_shutdown_may_be_called_twice(self) -> None:
        """Shutdown may be called twice."""

        async def check(kernel: Kernel) -> None:
            assert kernel.alive
            await kernel.shutdown()
            assert not self.is_alive(kernel)
            await kernel.shutdown()
            with pytest.raises(KernelDied):
                await run_cell(kernel, "1")
            with pytest.raises(KernelDied):
                await kernel.names()

        self.run(check)

    def test_shutdown_while_a_cell_runs(self) -> None:
        """Shutdown while a cell runs."""

        async def check(kernel: Kernel) -> None:
            task = asyncio.create_task(run_cell(kernel, "while True: pass"))
            await asyncio.sleep(0.1)
            await kernel.shutdown()
            done, _ = await asyncio.wait({task}, timeout=20)
            assert done
            assert task.exception() is None or isinstance(task.exception(), KernelDied)
            assert not kernel.alive

        self.run(check)

    def test_kernels_do_not_mix(self) -> None:
        """Kernels do not mix."""

        async def check(first: Kernel) -> None:
            second = self.make_kernel(KernelOptions())
            try:
                await second.start()
                code = (
                    "import time\nfor i in range(20):\n    print(who, i)\n    time.sleep(0.002)\n"
                )
                await first.assign({"who": "one"})
                await second.assign({"who": "two"})
                results = await asyncio.gather(run_cell(first, code), run_cell(second, code))
                for who, outputs in zip(("one", "two"), results, strict=True):
                    expected = "".join(f"{who} {i}\n" for i in range(20))
                    assert text_of(outputs, "stdout") == expected
            finally:
                await second.shutdown()

        self.run(check)

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("import os\nos._exit(3)", "exit code 3"),
            ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
            ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ],
    )
    def test_the_death_of_the_process_is_told(self, code: str, reason: str) -> None:
        """The death of the process is told."""
        if not self.survives_process_death:
            pytest.skip("This kernel's process is the tests' own.")

        async def check(kernel: Kernel) -> None:
            outputs: list[Output] = []
            source = f"import time\nprint('before', flush=True)\ntime.sleep(0.3)\n{code}"

            async def consume() -> None:
                async for output in kernel.execute(source):
                    outputs.append(output)  # noqa: PERF401  those before the death count

            with pytest.raises(KernelDied, match=reason):
                await consume()
            assert text_of(outputs, "stdout") == "before\n"
            assert not kernel.alive
            with pytest.raises(KernelDied):
                await kernel.names()
            await kernel.restart()
            assert (await run_cell(kernel, "'back'"))[0].content == "'back'"

        self.run(check)

    def test_death_is_noticed_when_idle(self) -> None:
        """Death is noticed when idle."""
        if not self.survives_process_death:
            pytest.skip("This kernel's process is the tests' own.")

        async def check(kernel: Kernel) -> None:
            code = "import os, threading\nthreading.Timer(0.2, os._exit, (4,)).start()"
            await run_cell(kernel, code)
            await wait_until(lambda: not kernel.alive, "the death was noticed")

        self.run(check)

    def test_memory_is_limited(self) -> None:
        """Memory is limited."""
        if not self.limits_memory:
            pytest.skip("This kernel does not limit memory.")

        async def check(kernel: Kernel) -> None:
            code = "hoard = []\nwhile True: hoard.append(bytearray(10**7))"
            try:
                outputs = await run_cell(kernel, code)
            except KernelDied as death:
                assert "memory" in str(death)  # noqa: PT017  one of two good ends
            else:
                assert outputs[-1].fields["ename"] == "MemoryError"

        self.run(check, memory_limit_bytes=400_000_000)


async def interrupted(kernel: Kernel, code: str) -> tuple[list[Output], float]:
    """The outputs of a cell that was interrupted, and the seconds from then to its end."""
    started = asyncio.Event()
    outputs: list[Output] = []

    async def consume() -> None:
        async for output in kernel.execute("print('started', flush=True)\n" + code):
            outputs.append(output)
            started.set()

    task = asyncio.create_task(consume())
    await started.wait()
    await asyncio.sleep(0.05)
    loop = asyncio.get_running_loop()
    before = loop.time()
    await kernel.interrupt()
    await task
    return outputs, loop.time() - before


def text_or_failure(result: Evaluated) -> str:
    """The text of a value, or the name of what it raised."""
    return result.text if isinstance(result, Value) else result.ename
