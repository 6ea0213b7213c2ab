"""Code that is stopped."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from llm_repl_core.kernels.base import Expression, Kernel
from llm_repl_core.testing.kernel_suite._checks import KernelChecks, interrupted, run_cell

__all__ = ["InterruptTests"]


class InterruptTests(KernelChecks):
    """An interrupt ends the code, and nothing else."""

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

    @pytest.mark.parametrize("how", ["execute", "evaluate"])
    def test_cancelling_what_cannot_be_interrupted_ends_the_kernel(self, how: str) -> None:
        """Cancelling what cannot be interrupted ends the kernel, and soon."""
        if not self.survives_process_death:
            pytest.skip("This kernel's process is the tests' own.")

        async def check(kernel: Kernel) -> None:
            endless = "[print(1), max(range(10**15))]"  # in C, where no interrupt reaches it
            asked = (
                run_cell(kernel, endless)
                if how == "execute"
                else kernel.evaluate([Expression(endless)])
            )
            task: asyncio.Future[Any] = asyncio.ensure_future(asked)
            await asyncio.wait({task}, timeout=0.5)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=20)
            assert done
            if not kernel.alive:
                await kernel.restart()
            assert (await run_cell(kernel, "2"))[0].content == "2"

        self.run(check)
