"""What IPython does in a worker: programs, questions to nobody, history, tracebacks, tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.worker import WorkerKernel, Zygote
from llm_repl_core.model.output import Output
from llm_repl_core.testing.kernel_suite import run_cell, text_of

LIMIT_S = 30.0


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def zygote(runner: asyncio.Runner) -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    runner.run(zygote.stop())


class Cells:
    """Runs cells in a kernel of its own."""

    def __init__(self, runner: asyncio.Runner, zygote: Zygote) -> None:
        self._runner = runner
        self.kernel = WorkerKernel(KernelOptions(), zygote=zygote)
        runner.run(self.kernel.start())

    def run(self, code: str, count: int | None = None) -> list[Output]:
        async def whole() -> list[Output]:
            async with asyncio.timeout(LIMIT_S):
                if count is not None:
                    self.kernel.number_next(count)
                return await run_cell(self.kernel, code)

        return self._runner.run(whole())

    def error(self, code: str) -> tuple[str, str]:
        """An error's content and its traceback."""
        error = self.run(code)[-1]
        assert error.type == "error", error
        lines = error.fields["traceback"]
        assert isinstance(lines, list)
        return error.content, "\n".join(map(str, lines))

    def wait(self, seconds: float) -> None:
        self._runner.run(asyncio.sleep(seconds))

    def close(self) -> None:
        self._runner.run(self.kernel.shutdown())


@pytest.fixture
def cells(runner: asyncio.Runner, zygote: Zygote) -> Iterator[Cells]:
    cells = Cells(runner, zygote)
    yield cells
    cells.close()


# Programs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("!printf 'a\\nb\\n'", "a\nb\n"),
        ("!python3 -c \"input('x')\" | cat; echo after", "after\n"),
        ("!printf 'plain' > f && less f", "plain"),
        ("!more f", "plain"),
        ("!echo $PAGER $GIT_PAGER $MANPAGER", "cat cat cat\n"),
        ("!cat; echo nothing to read", "nothing to read\n"),
        ("!head -c1 /dev/tty || echo no terminal", "no terminal\n"),
        ("!(sleep 60 &) ; echo in the background", "in the background\n"),
        ("import os\nos.system('cat; echo end')", "end\n"),
        ("%%bash\nread x\necho got $x", ""),
    ],
)
def test_programs_print_plain_lines_and_wait_for_nobody(
    cells: Cells, tmp_path: object, code: str, printed: str
) -> None:
    cells.run(f"%cd -q {tmp_path}\nopen('f', 'w').write('plain')")
    outputs = cells.run(code)
    assert printed in text_of(outputs, "stdout")
    assert "\r" not in text_of(outputs, "stdout")


def test_a_programs_exit_code_is_known_and_an_interrupt_ends_it(cells: Cells) -> None:
    assert cells.run("!exit 3") == []
    assert cells.run("_exit_code")[0].content == "3"

    async def interrupted() -> list[Output]:
        outputs = []
        async for output in cells.kernel.execute("!echo begun; trap '' INT; sleep 60; sleep 60"):
            outputs.append(output)
            await cells.kernel.interrupt()
        return outputs

    async def limited() -> list[Output]:
        async with asyncio.timeout(LIMIT_S):
            return await interrupted()

    assert cells._runner.run(limited())[-1].fields["ename"] == "KeyboardInterrupt"
    assert cells.run("1 + 1")[0].content == "2"


