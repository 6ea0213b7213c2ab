# ruff: noqa: ASYNC240  a test may block its own loop, and looks at files

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from llm_repl_core.errors import KernelDied
from llm_repl_core.kernels.base import Expression, KernelFork, KernelOptions, Value
from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.kernels.worker.fork import WorkerFork
from llm_repl_core.testing.kernel_suite import run_cell, text_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Forks are for Linux.")

LIMIT_S = 20.0

Check = Callable[[WorkerKernel], Awaitable[None]]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    asyncio.run(zygote.stop())


@pytest.fixture
def drive(zygote: Zygote) -> Callable[..., None]:
    """Runs a check with a kernel, after which nothing of its forks may be left."""

    def drive(check: Check, *, fork_limit_s: float = 10.0, **options: object) -> None:
        async def whole() -> None:
            kernel = WorkerKernel(
                KernelOptions(**options),  # type: ignore[arg-type]  # a test's own
                zygote=zygote,
                fork_limit_s=fork_limit_s,
            )
            try:
                await kernel.start()
                sockets = set(folder_of(kernel).iterdir())
                await check(kernel)
                if kernel.alive and kernel.pid is not None:
                    await until(lambda: not children_of(kernel.pid))
                    assert set(folder_of(kernel).iterdir()) == sockets
            finally:
                await kernel.shutdown()

        asyncio.run(whole())

    return drive


Drive = Callable[..., None]


def folder_of(kernel: WorkerKernel) -> Path:
    assert kernel._handle is not None
    return Path(kernel._handle.path).parent


def children_of(pid: int | None) -> list[str]:
    """The processes, of which zombies are some, that a process has."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  another process sets no event
            await asyncio.sleep(0.01)


async def fork_of(kernel: WorkerKernel) -> WorkerFork:
    fork = await kernel.fork([])
    assert isinstance(fork, WorkerFork)
    return fork


async def text(fork: KernelFork, source: str) -> str:
    """The text of an expression's value, or what it raised."""
    [value] = await fork.evaluate([Expression(source)])
    return value.text if isinstance(value, Value) else f"{value.ename}: {value.evalue}"


async def printed(kernel: WorkerKernel, code: str) -> str:
    return text_of(await run_cell(kernel, code), "stdout")


# What runs, and is held, at the fork ------------------------------------------------------------


def test_busy_threads_print_on_and_are_not_in_the_way(drive: Drive) -> None:
    code = (
        "import threading, time, logging\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "stop = threading.Event()\n"
        "def work(number):\n"
        "    count = 0\n"
        "    while not stop.is_set():\n"
        "        count += 1\n"
        "        print(f'{number}:{count}')\n"
        "        logging.getLogger().warning('busy')\n"
        "        sum(range(1000))\n"
        "    return count\n"
        "pool = ThreadPoolExecutor(4)\n"
        "jobs = [pool.submit(work, number) for number in range(4)]\n"
        "x = [1, 2, 3]"
    )

    async def check(kernel: WorkerKernel) -> None:
        shown = await printed(kernel, code)
        for _ in range(10):
            async with await fork_of(kernel) as fork:
                assert await text(fork, "x[::-1], print('fork:1') or sorted(x)") == (
                    "([3, 2, 1], [1, 2, 3])"
                )
        shown += await printed(
            kernel, "stop.set(); print('counts', [job.result() for job in jobs])"
        )
        lines, _, counts = shown.partition("counts ")
        for number, count in enumerate(eval(counts)):
            assert lines.count(f"{number}:") == count
        assert "fork:1" not in shown

    drive(check, output_limit_bytes=100_000_000)


def test_a_lock_that_is_held_ends_the_fork_and_nothing_else(drive: Drive) -> None:
    code = (
        "import threading\n"
        "lock, held, go = threading.Lock(), threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with lock:\n"
        "        held.set()\n"
        "        go.wait()\n"
        "threading.Thread(target=hold).start()\n"
        "held.wait()\n"
        "class Locked:\n"
        "    def __repr__(self):\n"
        "        with lock:\n"
        "            return 'text'\n"
        "locked = Locked()"
    )

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        fork = await fork_of(kernel)
        assert await text(fork, "1 + 1") == "2"
        with pytest.raises(KernelDied, match=r"did not answer within 0\.3 s"):
            await text(fork, "locked")
        assert not fork.alive
        with pytest.raises(KernelDied):
            await text(fork, "1")
        assert await printed(kernel, "go.set(); print(locked)") == "text\n"

    drive(check, fork_limit_s=0.3)


