"""The life of a kernel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llm_repl_core.errors import KernelDied
from llm_repl_core.kernels.base import Expression, Failed, Kernel, KernelOptions
from llm_repl_core.model.output_changes import OutputList
from llm_repl_core.testing.kernel_suite._checks import (
    KernelChecks,
    run_cell,
    run_cell_in,
    text_of,
    wait_until,
)

__all__ = ["LifeTests"]


class LifeTests(KernelChecks):
    """Start, restart, shutdown and death."""

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
            outputs = OutputList()
            source = f"import time\nprint('before', flush=True)\ntime.sleep(0.3)\n{code}"
            with pytest.raises(KernelDied, match=reason):
                await run_cell_in(outputs, kernel, source)
            assert text_of(outputs.outputs, "stdout") == "before\n"
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
