# ruff: noqa: ASYNC240  a test may block its own loop, and polls processes

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from llm_repl_core.errors import KernelStartFailed, KernelUnsupported
from llm_repl_core.kernels.base import Expression, KernelOptions
from llm_repl_core.kernels.jupyter import JupyterKernel
from llm_repl_core.kernels.jupyter_source import bootstrap_code
from llm_repl_core.testing.kernel_suite import Check, KernelSuite, run_cell, text_of

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[asyncio.Runner, JupyterKernel]]:
    """A Jupyter kernel takes long to start: one serves all tests that don't mind."""
    with asyncio.Runner() as runner:
        kernel = JupyterKernel()
        runner.run(kernel.start())
        yield runner, kernel
        runner.run(kernel.shutdown())


class TestJupyterKernel(KernelSuite):
    limits_memory: ClassVar[bool] = False
    has_interrupt_of_await: ClassVar[bool] = False
    # ipykernel sends it from a thread that may come after the end of the cell.
    captures_processes: ClassVar[bool] = False
    # print() gives ipykernel a line in two pieces, which it sends as they come.
    keeps_lines_whole: ClassVar[bool] = False

    @pytest.fixture(autouse=True)
    def _shared(self, shared: tuple[asyncio.Runner, JupyterKernel]) -> None:
        self.runner, self.shared = shared

    def make_kernel(self, options: KernelOptions) -> JupyterKernel:
        return JupyterKernel(options)

    def run_shared(self, check: Check) -> None:
        async def limited() -> None:
            async with asyncio.timeout(30):
                await check(self.shared)

        self.runner.run(limited())


def test_an_unknown_kernelspec_is_told_with_those_that_exist() -> None:
    async def check() -> None:
        kernel = JupyterKernel(KernelOptions(kernelspec="no-such-kernel"))
        with pytest.raises(KernelStartFailed, match=r"no-such-kernel.*python3"):
            await kernel.start()
        await kernel.shutdown()

    asyncio.run(check())


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_client.manager", None)

    async def check() -> None:
        kernel = JupyterKernel()
        with pytest.raises(KernelStartFailed, match=r"pip install 'llm-repl-core\[jupyter\]'"):
            await kernel.start()

    asyncio.run(check())


def test_a_kernel_that_is_not_python_says_so() -> None:
    async def check() -> None:
        kernel = JupyterKernel()
        kernel._alive = True
        kernel._language = "r"
        with pytest.raises(KernelUnsupported, match="runs r"):
            await kernel.evaluate([Expression("1")])
        kernel._alive = False

    asyncio.run(check())


def test_nothing_is_left_and_no_secret_goes_in(
    socket_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1")
    monkeypatch.setenv("ODD_NAME", "secret-2")

    async def check() -> None:
        kernel = JupyterKernel(KernelOptions(withheld_variables=("ODD_NAME",)))
        await kernel.start()
        (folder,) = socket_folder.glob("llm-repl-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        outputs = await run_cell(kernel, "import os\nprint(os.getpid(), dict(os.environ))")
        text = text_of(outputs, "stdout")
        assert "secret-" not in text
        await kernel.shutdown()
        assert list(socket_folder.glob("llm-repl-*")) == []
        assert not Path(f"/proc/{text.split()[0]}").exists()

    asyncio.run(check())


def test_the_helper_code_stands_alone() -> None:
    code = bootstrap_code()
    compile(code, "<bootstrap>", "exec")
    assert "from llm_repl_core" not in code
