# ruff: noqa: ASYNC110, ASYNC220, ASYNC240  a test may block its own loop, and polls processes

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from llm_repl_core import leftovers
from llm_repl_core.errors import InvalidInput, KernelDied, KernelError, KernelStartFailed
from llm_repl_core.kernels.base import Expression, Failed, KernelOptions
from llm_repl_core.kernels.private_folder import PrivateFolder
from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.kernels.worker.frames import frame
from llm_repl_core.kernels.worker.handle import WorkerHandle
from llm_repl_core.kernels.worker.spawner import Spawner
from llm_repl_core.model.output_changes import OutputList
from llm_repl_core.testing.kernel_suite import KernelSuite, run_cell, text_of

LIMIT_S = 20.0

FAILING_TO_WAIT = """
from llm_repl_core.kernels.pending import PendingVariables

def fail(*_):
    raise MemoryError

works = PendingVariables.set_pending
PendingVariables.set_pending = fail
"""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    asyncio.run(zygote.stop())


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


class TestWorkerKernel(KernelSuite):
    forks_anything: ClassVar[bool] = sys.platform == "linux"

    @pytest.fixture(autouse=True)
    def _shared_zygote(self, zygote: Zygote) -> None:
        self.zygote = zygote

    def make_kernel(self, options: KernelOptions) -> WorkerKernel:
        return WorkerKernel(options, zygote=self.zygote)


@pytest.fixture
def make_kernel(zygote: Zygote) -> Callable[..., WorkerKernel]:
    return lambda **options: WorkerKernel(KernelOptions(**options), zygote=zygote)


MakeKernel = Callable[..., WorkerKernel]


def test_kernels_end_with_their_zygote_and_a_new_one_comes() -> None:
    async def check() -> None:
        async with Zygote() as zygote:
            kernel = WorkerKernel(zygote=zygote)
            await kernel.start()
            # It never lets go of Python's lock, so that no thread of its own could end it.
            running = asyncio.create_task(run_cell(kernel, f"print(1, flush=True)\n{STUCK}"))
            worker, killed = kernel.pid, zygote.pid
            assert worker is not None
            assert killed is not None
            await asyncio.sleep(0)
            os.kill(killed, signal.SIGKILL)
            await until(lambda: zygote.pid is None and not is_running(worker))
            with pytest.raises(KernelDied):
                await running
            assert not kernel.alive
            await kernel.restart()
            assert zygote.pid not in (None, killed)
            assert (await run_cell(kernel, "2"))[0].content == "2"
            await kernel.shutdown()

    asyncio.run(check())


def test_nothing_is_left_behind(socket_folder: Path) -> None:

    async def check() -> None:
        kernel = WorkerKernel()
        await kernel.start()
        (folder,) = socket_folder.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        code = "import subprocess\nchild = subprocess.Popen(['sleep', '100'])\nprint(child.pid)"
        child = int(text_of(await run_cell(kernel, code), "stdout"))
        worker = kernel.pid
        zygote = kernel._zygote.pid
        assert worker is not None
        assert zygote is not None
        await kernel.shutdown()
        await until(lambda: not any(map(is_running, (worker, zygote, child))))
        assert list(socket_folder.iterdir()) == []

    asyncio.run(check())


OWNER = """
import asyncio, sys
from llm_repl_core.kernels.worker import WorkerKernel

async def main():
    kernel = WorkerKernel(linger_s=0.5)
    await kernel.start()
    print(kernel.pid, kernel._zygote.pid, flush=True)
    async for _ in kernel.execute(sys.argv[1]):
        pass
    await asyncio.sleep(100)

asyncio.run(main())
"""


STUCK = "import re\nre.match('(a*)*b', 'a' * 60)"


@pytest.mark.parametrize("code", ["idle = True", "while True: pass", "while True: print(1)", STUCK])
def test_an_orphan_ends_after_its_owner_is_killed(code: str, socket_folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, code], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        worker, zygote = map(int, owner.stdout.readline().split())
        assert is_running(worker)
        assert is_running(zygote)
        owner.kill()
    asyncio.run(until(lambda: not is_running(worker) and not is_running(zygote)))
    asyncio.run(until(lambda: not list(socket_folder.iterdir())))


