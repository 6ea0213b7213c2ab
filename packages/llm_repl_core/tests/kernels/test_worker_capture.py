from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.model.output import Output
from llm_repl_core.testing.kernel_suite import run_cell, text_of

Run = Callable[[str], list[Output]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs code in a worker kernel that all tests here share."""
    with asyncio.Runner() as runner:
        zygote = Zygote()
        kernel = WorkerKernel(zygote=zygote)
        runner.run(kernel.start())
        yield lambda code: runner.run(asyncio.wait_for(run_cell(kernel, code), 60))
        runner.run(kernel.shutdown())
        runner.run(zygote.stop())


def test_forked_children_of_threads_print_and_display(run: Run) -> None:
    code = (
        "import os, threading, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "def work(i):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        print(f'<child {i}>')\n"
        "        display(f'<shown {i}>')\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "    print(f'<parent {i}>')\n"
        "threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    text = text_of(run(code), "stdout")
    for word in ("child", "shown", "parent"):
        assert [text.count(f"<{word} {i}>") for i in range(4)] == [1] * 4


def test_characters_that_threads_write_as_bytes(run: Run) -> None:
    code = (
        "import sys, threading\n"
        "def work():\n"
        "    for _ in range(300): sys.stdout.buffer.write('€\\n'.encode())\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    assert run(code) == [Output.stdout(1200 * "€\n")]


def test_programs_and_c_code_come_in_between(run: Run) -> None:
    code = (
        "import ctypes, os, subprocess\n"
        "print('1'); os.write(1, b'2\\n'); print('3')\n"
        "subprocess.run(['echo', '4']); print('5')\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.printf(b'6\\n'); libc.fflush(None); print('7');"
    )
    assert run(code) == [Output.stdout("1\n2\n3\n4\n5\n6\n7\n")]
