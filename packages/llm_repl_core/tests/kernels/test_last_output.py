from __future__ import annotations

import asyncio
import os
import sys
from contextlib import nullcontext

import pytest

from llm_repl_core.errors import KernelDied
from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.kernels.worker.unsent import LastOutput, UnsentText
from llm_repl_core.model.output_changes import OutputList

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="only a zygote keeps it")

ENDS = {
    "exits": "os._exit(3)",
    "killed": "os.kill(os.getpid(), 9)",
    "aborts": "os.abort()",
    "segfault": "import ctypes; ctypes.string_at(0)",
}


async def last_of(*cells: str) -> str:
    """What the last of some cells has printed, in which the kernel dies."""
    kernel = WorkerKernel()
    await kernel.start()
    shown = OutputList()
    try:
        for cell in cells:
            shown = OutputList()
            with pytest.raises(KernelDied) if cell is cells[-1] else nullcontext():
                async for change in kernel.execute(cell):
                    shown.apply(change)
    finally:
        await kernel.shutdown()
    shown.join_streams()
    return "".join(f"<{output.type}>{output.content}" for output in shown.outputs)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_what_was_printed_right_before_the_end_is_shown(end: str) -> None:
    code = "import os, sys\nprint('a € \\0 b')\nprint('oh', file=sys.stderr)\nprint('c', end='')\n"
    shown = asyncio.run(last_of("print('of before')", code + end))
    assert shown == "<stdout>a € \0 b\n<stderr>oh\n<stdout>c"


def test_much_that_was_printed_is_there_once() -> None:
    code = "import os\nfor i in range(20_000): print(i)\nos._exit(0)"
    shown = asyncio.run(last_of(code))
    assert shown == "<stdout>" + "".join(f"{i}\n" for i in range(20_000))


def test_what_programs_c_code_and_threads_wrote_last_is_shown() -> None:
    code = (
        "import os, threading\n"
        "print('first')\n"
        "os.write(1, b'second\\n')\n"
        "print('third')\n"
        "thread = threading.Thread(target=print, args=('fourth',))\n"
        "thread.start(); thread.join()\n"
        "os.system('echo fifth')\n"
        "os._exit(0)"
    )
    shown = asyncio.run(last_of(code))
    assert shown == "<stdout>first\nsecond\nthird\nfourth\nfifth\n"


def test_one_kernel_has_nothing_of_what_is_kept_of_another() -> None:
    async def check() -> None:
        look = (
            "import gc, os\n"
            "from llm_repl_core.kernels.worker.unsent import LastOutput, UnsentText\n"
            "print([o for o in gc.get_objects() if isinstance(o, LastOutput) and o.pipes].__len__())"
            "\nprint(sum(os.readlink(f'/proc/self/fd/{d}').startswith('pipe:')"
            " for d in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{d}')))\n"
        )
        async with Zygote() as zygote:
            seen = []
            kernels = [WorkerKernel(zygote=zygote) for _ in range(4)]
            for kernel in kernels:
                await kernel.start()
                shown = OutputList()
                async for change in kernel.execute(look):
                    shown.apply(change)
                shown.join_streams()
                seen.append(shown.outputs[0].content)
            for kernel in kernels:
                await kernel.shutdown()
        assert len(set(seen)) == 1, seen

    if sys.platform == "linux":
        asyncio.run(check())


def test_text_that_finds_no_room_is_refused_whole() -> None:
    unsent = UnsentText()
    assert unsent.note("stdout", "x" * 60_000)
    assert not unsent.note("stderr", "y" * 6_000)
    assert unsent.note("stdout", "z")
    assert unsent.read() == [("stdout", "x" * 60_000 + "z")]
    unsent.forget()
    assert unsent.read() == []
    assert unsent.note("stderr", "\udcff")
    assert unsent.read() == [("stderr", "\\udcff")]
    unsent.close()


def test_nobody_waits_for_programs_that_live_on() -> None:
    last_output = LastOutput()
    _, writing = last_output.pipes[1]
    other = os.dup(writing)  # as a program has it that the worker has started
    os.write(other, b"late\n")
    last_output.leave_to_worker()
    assert last_output.read() == [("stdout", "late\n")]
    assert last_output.read() == []
    last_output.close()
    os.close(other)
