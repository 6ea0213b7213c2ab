from __future__ import annotations

import asyncio
import os

import pytest

from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_core.testing.openai_server import OpenAIServer

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


@pytest.fixture
def server():
    """What `open_at_server` asks: it echoes until it is told otherwise."""
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def open_at_server(open_session, server, monkeypatch):
    """As `open_session`; prompts go to `server` by the real SDK."""
    for name in list(os.environ):
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", "only-for-tests")

    def open_it(notebook, *plugins, **options):
        known = {"provider": "openai", "model": "test-model", "base_url": server.base_url}
        return open_session(notebook, *plugins, **known | options)

    return open_it