def test_what_the_kernel_has_open_is_as_it_was(drive: Drive, tmp_path: Path) -> None:
    code = (
        "import os, socket\n"
        "open('in.txt', 'w').write('one\\ntwo\\nthree\\n')\n"
        "reading = open('in.txt')\n"
        "first = reading.readline()\n"
        "raw = os.open('in.txt', os.O_RDONLY)\n"
        "os.read(raw, 4)\n"
        "writing = open('out.txt', 'w')\n"
        "_ = writing.write('once\\n')\n"
        "appending = os.open('log.txt', os.O_RDWR | os.O_CREAT | os.O_APPEND)\n"
        "_ = os.write(appending, b'log\\n')\n"
        "pipe_out, pipe_in = os.pipe()\n"
        "_ = os.write(pipe_in, b'pipe')\n"
        "left, right = socket.socketpair()\n"
        "_ = left.send(b'socket')\n"
    )
    after = (
        "_ = writing.write('twice?\\n'); writing.close()\n"
        "print([reading.readline(), os.read(raw, 4), os.read(pipe_out, 99), right.recv(99)])\n"
        "print(open('out.txt').read(), open('log.txt').read())\n"
    )

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        async with await fork_of(kernel) as fork:
            assert await text(fork, "reading.readline()") == "two\n"
            assert await text(fork, "os.read(raw, 4)") == "b'two\\n'"
            assert await text(fork, "os.pread(appending, 9, 0)") == "b'log\\n'"
            for refused in (
                "os.read(pipe_out, 4)",
                "os.write(pipe_in, b'more')",
                "right.recv(4)",
                "right.send(b'x')",
                "right.shutdown(2)",
                "os.write(appending, b'x')",
                "os.ftruncate(appending, 0)",
                "os.ftruncate(writing.fileno(), 0)",
                "writing.flush()",
                "os.sendfile(pipe_in, raw, 0, 4)",
            ):
                assert "Error" in await text(fork, refused), refused
            await fork.assign({"writing": None, "left": None, "right": None, "reading": None})
        assert await printed(kernel, after) == (
            "['two\\n', b'two\\n', b'pipe', b'socket']\nonce\ntwice?\n log\n\n"
        )

    drive(check, cwd=str(tmp_path))


def test_a_database_that_the_kernel_has_open_is_as_it_was(drive: Drive, tmp_path: Path) -> None:
    code = (
        "import sqlite3\n"
        "base = sqlite3.connect('base.db', timeout=0)\n"
        "_ = base.execute('create table t (x)')\n"
        "_ = base.execute('insert into t values (1)'); base.commit()\n"
        "_ = base.execute('insert into t values (2)')"  # not committed
    )
    count = "base.execute('select count(*) from t').fetchone()"

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        async with await fork_of(kernel) as fork:
            assert await text(fork, count) == "(2,)"
            assert "Error" in await text(fork, "base.commit()")
            assert "Error" in await text(fork, "base.execute('delete from t') and base.commit()")
            outputs = await printed(kernel, f"base.commit(); print({count})")
            assert outputs == "(2,)\n"
        assert (
            await printed(
                kernel,
                "print(sqlite3.connect('base.db').execute('pragma integrity_check').fetchone())",
            )
            == "('ok',)\n"
        )

    drive(check, cwd=str(tmp_path))


def test_memory_that_is_shared_can_be_read_and_not_changed(drive: Drive, tmp_path: Path) -> None:
    code = (
        "import mmap, os\n"
        "from multiprocessing import shared_memory\n"
        "open('m.bin', 'wb').write(b'0' * 4096)\n"
        "file = open('m.bin', 'r+b')\n"
        "mapped = mmap.mmap(file.fileno(), 0)\n"
        "shared = shared_memory.SharedMemory(create=True, size=64)\n"
        "shared.buf[0] = 7\n"
    )

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        fork = await fork_of(kernel)
        assert await text(fork, "shared.buf[0], mapped[:2]") == "(7, b'00')"
        for change in ("shared.buf.__setitem__(0, 9)", "mapped.__setitem__(0, 49)"):
            async with await fork_of(kernel) as other:
                with pytest.raises(KernelDied):
                    await text(other, change)
        await fork.close()
        shown = await printed(
            kernel,
            "from multiprocessing import resource_tracker\n"
            "print(shared.buf[0], mapped[:2]); shared.close(); shared.unlink()\n"
            "resource_tracker._resource_tracker._stop()",  # a process
        )
        assert shown == "7 b'00'\n"

    drive(check, cwd=str(tmp_path))


