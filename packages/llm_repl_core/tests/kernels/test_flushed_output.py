from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing

import pytest

from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputChange
from llm_repl_core.testing.kernel_suite import text_of

# Never lets go of Python's lock, so that no other thread of the process could send anything.
STUCK = "import re\nre.match('(a*)*b', 'a' * 60)\n"
LIMIT_S = 60


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    asyncio.run(zygote.stop())


@pytest.fixture(scope="module")
def changes_of(zygote: Zygote) -> Iterator[Callable[[str], list[OutputChange]]]:
    """Runs code in a kernel that the tests share, and answers each message's changes."""
    with asyncio.Runner() as runner:
        kernel = WorkerKernel(zygote=zygote)
        runner.run(kernel.start())

        async def changes(code: str) -> list[OutputChange]:
            async with asyncio.timeout(LIMIT_S):
                return [change async for change in kernel.execute(code)]

        yield lambda code: runner.run(changes(code))
        runner.run(kernel.shutdown())


@pytest.mark.parametrize(
    ("code", "stream"),
    [
        ("print('go', flush=True)", "stdout"),
        ("import sys; print('go', file=sys.stderr); sys.stderr.flush()", "stderr"),
        ("import sys; sys.stdout.buffer.write(b'go\\n'); sys.stdout.buffer.flush()", "stdout"),
        ("import os, sys; os.write(1, b'go\\n'); sys.stdout.flush()", "stdout"),
        ("print('ready', flush=True); print('go', flush=True)", "stdout"),
        (
            (
                "import threading\n"
                "thread = threading.Thread(target=lambda: print('go', flush=True))\n"
                "thread.start(); thread.join()"
            ),
            "stdout",
        ),
    ],
    ids=["print", "stderr", "bytes", "descriptor", "twice", "thread"],
)
def test_what_was_flushed_comes_while_c_code_holds_the_lock(
    code: str, stream: str, zygote: Zygote
) -> None:
    async def check() -> None:
        kernel = WorkerKernel(zygote=zygote)
        await kernel.start()
        try:
            text = ""
            changes = kernel.execute(f"{code}\n{STUCK}")
            async with asyncio.timeout(LIMIT_S), aclosing(changes):
                async for change in changes:
                    assert isinstance(change, Output)
                    text += text_of([change], stream)
                    if text.endswith("go\n"):
                        break
                # Here the code runs still, and would for years.
                assert kernel.alive
                await kernel.restart()
        finally:
            await kernel.shutdown()

    asyncio.run(check())


def test_many_flushes_are_few_messages(changes_of: Callable[[str], list[OutputChange]]) -> None:
    changes = changes_of("for i in range(20_000): print(i, flush=True)")
    outputs = [change for change in changes if isinstance(change, Output)]
    assert outputs == changes
    assert text_of(outputs, "stdout") == "".join(f"{i}\n" for i in range(20_000))
    assert len(changes) < 5_000


@pytest.mark.parametrize("flush", [False, True])
def test_what_handlers_of_signals_print_breaks_into_nothing(changes_of, flush):
    code = (
        "import signal\n"
        "rung = 0\n"
        "def ring(*_):\n"
        "    global rung\n"
        "    rung += 1\n"
        "    print('alarm', flush=FLUSH)\n"
        "before = signal.signal(signal.SIGALRM, ring)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
        "i = 0\n"
        "while i < 3000 or rung < 100:\n"
        "    print(f'<{i}>', flush=FLUSH)\n"
        "    i += 1\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "signal.signal(signal.SIGALRM, before)\n"
        "print(f'={i}={rung}', end='')\n"
    ).replace("FLUSH", str(flush))
    outputs = [change for change in changes_of(code) if isinstance(change, Output)]
    assert {output.type for output in outputs} == {"stdout"}, outputs[-1]
    printed, lines, rung = text_of(outputs, "stdout").split("=")
    in_order = "".join(f"<{i}>" for i in range(int(lines)))
    assert printed.replace("\n", "").replace("alarm", "") == in_order
    assert printed.count("alarm") == int(rung)
