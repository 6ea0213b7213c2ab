"""What threads put out that the code starts."""

from __future__ import annotations

import re

from llm_repl_core.kernels.base import Kernel
from llm_repl_core.testing.kernel_suite._checks import KernelChecks, run_cell, text_in, text_of

__all__ = ["ThreadTests"]

_THREADS = 8
_LINES = 5000


class ThreadTests(KernelChecks):
    """Threads that print, log and display, while the cell runs and after it."""

    def test_threads_print_every_line_once(self) -> None:
        """Threads print every line once, in order, and as whole lines."""

        async def check(kernel: Kernel) -> None:
            code = (
                "from concurrent.futures import ThreadPoolExecutor\n"
                "def count(thread):\n"
                f"    for i in range({_LINES}):\n"
                "        print(f'<{thread}:{i}>')\n"
                f"with ThreadPoolExecutor({_THREADS}) as pool:\n"
                f"    list(pool.map(count, range({_THREADS})))\n"
                "None"
            )
            outputs = await run_cell(kernel, code)
            assert [output.type for output in outputs] == ["stdout"]
            text = outputs[0].content
            for thread in range(_THREADS):
                numbers = re.findall(f"<{thread}:([0-9]+)>", text)
                assert numbers == [str(i) for i in range(_LINES)]
            if self.keeps_lines_whole:
                assert {len(re.findall("<", line)) for line in text.splitlines()} == {1}

        self.run(check)

    def test_threads_write_to_stderr_and_log(self) -> None:
        """Threads write to stderr, and log."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import logging, sys, threading\n"
                "log = logging.Logger('threads')\n"
                "log.addHandler(logging.StreamHandler(sys.stderr))\n"
                "def work(i):\n"
                "    log.warning('<log %d>', i)\n"
                "    sys.stderr.write(f'<err {i}>\\n')\n"
                "threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]\n"
                "for thread in threads: thread.start()\n"
                "for thread in threads: thread.join()\n"
            )
            outputs = await run_cell(kernel, code)
            found = re.findall("<(?:log|err) [0-9]>", text_of(outputs, "stderr"))
            assert sorted(found) == sorted(
                f"<{word} {i}>" for word in ("log", "err") for i in range(4)
            )

        self.run_shared(check)

    def test_threads_display(self) -> None:
        """What threads display is shown."""

        async def check(kernel: Kernel) -> None:
            code = (
                "from concurrent.futures import ThreadPoolExecutor\n"
                "with ThreadPoolExecutor(4) as pool:\n"
                "    list(pool.map(display, range(40)))\n"
                "None"
            )
            outputs = await run_cell(kernel, code)
            assert sorted(int(output.content) for output in outputs) == list(range(40))

        self.run_shared(check)

    def test_a_thread_that_outlives_its_cell(self) -> None:
        """What a thread prints after its cell comes with the next one."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import threading\n"
                "may_print, has_printed = threading.Event(), threading.Event()\n"
                "def work():\n"
                "    may_print.wait(20)\n"
                "    print('late')\n"
                "    has_printed.set()\n"
                "threading.Thread(target=work, daemon=True).start()\n"
                "threading.Timer(0.2, may_print.set).start()\n"
            )
            assert await run_cell(kernel, code) == []
            outputs = await run_cell(kernel, "has_printed.wait(20);")
            assert text_of(outputs, "stdout") == "late\n"

        self.run_shared(check)

    def test_a_task_that_outlives_its_cell(self) -> None:
        """What a task prints during a later cell comes with that cell."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import asyncio\n"
                "async def work():\n"
                "    await may_print.wait()\n"
                "    print('late')\n"
                "may_print = asyncio.Event()\n"
                "task = asyncio.create_task(work())"
            )
            assert await run_cell(kernel, code) == []
            outputs = await run_cell(kernel, "may_print.set()\nprint('here')\nawait task")
            assert text_of(outputs, "stdout") == "here\nlate\n"

        self.run_shared(check)

    def test_a_thread_that_fails_says_so(self) -> None:
        """The traceback of a thread belongs to its cell, and shows the cell's line."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import threading\n"
                "def work():\n"
                "    raise ValueError('in a thread')\n"
                "thread = threading.Thread(target=work)\n"
                "thread.start(); thread.join()"
            )
            text = text_of(await run_cell(kernel, code), "stderr")
            text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # coloured from 3.13 on
            assert "line 3, in work" in text
            assert "ValueError: in a thread" in text
            assert "llm_repl" not in text

        self.run_shared(check)

    def test_an_open_line_does_not_hold_others_back_for_ever(self) -> None:
        """An open line of one thread does not hold back another's lines for ever."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import pathlib, threading, time\n"
                "print('open', end='')\n"
                "shown = threading.Event()\n"
                "threading.Thread(target=print, args=('other',)).start()\n"
                "shown.wait(20);"
            )
            texts: list[str] = []
            async for change in kernel.execute(code):
                texts.append(text_in(change))
                if "other" in texts[-1]:
                    await kernel.interrupt()
            assert "other" in "".join(texts)
            assert "KeyboardInterrupt" in texts[-1]

        if self.has_interrupt_of_sleep:
            self.run_shared(check)