# What templates do ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        "open('made.txt', 'w')",
        "os.open('made.txt', os.O_CREAT | os.O_WRONLY)",
        "pathlib.Path('made.txt').touch()",
        "os.mkdir('made')",
        "os.mkfifo('made')",
        "os.remove('there.txt')",
        "os.rename('there.txt', 'made.txt')",
        "os.truncate('there.txt', 0)",
        "os.chmod('there.txt', 0)",
        "os.link('there.txt', 'made.txt')",
        "shutil.rmtree('.')",
        "tempfile.mkstemp(dir='.')",
        "os.system('touch made.txt')",
        "subprocess.run(['touch', 'made.txt'])",
        "os.fork()",
        "os.posix_spawn('/bin/touch', ['touch', 'made.txt'], {})",
        "multiprocessing.get_context('fork').Process(target=print).start()",
        "os.kill(os.getppid(), 9)",
        "os.kill(-1, 0)",
        "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)",
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', 9))",
        "urllib.request.urlopen('http://127.0.0.1:9/')",
        "ctypes.CDLL('libc.so.6')",
        "libc.unlink(b'there.txt') and 1 / 0",
        "libc.kill(os.getppid(), 9) and 1 / 0",
        "sqlite3.connect('made.db').execute('create table t (x)')",
        "open('fifo')",
    ],
)
def test_acts_on_the_world_are_refused(drive: Drive, tmp_path: Path, act: str) -> None:
    code = (
        "import ctypes, multiprocessing, os, pathlib, shutil, signal, socket, sqlite3, subprocess\n"
        "import tempfile, urllib.request\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.unlink, libc.kill\n"
        "os.mkfifo('fifo')"
    )
    (tmp_path / "there.txt").write_text("there")

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        async with await fork_of(kernel) as fork:
            assert "Error: " in await text(fork, act)
            assert await text(fork, "open('there.txt').read()") == "there"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["fifo", "there.txt"]
        assert (tmp_path / "there.txt").read_text() == "there"

    drive(check, cwd=str(tmp_path))


@pytest.mark.parametrize(
    "template",
    [
        "max(range(10**12))",
        "re.match('(a+)+$', 'a' * 64 + 'b')",
        "time.sleep(1000)",
        "os._exit(3)",
        "os.abort()",
        "ctypes.string_at(0)",
        "faulthandler._sigsegv()",
    ],
)
def test_a_template_that_never_answers_ends_its_fork(drive: Drive, template: str) -> None:
    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, "import ctypes, faulthandler, os, re, time")
        fork = await fork_of(kernel)
        with pytest.raises(KernelDied):
            await text(fork, template)
        await until(lambda: not is_running(fork.pid))
        assert await printed(kernel, "print('goes on')") == "goes on\n"

    drive(check, fork_limit_s=0.5)


def test_memory_without_end_is_refused(drive: Drive) -> None:
    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, "x = 1")
        async with await fork_of(kernel) as fork:
            assert "MemoryError" in await text(fork, "bytearray(10**11)")
            assert await text(fork, "x") == "1"

    drive(check)


