from __future__ import annotations

import asyncio

import pytest

from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.kernels.worker import WorkerKernel

LIMIT_S = 60.0


@pytest.fixture
def drive(kernel, request):
    """Drives a coroutine with a kernel of each kind, in which some code has run."""

    def run(check, code="", **options):
        async def whole():
            kernel_options = KernelOptions(**options)
            if kernel == "worker":
                zygote = request.getfixturevalue("zygote")
                running = WorkerKernel(kernel_options, zygote=zygote)
            else:
                running = InProcessKernel(kernel_options)
            async with asyncio.timeout(LIMIT_S):
                await running.start()
                try:
                    outputs = [output async for output in running.execute(code)]
                    assert [one.content for one in outputs if one.type == "error"] == []
                    return await check(running)
                finally:
                    await running.shutdown()

        return asyncio.run(whole())

    return run