# Questions to nobody ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("input('?')", "input() does not work in a cell"),
        ("import getpass\ngetpass.getpass()", "getpass() does not work in a cell"),
        ("from getpass import getpass\ngetpass()", "does not end in _API_KEY"),
        ("breakpoint()", "no debugger in a cell"),
        ("import pdb\npdb.set_trace()\nx = 1", "no debugger in a cell"),
        ("from IPython.core.debugger import set_trace\nset_trace()", "no debugger in a cell"),
        (
            "try:\n    1 / 0\nexcept Exception:\n    import pdb\n    pdb.post_mortem()",
            "no debugger",
        ),
        ("%debug", "no debugger in a cell"),
        ("%pdb on", "no debugger in a cell"),
        ("%edit x", "no editor in a cell"),
        ("%load f.py", "can't write into a cell"),
        ("import code\ncode.interact()", "input() does not work in a cell"),
    ],
)
def test_what_asks_somebody_says_that_nobody_answers(
    cells: Cells, tmp_path: object, code: str, sentence: str
) -> None:
    cells.run(f"%cd -q {tmp_path}\nopen('f.py', 'w').write('1')")
    content, trace = cells.error(code)
    assert sentence in content
    assert "llm_repl" not in trace
    assert cells.run("1")[0].content == "1"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['OPENAI_API_KEY']",
        "raise RuntimeError('set the ANTHROPIC_API_KEY environment variable')",
    ],
)
def test_a_key_that_is_kept_from_code_is_told(
    cells: Cells, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    content, trace = cells.error(code)
    assert "_API_KEY is kept from code" in content
    assert "a copy under another name" in trace
    cells.run("import os\nos.environ['OPENAI_API_KEY'] = os.environ['ANTHROPIC_API_KEY'] = 'mine'")
    if "environ[" in code:
        assert cells.run(code)[0].content == "'mine'"
    else:
        assert "kept from code" not in cells.error(code)[0]


# History ---------------------------------------------------------------------------------------


def test_inputs_and_results_are_remembered_by_the_notebooks_numbers(cells: Cells) -> None:
    cells.run("40 + 2", count=3)
    cells.run("x = _3 + Out[3]", count=5)
    assert cells.run("x, _i, _i3, In[3], In[5]", count=6)[0].content == (
        "(84, 'x = _3 + Out[3]', '40 + 2', '40 + 2', 'x = _3 + Out[3]')"
    )
    assert text_of(cells.run("%history 3-5", count=7), "stdout").split("\n")[0] == "40 + 2"
    cells.run("'no cell'", count=0)
    assert cells.run("_, In[-2]", count=9)[0].content == "('no cell', '')"


def test_a_fresh_kernel_has_no_history_and_no_traceback(cells: Cells) -> None:
    assert cells.run("%tb") == [Output.stderr("No traceback available to show.\n")]
    assert (
        cells.run("In, Out, _, _i, _ii")[0].content
        == "(['', '%tb', 'In, Out, _, _i, _ii'], {}, '', '%tb', '')"
    )


def test_store_keeps_a_variable_for_another_kernel(
    cells: Cells, runner: asyncio.Runner, zygote: Zygote
) -> None:
    cells.run("kept_for_a_test = [1]\n%store kept_for_a_test")
    other = Cells(runner, zygote)
    assert other.run("%store -r kept_for_a_test\nkept_for_a_test")[-1].content == "[1]"
    other.run("%store -d kept_for_a_test")
    other.close()


# Tracebacks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "fail()",
        "eval('1 +')",
        "eval('fail()')",
        "await afail()",
        "await asyncio.gather(afail(), afail())",
        "try:\n    fail()\nexcept Exception as error:\n    raise ValueError from error",
        "try:\n    fail()\nfinally:\n    fail()",
        "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
        "async with asyncio.TaskGroup() as group:\n    group.create_task(afail())",
        "def broken(:",
        "get_ipython().run_cell('fail()');",
        "%timeit -n1 -r1 fail()",
        "list(map(lambda x: fail(), [1]))",
        "asyncio.run(afail())",
    ],
)
def test_tracebacks_have_the_users_frames_with_the_notebooks_numbers(
    cells: Cells, code: str
) -> None:
    cells.run(
        "import asyncio\ndef fail():\n    1 / 0\nasync def afail():\n    await asyncio.sleep(0)\n    fail()",
        count=7,
    )
    error = cells.run(code, count=12)[-1]
    assert error.type == "error"
    lines = error.fields["traceback"]
    assert isinstance(lines, list)
    text = "\n".join([error.content, *map(str, lines)])
    for strange in ("llm_repl", "interactiveshell", "ipython-input", "runpy", "no running event"):
        assert strange not in text
    assert "Cell In[12], line" in text
    assert ("Cell In[7], line 3" in text) == ("fail" in code)


def test_an_interrupt_of_an_await_shows_where_the_code_waited(cells: Cells) -> None:
    async def interrupted() -> Output:
        outputs = []
        code = "import asyncio\nasync def waits():\n    await asyncio.sleep(60)\nprint(1)\nawait waits()"
        async with asyncio.timeout(LIMIT_S):
            async for output in cells.kernel.execute(code):
                outputs.append(output)
                await cells.kernel.interrupt()
        return outputs[-1]

    error = cells._runner.run(interrupted())
    text = "\n".join(map(str, error.fields["traceback"]))  # type: ignore[arg-type]  # lines
    assert error.fields["ename"] == "KeyboardInterrupt"
    assert "await waits()" in text
    assert "CancelledError" not in text
    assert "llm_repl" not in text


# Tasks -----------------------------------------------------------------------------------------


def test_tasks_of_cells_go_on_between_cells(cells: Cells, tmp_path: object) -> None:
    cells.run(f"%cd -q {tmp_path}")
    cells.run(
        "import asyncio\nfrom pathlib import Path\n"
        "async def work():\n"
        "    await asyncio.sleep(0.01)\n    Path('done').touch()\n    print('in the background')\n"
        "task = asyncio.create_task(work())"
    )
    cells.wait(0.05)
    for _ in range(200):
        if cells.run("Path('done').exists()")[-1].content == "True":
            break
        cells.wait(0.01)
    assert cells.run("task.done(), asyncio.get_running_loop() is task.get_loop()")[-1].content == (
        "(True, True)"
    )


@pytest.mark.parametrize(
    "code",
    [
        "def start(): return asyncio.create_task(work())\nawait start()",
        "await asyncio.ensure_future(work())",
        "asyncio.run(work())",
        "asyncio.get_event_loop().run_until_complete(work())",
    ],
)
def test_every_usual_way_to_run_a_coroutine_works(cells: Cells, code: str) -> None:
    cells.run("import asyncio\nasync def work():\n    await asyncio.sleep(0)\n    return 'worked'")
    for _ in range(2):
        assert cells.run(code)[-1].content == "'worked'"
        assert cells.run("asyncio.ensure_future(work()).done()")[-1].content == "False"


def test_a_task_that_ends_the_program_or_does_not_end_leaves_the_kernel_of_use(
    cells: Cells,
) -> None:
    cells.run(
        "import asyncio\nasync def leaves(): raise SystemExit(3)\ntask = asyncio.create_task(leaves())"
    )
    cells.wait(0.05)
    assert cells.run("1")[-1].content == "1"
    cells.run("async def waits(): await asyncio.sleep(600)\ntask = asyncio.create_task(waits())")
    assert cells.run("task.cancel()")[-1].content == "True"