def test_what_libraries_render(drive: Drive) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    code = (
        "import io, numpy as np, pandas as pd\n"
        "import matplotlib; matplotlib.use('Agg')\n"
        "import matplotlib.pyplot as plt\n"
        "a = np.arange(250_000.0).reshape(500, 500)\n"
        "product = (a @ a).sum()\n"  # BLAS has threads now
        "df = pd.DataFrame({'x': range(99), 'y': 1.5})\n"
        "fig, ax = plt.subplots(); _ = ax.plot([1, 2]); _ = ax.set_title('title')\n"
        "def png(figure):\n"
        "    buffer = io.BytesIO()\n"
        "    figure.savefig(buffer, format='png', metadata={'Software': None})\n"
        "    return buffer.getvalue()\n"
    )
    sources = [
        "(a @ a).sum() == product",
        "df.describe()",
        "hash(png(fig)), len(png(fig)) > 5000",
        "df",
    ]
    expressions = [Expression(source, insert_limit_chars=100_000) for source in sources]

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        async with await fork_of(kernel) as fork:
            assert await fork.evaluate(expressions) == await kernel.evaluate(expressions)
            assert (await fork.evaluate(expressions))[2] != Value("", "str")

    drive(check)


# Whoever does not want to be forked, and what a fork leaves in the kernel -----------------------


def test_a_library_that_refuses_before_the_fork_is_heeded(drive: Drive) -> None:
    code = (
        "import os\n"
        "def refuse(): print('printed'); raise RuntimeError('no forks')\n"
        "os.register_at_fork(before=refuse)"
    )

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        for _ in range(3):
            assert await kernel.fork([]) is None
        assert [output.content for output in await run_cell(kernel, "print('cell')")] == ["cell\n"]

    drive(check)


def test_a_library_that_is_broken_in_a_fork_fails_there(drive: Drive) -> None:
    code = (
        "import os\n"
        "class Device:\n"
        "    works = True\n"
        "    def break_down(self): self.works = False; print('printed')\n"
        "    def __repr__(self):\n"
        "        if not self.works: raise RuntimeError('initialized in a parent process')\n"
        "        return 'device'\n"
        "device = Device()\n"
        "os.register_at_fork(after_in_child=device.break_down)"
    )

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        async with await fork_of(kernel) as fork:
            assert "parent process" in await text(fork, "device")
        await run_cell(kernel, "os.register_at_fork(after_in_child=lambda: 1 / 0)")
        failed = await kernel.fork([])
        if failed is not None:  # it has not ended so soon
            with pytest.raises(KernelDied):
                await text(failed, "1")
        assert [o.content for o in await run_cell(kernel, "print(device)")] == ["device\n"]

    drive(check)


def test_a_fork_leaves_no_trace_in_what_the_code_sees(drive: Drive) -> None:
    code = (
        "import os, random, sys, threading, warnings\n"
        "random.seed(1)\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "warnings.simplefilter('always')\n"
        "warnings.filterwarnings('default', message='once')\n"
        "registry = {}\n"
        "def warn(): warnings.warn_explicit('once', UserWarning, 'f.py', 1, registry=registry)\n"
        "warn()\n"
        "errors = []\n"
        "sys.unraisablehook = errors.append"
    )
    after = (
        "warn()\n"
        "print(random.random(), errors, registry['version'])\n"
        "try: print(os.wait())\n"
        "except ChildProcessError: print('no child')"
    )
    shown: list[list[str]] = []

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        if shown:
            async with await fork_of(kernel) as fork:
                drawn = await text(fork, "random.random()")
            assert shown[0][-1].startswith(drawn)
            await until(lambda: not children_of(kernel.pid))
        outputs = await run_cell(kernel, after)
        shown.append([output.content for output in outputs])

    drive(check)
    drive(check)
    assert shown[0] == shown[1]


# The ends ---------------------------------------------------------------------------------------


def test_an_interrupt_of_the_kernel_does_not_meet_its_fork(drive: Drive) -> None:
    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, "import time")
        async with await fork_of(kernel) as fork:
            rendering = asyncio.create_task(text(fork, "time.sleep(0.5) or 'rendered'"))
            running = asyncio.create_task(
                run_cell(kernel, "print(1, flush=True)\ntime.sleep(1000)")
            )
            await asyncio.sleep(0.2)
            await kernel.interrupt()
            assert text_of(await running, "error").startswith("KeyboardInterrupt")
            assert await rendering == "rendered"

    drive(check)


def test_a_question_that_is_cancelled_ends_the_fork(drive: Drive) -> None:
    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, "import time")
        fork = await fork_of(kernel)
        asking = asyncio.create_task(text(fork, "time.sleep(1000)"))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not fork.alive
        await until(lambda: not is_running(fork.pid))

    drive(check)