def test_folders_of_killed_processes_are_swept_and_no_others(socket_folder: Path) -> None:
    long_ago = time.time() - 3600
    left = socket_folder / "llm-repl-kernels-left"
    left.mkdir(mode=0o700)
    (left / "1.sock").touch()
    others = socket_folder / "llm-repl-others"
    others.mkdir()
    fresh = socket_folder / "llm-repl-kernels-fresh"
    fresh.mkdir()
    kept = PrivateFolder()
    for folder in (left, others, kept.path):
        os.utime(folder, (long_ago, long_ago))

    async def check() -> None:
        async with Zygote():
            assert not left.exists()
            assert others.exists()
            assert fresh.exists()
            assert kept.path.exists()

    leftovers._swept.clear()
    asyncio.run(check())
    kept.remove()
    assert not kept.path.exists()


def test_the_environment_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "OPENAI_API_KEY": "secret-1",
        "some_api_key": "secret-2",
        "LLM_REPL_TOKEN": "secret-3",
        "LLM_REPL_OPENAI_KEY_2": "secret-4",
        "ODD_NAME": "secret-5",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HARMLESS", "kept")

    async def check() -> None:
        zygote = Zygote(withheld_variables=["ODD_NAME"])
        kernel = WorkerKernel(KernelOptions(env={"MY_API_KEY": "mine"}), zygote=zygote)
        await kernel.start()
        code = (
            "import os\nprint(dict(os.environ))\n"
            "for pid in (os.getpid(), os.getppid()):\n"
            "    print(open(f'/proc/{pid}/environ', errors='replace').read())"
        )
        text = text_of(await run_cell(kernel, code), "stdout")
        assert "secret-" not in text
        assert "kept" in text
        assert "'MY_API_KEY': 'mine'" in text
        await kernel.shutdown()
        await zygote.stop()

    asyncio.run(check())


def test_preload_is_imported_once_and_problems_are_told() -> None:
    async def check() -> None:
        async with Zygote(["colorsys", "no_such_module_at_all"]) as zygote:
            assert len(zygote.problems) == 1
            assert "no_such_module_at_all" in zygote.problems[0]
            kernel = WorkerKernel(zygote=zygote)
            await kernel.start()
            (output,) = await run_cell(kernel, "import sys\n'colorsys' in sys.modules")
            assert output.content == "True"
            await kernel.shutdown()

    asyncio.run(check())


def test_a_missing_folder_is_told(make_kernel: MakeKernel, tmp_path: Path) -> None:
    async def check() -> None:
        kernel = make_kernel(cwd=str(tmp_path / "missing"))
        with pytest.raises(KernelStartFailed, match="missing"):
            await kernel.start()
        assert not kernel.alive
        await kernel.shutdown()

    asyncio.run(check())


