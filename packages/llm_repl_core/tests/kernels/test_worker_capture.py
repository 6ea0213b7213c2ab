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


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess\nsubprocess.run(['echo', 'program']).returncode",
        "import os\nos.write(1, b'program\\n') and 0",
        "import subprocess\nsubprocess.run(['echo', 'program']); display(0)",
        (
            "import os, threading\n"
            "thread = threading.Thread(target=lambda: (os.system('echo program'), display(0)))\n"
            "thread.start(); thread.join()"
        ),
    ],
    ids=["result", "descriptor", "display", "thread"],
)
def test_what_programs_print_stands_before_what_is_shown_then(run: Run, code: str) -> None:
    for _ in range(20):
        shown = run(code)
        assert [output.type for output in shown] == ["stdout", "display"]
        assert (shown[0].content, shown[1].content) == ("program\n", "0")


def test_what_comes_from_below_is_at_its_place_in_a_thousand_short_texts(run: Run) -> None:
    code = (
        "import os\n"
        "for number in range(1000):\n"
        "    print('p', number, end=' ')\n"
        "    if number % 7 == 0: os.write(1, b'w ')\n"
        "    if number % 50 == 0: os.system('printf s')\n"
        "    if number % 11 == 0: print()\n"
    )
    wanted = "".join(
        f"p {number} "
        + "w " * (number % 7 == 0)
        + "s" * (number % 50 == 0)
        + "\n" * (number % 11 == 0)
        for number in range(1000)
    )
    assert text_of(run(code), "stdout") == wanted


def test_streams_and_displays_keep_their_order_among_short_texts(run: Run) -> None:
    code = (
        "import sys\n"
        "for number in range(300):\n"
        "    print(number)\n"
        "    if number % 3 == 0: print('e', number, file=sys.stderr)\n"
        "    if number % 10 == 0: display(number)\n"
    )
    wanted: list[tuple[str, str]] = []

    def add(kind: str, text: str) -> None:
        if wanted and wanted[-1][0] == kind != "display":
            text = wanted.pop()[1] + text
        wanted.append((kind, text))

    for number in range(300):
        add("stdout", f"{number}\n")
        if number % 3 == 0:
            add("stderr", f"e {number}\n")
        if number % 10 == 0:
            add("display", str(number))
    shown = [(one.type, one.content) for one in run(code)]
    names = {kind for kind, _ in shown} - {"stdout", "stderr"}
    assert len(names) == 1
    assert [("display" if kind in names else kind, text) for kind, text in shown] == wanted


def test_a_handler_that_prints_in_the_midst_of_short_texts_loses_none(run: Run) -> None:
    code = (
        "import signal\n"
        "rings = 0\n"
        "def ring(*_):\n"
        "    global rings\n"
        "    rings += 1\n"
        "    print('<rang>')\n"
        "before = signal.signal(signal.SIGALRM, ring)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)\n"
        "for number in range(20_000): print(number)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "signal.signal(signal.SIGALRM, before)\n"
        "print(f'<{rings} rings>')\n"
    )
    text = text_of(run(code), "stdout")
    rings = text.count("<rang>")
    assert text.endswith(f"<{rings} rings>\n")
    assert rings > 3
    # A handler may print between a number and the end of its line, or of another handler's.
    lines = text.replace("<rang>", "").split("\n")
    assert [int(line) for line in lines[:-2] if line] == list(range(20_000))
    assert len(lines) == 20_000 + rings + 2


def test_what_a_handler_raises_in_the_midst_of_short_texts_is_the_cells(run: Run) -> None:
    code = (
        "import signal\n"
        "def ring(*_): raise RuntimeError('concurrent with nothing')\n"
        "before = signal.signal(signal.SIGALRM, ring)\n"
        "caught = 0\n"
        "for _ in range(20):\n"
        "    try:\n"
        "        signal.setitimer(signal.ITIMER_REAL, 0.002)\n"
        "        while True: print('x')\n"
        "    except RuntimeError: caught += 1\n"
        "signal.signal(signal.SIGALRM, before)\n"
        "print(f'<{caught}>')\n"
    )
    assert text_of(run(code), "stdout").endswith("<20>\n")


def test_a_forked_child_leaves_what_its_parent_has_printed_to_the_parent(run: Run) -> None:
    code = (
        "import os, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "for number in range(20):\n"
        "    print('before', number)\n"
        "    if os.fork() == 0:\n"
        "        print('child', number)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "    print('after', number)\n"
    )
    wanted = "".join(f"before {n}\nchild {n}\nafter {n}\n" for n in range(20))
    assert text_of(run(code), "stdout") == wanted


def test_threads_that_print_beside_the_main_one_lose_nothing(run: Run) -> None:
    code = (
        "import threading\n"
        "def work(name):\n"
        "    for number in range(500): print(name, number)\n"
        "threads = [threading.Thread(target=work, args=(name,)) for name in 'abc']\n"
        "for thread in threads: thread.start()\n"
        "work('main')\n"
        "for thread in threads: thread.join()\n"
    )
    lines = text_of(run(code), "stdout").splitlines()
    for name in ("a", "b", "c", "main"):
        own = [line for line in lines if line.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(500)]
    assert len(lines) == 2000


def test_short_texts_are_shown_while_the_cell_goes_on() -> None:
    async def check() -> None:
        async with Zygote() as zygote:
            kernel = WorkerKernel(zygote=zygote)
            await kernel.start()
            code = "import threading, time\nfor _ in range(100_000):\n    print('on')\n    time.sleep(0.01)"
            outputs = kernel.execute(code)
            assert isinstance(await asyncio.wait_for(anext(outputs), 20), Output)
            await kernel.interrupt()
            ended = [output async for output in outputs]
            assert ended[-1].type == "error"
            await kernel.shutdown()

    asyncio.run(check())