@pytest.mark.parametrize("how", ["worker", "zygote", "restart", "shutdown"])
def test_forks_end_with_their_kernel(how: str, socket_folder: Path) -> None:
    async def check() -> None:
        async with Zygote() as zygote:
            kernel = WorkerKernel(zygote=zygote)
            await kernel.start()
            await run_cell(kernel, "x = 1")
            forks = [await fork_of(kernel) for _ in range(3)]
            stuck = asyncio.create_task(text(forks[0], "max(range(10**12))"))
            await asyncio.sleep(0.05)
            assert kernel.pid is not None
            assert zygote.pid is not None
            if how == "worker":
                os.kill(kernel.pid, signal.SIGKILL)
            elif how == "zygote":
                os.kill(zygote.pid, signal.SIGKILL)
            elif how == "restart":
                await kernel.restart()
            else:
                await kernel.shutdown()
            for fork in forks:
                await until(lambda pid=fork.pid: not is_running(pid))
                await until(lambda fork=fork: not fork.alive)
            with pytest.raises(KernelDied):
                await stuck
            for fork in forks:
                await fork.close()
            await kernel.shutdown()

    asyncio.run(check())
    assert list(socket_folder.iterdir()) == []


def test_forks_end_with_whoever_asked_for_them(socket_folder: Path) -> None:
    program = (
        "import asyncio\n"
        "from llm_repl_core.kernels.base import Expression\n"
        "from llm_repl_core.kernels.worker import WorkerKernel\n"
        "async def main():\n"
        "    kernel = WorkerKernel()\n"
        "    await kernel.start()\n"
        "    idle, busy = await kernel.fork([]), await kernel.fork([])\n"
        "    print(idle.pid, busy.pid, flush=True)\n"
        "    await busy.evaluate([Expression('max(range(10**12))')])\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program.replace("WorkerKernel()", "WorkerKernel(fork_limit_s=60)")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 2
        process.kill()
    for pid in pids:
        asyncio.run(until(lambda pid=pid: not is_running(pid)))


def test_a_fork_that_nobody_asks_ends_itself(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(kernel: WorkerKernel) -> None:
        fork = await fork_of(kernel)
        # Its owner's end cannot be told by the connection that another process holds as well.
        status = Path(f"/proc/{fork.pid}/status").read_text()
        assert f"PPid:\t{kernel.pid}" in status
        assert await text(fork, "__import__('signal').getitimer(0)[0] > 1") == "True"
        await fork.close()

    drive(check)


def test_there_are_no_forks_of_what_is_not_alive(drive: Drive) -> None:
    async def check(kernel: WorkerKernel) -> None:
        await kernel.shutdown()
        with pytest.raises(KernelDied):
            await kernel.fork([])

    drive(check)


@pytest.mark.parametrize("when", ["before", "after_in_child"])
def test_what_hangs_at_a_fork_is_ended(drive: Drive, when: str) -> None:
    code = (
        "import os, signal, threading\n"
        "lock = threading.Lock()\n"
        "lock.acquire()\n"
        "def wait():\n"
        "    if not lock.acquire(timeout=30): raise RuntimeError\n"
        f"os.register_at_fork({when}=wait)\n"
        "alarms = []\n"
        "signal.signal(signal.SIGALRM, lambda *_: alarms.append(1))\n"
        "_ = signal.alarm(100)"
    )

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        fork = await kernel.fork([])
        assert (fork is None) == (when == "before")
        if fork is not None:
            with pytest.raises(KernelDied):
                await text(fork, "1")
        shown = await printed(kernel, "print(alarms, 0 < signal.getitimer(0)[0] <= 100)")
        assert shown == "[] True\n"

    drive(check, fork_limit_s=0.5)


def test_libraries_that_are_not_python_write_nothing(drive: Drive, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    code = "import duckdb\nrows = duckdb.sql('select 7 as a')"

    async def check(kernel: WorkerKernel) -> None:
        await run_cell(kernel, code)
        async with await fork_of(kernel) as fork:
            assert await text(fork, "rows.fetchall()") == "[(7,)]"
            assert "Error: " in await text(fork, "duckdb.sql(\"copy (select 1) to 'made.csv'\")")
        assert list(tmp_path.iterdir()) == []

    drive(check, cwd=str(tmp_path))