def test_each_kernel_has_its_own_chance_and_names(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernels = [make_kernel() for _ in range(3)]
        code = "import random\nprint(random.random(), end='')"
        texts = set()
        for kernel in kernels:
            await kernel.start()
            texts.add(text_of(await run_cell(kernel, code), "stdout"))
            assert await kernel.names() == []
        assert len(texts) == 3
        for kernel in kernels:
            await kernel.shutdown()

    asyncio.run(check())


def test_an_interrupt_does_not_hit_the_next_cell(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        assert kernel.pid is not None
        for number in range(100):
            # The cell ends while whoever wants to stop it does not know yet.
            kernel._busy = True
            await kernel.interrupt()
            kernel._busy = False
            (output,) = await run_cell(kernel, f"{number}")
            assert output.content == str(number)
        await kernel.shutdown()

    asyncio.run(check())


def test_an_interrupt_that_comes_before_the_code_has_begun_ends_it(
    make_kernel: MakeKernel,
) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        assert kernel.pid is not None
        os.kill(kernel.pid, signal.SIGSTOP)
        cell = asyncio.create_task(run_cell(kernel, "import time; time.sleep(60)"))
        await until(lambda: kernel._busy)
        await kernel.interrupt()
        os.kill(kernel.pid, signal.SIGCONT)
        outputs = await asyncio.wait_for(cell, 10)
        assert outputs[-1].fields["ename"] == "KeyboardInterrupt"
        assert (await run_cell(kernel, "1 + 1"))[0].content == "2"
        await kernel.shutdown()

    asyncio.run(check())


def test_threads_that_print_later_are_shown_by_the_next_cell(
    make_kernel: MakeKernel, tmp_path: Path
) -> None:
    printed = tmp_path / "printed"

    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        code = "import threading\ntimer = threading.Timer(0.1, print, ['late']); timer.start()"
        assert await run_cell(kernel, code) == []
        outputs = await run_cell(kernel, "timer.join()\nprint('now')")
        assert text_of(outputs, "stdout") == "late\nnow\n"
        code = f"def later():\n    print('between')\n    open({str(printed)!r}, 'w').close()\n"
        await run_cell(kernel, f"{code}threading.Timer(0.05, later).start()")
        await until(printed.exists)
        assert text_of(await run_cell(kernel, "2;"), "stdout") == "between\n"
        await kernel.shutdown()

    asyncio.run(check())


def test_forked_children_print_and_leave_the_frames_alone(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        code = (
            "import multiprocessing, os, warnings\n"
            "warnings.simplefilter('ignore')\n"
            "context = multiprocessing.get_context('fork')\n"
            "def work(n): print('child', n, flush=True)\n"
            "children = [context.Process(target=work, args=(n,)) for n in range(3)]\n"
            "for child in children: child.start()\n"
            "for child in children: child.join()\n"
            "if os.fork() == 0: stray = True\n"
            "else: os.wait()\n"
            "print('parent')"
        )
        text = text_of(await run_cell(kernel, code), "stdout")
        assert sorted(line for line in text.splitlines() if "child" in line) == [
            f"child {n}" for n in range(3)
        ]
        assert "parent" in text
        assert (await run_cell(kernel, "6 * 7"))[0].content == "42"
        await kernel.shutdown()

    asyncio.run(check())


def test_magics_of_one_line_and_plain_lines(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        for code, expected in {
            "pwd": repr(str(Path.cwd())),  # without its percent sign
            "x = %pwd\nx": repr(str(Path.cwd())),
            "x = !echo a b\nx[0]": "'a b'",
            "if True:\n    y = 7 % 4\ny": "3",
            "  z = 5\n  z": "5",
            ">>> w = 6\n>>> w": "6",
            "text = '''\n%notmagic\n'''\ntext": "'\\n%notmagic\\n'",
        }.items():
            outputs = await run_cell(kernel, code)
            assert outputs[-1].content == expected, code
        await kernel.shutdown()

    asyncio.run(check())


def test_an_endless_printer_without_a_reader_keeps_memory_small(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel(output_limit_bytes=10**9)
        await kernel.start()
        iterator = kernel.execute("while True: print('x' * 10_000)")
        await anext(iterator)
        pid = kernel.pid
        await asyncio.sleep(1)  # nobody reads
        line = next(
            line
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
        assert int(line.split()[1]) < 150_000
        before = time.monotonic()
        await iterator.aclose()
        assert time.monotonic() - before < 5
        assert (await run_cell(kernel, "1"))[0].content == "1"
        await kernel.shutdown()

    asyncio.run(check())


def test_only_json_goes_in(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        for bad in (object(), "\ud800", 2**70):
            with pytest.raises(InvalidInput):
                await kernel.assign({"x": bad})
        assert await kernel.names() == []
        await kernel.shutdown()

    asyncio.run(check())


class HostileZygote:
    """Makes no worker, but a socket whose other side says what it likes."""

    def __init__(self, folder: Path, *messages: bytes) -> None:
        self.path = str(folder / "hostile.sock")
        self.messages = messages
        self.server: asyncio.Server | None = None

    async def fork(self, options: KernelOptions, *, linger_s: float) -> WorkerHandle:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            hello, *rest = self.messages
            writer.write(hello)
            await reader.read(10)
            for message in rest:
                writer.write(message)
            await reader.read()
            writer.close()

        self.server = await asyncio.start_unix_server(serve, self.path)
        handle = WorkerHandle(self.path)
        self.process = subprocess.Popen(["sleep", "100"])
        handle.pid = self.process.pid
        handle.ended.set_result("It was hostile.")
        return handle

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()


HELLO = frame(msgspec.msgpack.encode({"type": "hello", "version": 1, "pid": 1}))


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xff\xff\xff" + b"x" * 100,
        frame(b"\xc1 this is no msgpack"),
        frame(msgspec.msgpack.encode({"type": "unknown"})),
        frame(msgspec.msgpack.encode({"type": "done", "id": "text", "outputs": []})),
        frame(msgspec.msgpack.encode({"type": "named", "id": 1, "names": []})),
        frame(b"\x91" * 100_000),
        frame(
            msgspec.msgpack.encode(
                {
                    "type": "done",
                    "id": 1,
                    "outputs": [{"type": "stdout", "content": "x" * 30_000_000}],
                }
            )
        ),
    ],
    ids=["huge", "garbage", "unknown", "wrong type", "wrong answer", "deep", "too much"],
)
def test_hostile_frames_end_the_kernel_with_a_reason(message: bytes, tmp_path: Path) -> None:
    async def check() -> None:
        zygote = HostileZygote(tmp_path, HELLO, message)
        kernel = WorkerKernel(zygote=zygote)  # type: ignore[arg-type]
        await kernel.start()
        with pytest.raises(KernelDied, match=r"The kernel (sent|answered)"):
            await asyncio.wait_for(run_cell(kernel, "1"), LIMIT_S)
        assert not kernel.alive
        # What talks like that is ended.
        assert await asyncio.to_thread(zygote.process.wait, LIMIT_S) == -signal.SIGKILL
        await kernel.shutdown()
        await zygote.stop()

    asyncio.run(check())


def test_a_worker_can_be_found_again_by_its_path(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        handle = kernel._handle
        assert handle is not None
        with socket.socket(socket.AF_UNIX) as other:
            other.settimeout(LIMIT_S)
            connection = kernel._connection
            assert connection is not None
            other.connect(handle.path)
            connection.close()
            data = await asyncio.to_thread(other.recv, 1000)
            assert b"hello" in data
        await kernel.shutdown()

    asyncio.run(check())


def test_a_process_that_is_spawned_works_the_same() -> None:
    async def check() -> None:
        spawner = Spawner()
        kernel = WorkerKernel(zygote=spawner)
        await kernel.start()
        assert (await run_cell(kernel, "%pwd"))[0].type == "display"
        (value,) = await kernel.evaluate([Expression("1 + 1")])
        assert value == (await kernel.evaluate([Expression("2")]))[0]
        with pytest.raises(KernelDied, match="exit code 7"):
            await run_cell(kernel, "import os\nos._exit(7)")
        await kernel.shutdown()
        await spawner.stop()

    asyncio.run(check())


def test_importing_the_client_does_not_import_ipython() -> None:
    code = (
        "import sys, llm_repl_core.kernels.worker, llm_repl_core.kernels.jupyter\n"
        "print({'IPython', 'jupyter_client', 'zmq'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "set()\n", answer.stderr


class TestSharedZygote:
    count: ClassVar[int] = 10

    def test_many_kernels_start_at_once(self, make_kernel: MakeKernel) -> None:
        async def check() -> None:
            kernels = [make_kernel() for _ in range(self.count)]
            await asyncio.gather(*(kernel.start() for kernel in kernels))
            results = await asyncio.gather(
                *(run_cell(kernel, f"{n} + 1") for n, kernel in enumerate(kernels))
            )
            assert [outputs[0].content for outputs in results] == [
                str(n + 1) for n in range(self.count)
            ]
            await asyncio.gather(*(kernel.shutdown() for kernel in kernels))

        asyncio.run(check())


def test_a_worker_without_memory_says_so(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel(memory_limit_bytes=300_000_000)
        await kernel.start()
        outputs = await run_cell(kernel, "x = bytearray(10**9)")
        assert outputs[-1].fields["ename"] == "MemoryError"
        (result,) = await kernel.evaluate([Expression("'x' * 10**9")])
        assert isinstance(result, Failed)
        assert result.ename == "MemoryError"
        assert (await run_cell(kernel, "1"))[0].content == "1"
        await kernel.shutdown()

    asyncio.run(check())


def test_variables_wait_without_an_answer_of_the_kernel(make_kernel: MakeKernel) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        try:
            await run_cell(kernel, "x = 'old'")
            assert kernel.pid is not None
            os.kill(kernel.pid, signal.SIGSTOP)
            async with asyncio.timeout(LIMIT_S):
                await kernel.set_pending(["x"], "token", "It is to come.")
            os.kill(kernel.pid, signal.SIGCONT)
            assert await kernel.names() == []
        finally:
            await kernel.shutdown()

    asyncio.run(check())


def test_a_variable_that_could_not_be_made_to_wait_is_told_with_its_value(
    make_kernel: MakeKernel,
) -> None:
    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        try:
            await run_cell(kernel, FAILING_TO_WAIT)
            await kernel.set_pending(["x"], "failing", "It is to come.")
            await run_cell(kernel, "PendingVariables.set_pending = works")
            with pytest.raises(KernelError, match="no memory left"):
                await kernel.resolve_pending({"failing": {"x": 1}})
            await kernel.set_pending(["x"], "waiting", "It is to come.")
            await kernel.resolve_pending({"waiting": {"x": 2}})
            assert (await run_cell(kernel, "x"))[0].content == "2"
        finally:
            await kernel.shutdown()

    asyncio.run(check())


def test_an_interrupt_before_a_question_has_begun_is_an_answer(make_kernel: MakeKernel) -> None:
    """Who asked is told what each expression gave, as where it comes a moment later."""

    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        try:
            assert kernel.pid is not None
            os.kill(kernel.pid, signal.SIGSTOP)
            question = asyncio.create_task(kernel.evaluate([Expression("1"), Expression("2")]))
            await asyncio.sleep(0)  # it is sent
            await kernel.interrupt()
            os.kill(kernel.pid, signal.SIGCONT)
            async with asyncio.timeout(LIMIT_S):
                values = await question
            assert [value.ename for value in values if isinstance(value, Failed)] == [
                "KeyboardInterrupt",
                "KeyboardInterrupt",
            ]
            assert [output.content for output in await run_cell(kernel, "1")] == ["1"]
        finally:
            await kernel.shutdown()

    asyncio.run(check())


def test_of_what_is_shown_during_an_evaluation_only_its_own_is_collected(
    make_kernel: MakeKernel,
) -> None:
    code = (
        "import os, subprocess, threading\n"
        "go, printed = threading.Event(), threading.Event()\n"
        "def work():\n"
        "    go.wait()\n"
        "    print('thread')\n"
        "    printed.set()\n"
        "threading.Thread(target=work).start()\n"
        "os.write(1, b'before\\n')"
    )

    async def check() -> None:
        kernel = make_kernel()
        await kernel.start()
        assert text_of(await run_cell(kernel, code), "stdout") == "before\n"
        collected = OutputList()
        with kernel.collect_outputs(collected.apply):
            expressions = [
                "go.set() or printed.wait()",
                "os.system('echo program')",
                "os.write(1, b'descriptor\\n')",
                "print('print', flush=True)",
            ]
            await kernel.evaluate([Expression(expression) for expression in expressions])
        assert text_of(collected.outputs, "stdout") == "program\ndescriptor\nprint\n"
        assert text_of(await run_cell(kernel, "print('cell')"), "stdout") == "thread\ncell\n"
        await kernel.shutdown()

    asyncio.run(check())
