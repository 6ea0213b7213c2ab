# ruff: noqa: ASYNC110  a cell tells by a file that it has begun

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from llm_repl_core.kernels.base import CallerThread, Expression, KernelOptions, Value
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.model.output import Output
from llm_repl_core.testing.kernel_suite import KernelSuite, interrupted, run_cell, text_of


class TestInProcessKernel(KernelSuite):
    survives_process_death: ClassVar[bool] = False
    has_magics: ClassVar[bool] = False
    has_interrupt_of_sleep: ClassVar[bool] = False
    captures_processes: ClassVar[bool] = False
    limits_memory: ClassVar[bool] = False

    def make_kernel(self, options: KernelOptions) -> InProcessKernel:
        return InProcessKernel(options)


class CallerLoop:
    """The main thread as a caller's: it runs what an event loop in another thread sends."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    @property
    def run(self) -> CallerThread[Any]:
        async def submit(function: Callable[[], Any]) -> Any:
            future: concurrent.futures.Future[Any] = concurrent.futures.Future()

            def job() -> None:
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  raised again by who waits
                    future.set_exception(error)

            self.jobs.put(job)
            return await asyncio.wrap_future(future)

        return submit

    def drive(self, check: Callable[[], Any]) -> None:
        errors: list[BaseException] = []

        def work() -> None:
            try:
                asyncio.run(asyncio.wait_for(check(), 30))
            except BaseException as error:  # noqa: BLE001  raised again by who waits
                errors.append(error)
            finally:
                self.jobs.put(None)

        thread = threading.Thread(target=work)
        thread.start()
        while (job := self.jobs.get()) is not None:
            job()
        thread.join()
        if errors:
            raise errors[0]


class TestInTheCallersThread(KernelSuite):
    """The whole suite again, with the code in the main thread."""

    survives_process_death: ClassVar[bool] = False
    has_magics: ClassVar[bool] = False
    captures_processes: ClassVar[bool] = False
    limits_memory: ClassVar[bool] = False

    def make_kernel(self, options: KernelOptions) -> InProcessKernel:
        kernel = InProcessKernel(options)
        kernel.use_caller_thread(self.caller.run)
        return kernel

    def run(self, check: Any, **options: Any) -> None:
        self.caller = CallerLoop()

        async def whole() -> None:
            kernel = self.make_kernel(KernelOptions(**options))
            await kernel.start()
            try:
                await check(kernel)
            finally:
                await kernel.shutdown()

        self.caller.drive(whole)

    def test_kernels_do_not_mix(self) -> None:
        pytest.skip("One thread can't run two cells at once.")

    def test_the_code_runs_in_the_main_thread(self) -> None:
        async def check(kernel: InProcessKernel) -> None:
            code = "import threading\nthreading.current_thread() is threading.main_thread()"
            assert (await run_cell(kernel, code))[0].content == "True"

        self.run(check)

    def test_ctrl_c_ends_the_cell_and_the_handler_comes_back(self, tmp_path: Path) -> None:
        before = signal.getsignal(signal.SIGINT)
        begun = tmp_path / "begun"

        async def check(kernel: InProcessKernel) -> None:
            code = f"import time\nopen({str(begun)!r}, 'w').close()\ntime.sleep(50)"
            task = asyncio.create_task(run_cell(kernel, code))
            await until(begun.exists)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            outputs = await task
            assert outputs[-1].fields["ename"] == "KeyboardInterrupt"

        self.run(check)
        assert signal.getsignal(signal.SIGINT) is before


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def drive(check: Callable[[InProcessKernel], Any], **options: Any) -> None:
    async def whole() -> None:
        kernel = InProcessKernel(KernelOptions(**options))
        await kernel.start()
        try:
            await asyncio.wait_for(check(kernel), 30)
        finally:
            await kernel.shutdown()

    asyncio.run(whole())


def test_the_namespace_holds_the_real_objects() -> None:
    async def check(kernel: InProcessKernel) -> None:
        await run_cell(kernel, "items = [1]")
        namespace = kernel.live_namespace()
        assert namespace is not None
        namespace["items"].append(2)
        namespace["new"] = sys
        assert (await run_cell(kernel, "items, new.maxsize > 0"))[0].content == "([1, 2], True)"
        (value,) = await kernel.evaluate([Expression("items")])
        assert isinstance(value, Value)
        value.json.append(3)  # type: ignore[union-attr]
        assert namespace["items"] == [1, 2]  # data that left is a copy

    drive(check)


def test_what_others_print_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    async def check(kernel: InProcessKernel) -> None:
        async for output in kernel.execute("import time\nprint('cell')\ntime.sleep(0.2)"):
            print("test")
            assert output == Output.stdout("cell\n")

    drive(check)
    assert capsys.readouterr().out == "test\n"


def test_stdout_is_as_before_when_nothing_of_a_cell_runs() -> None:
    """In a process of its own: here, threads of other tests' cells may still run."""
    program = (
        "import sys, threading\n"
        "from llm_repl_core import Notebook, Session\n"
        "before, start = sys.stdout, threading.Thread.start\n"
        "notebook = Notebook()\n"
        "notebook.add_code('print(1)')\n"
        "with Session(notebook) as session:\n"
        "    session.run()\n"
        "assert sys.stdout is before\n"
        "assert threading.Thread.start is start\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_threads_that_never_end_do_not_keep_the_router() -> None:
    stream, start = sys.stdout, threading.Thread.start

    async def check(kernel: InProcessKernel) -> None:
        code = (
            "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
        )
        assert await run_cell(kernel, code) == []

    drive(check)
    assert sys.stdout is stream
    assert threading.Thread.start is start


def test_context_variables_and_future_statements_stay() -> None:
    async def check(kernel: InProcessKernel) -> None:
        await run_cell(kernel, "import decimal\ndecimal.getcontext().prec = 5")
        (output,) = await run_cell(kernel, "decimal.Decimal(1) / 3")
        assert output.content == "0.33333"
        await run_cell(kernel, "from __future__ import annotations")
        (output,) = await run_cell(kernel, "def f(x: Missing): pass\nf.__annotations__")
        assert output.content == "{'x': 'Missing'}"

    drive(check)


def test_tasks_go_on_from_cell_to_cell() -> None:
    async def check(kernel: InProcessKernel) -> None:
        code = "import asyncio\nevent = asyncio.Event()\ntask = asyncio.create_task(event.wait())"
        await run_cell(kernel, code + "\nawait asyncio.sleep(0)")
        (output,) = await run_cell(kernel, "event.set()\nawait task")
        assert output.content == "True"

    drive(check)


def test_code_that_cannot_be_interrupted_is_left_behind() -> None:
    async def check(kernel: InProcessKernel) -> None:
        await run_cell(kernel, "kept = 3")
        iterator = kernel.execute("print('go')\nimport time\ntime.sleep(3)")
        await anext(iterator)
        await iterator.aclose()
        assert (await run_cell(kernel, "kept"))[0].content == "3"

    drive(check)


def test_last_value_is_remembered_unless_the_name_is_taken() -> None:
    async def check(kernel: InProcessKernel) -> None:
        await run_cell(kernel, "41")
        assert (await run_cell(kernel, "_ + 1"))[0].content == "42"
        await kernel.assign({"_": "an answer"})
        await run_cell(kernel, "43")
        assert (await run_cell(kernel, "_"))[0].content == "'an answer'"

    drive(check)


def test_tracebacks_of_exceptions_from_other_cells() -> None:
    async def check(kernel: InProcessKernel) -> None:
        await run_cell(kernel, "def outer():\n    raise KeyError('deep')  # line of cell one")
        outputs = await run_cell(kernel, "try:\n    outer()\nexcept KeyError as e:\n    1 / 0")
        lines = outputs[-1].fields["traceback"]
        assert isinstance(lines, list)
        text = "\n".join(map(str, lines))
        assert "line of cell one" in text
        assert "<cell 2>" in text
        assert "llm_repl_core" not in text

    drive(check)


def test_an_interrupt_of_evaluate(tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    async def check(kernel: InProcessKernel) -> None:
        code = f"def loop():\n    open({str(begun)!r}, 'w').close()\n    while True: pass"
        await run_cell(kernel, code)
        task = asyncio.create_task(kernel.evaluate([Expression("loop()"), Expression("1")]))
        await until(begun.exists)
        await kernel.interrupt()
        assert [result.ename for result in await task] == ["KeyboardInterrupt"] * 2  # type: ignore[union-attr]
        outputs, _ = await interrupted(kernel, "while True: pass")
        assert text_of(outputs, "stdout") == "started\n"

    drive(check)


@pytest.mark.parametrize("code", ["%time 1", "x = 1\n!ls", "%%bash\nls"])
def test_ipythons_own_syntax_gets_a_sentence(code: str) -> None:
    async def check() -> None:
        kernel = InProcessKernel()
        await kernel.start()
        [error] = await run_cell(kernel, code)
        assert "is IPython's, and the kernel `in_process` is plain Python" in error.content
        assert error.fields["traceback"] == [error.content]
        [error] = await run_cell(kernel, "x = 1 +\n5 % 2")
        assert "IPython" not in error.content
        await kernel.shutdown()

    asyncio.run(check())


def test_a_task_can_be_started_in_a_cell_that_does_not_await() -> None:
    async def check() -> None:
        kernel = InProcessKernel()
        await kernel.start()
        code = "import asyncio\nasync def work(): return 4\ntask = asyncio.create_task(work())"
        assert await run_cell(kernel, code) == []
        assert (await run_cell(kernel, "await task"))[0].content == "4"
        assert (await run_cell(kernel, "asyncio.run(work())"))[0].content == "4"
        await kernel.shutdown()

    asyncio.run(check())
