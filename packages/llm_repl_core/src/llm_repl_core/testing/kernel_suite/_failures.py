"""Code that fails."""

from __future__ import annotations

from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.output import Output
from llm_repl_core.testing.kernel_suite._checks import KernelChecks, run_cell

__all__ = ["FailureTests"]


class FailureTests(KernelChecks):
    """What a cell that fails says."""

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
