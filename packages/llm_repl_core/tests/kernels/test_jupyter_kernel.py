# ruff: noqa: ASYNC240  a test may block its own loop, and polls processes

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from llm_repl_core.errors import KernelStartFailed, KernelUnsupported
from llm_repl_core.kernels import views
from llm_repl_core.kernels.base import Expression, KernelOptions
from llm_repl_core.kernels.jupyter import JupyterKernel
from llm_repl_core.kernels.jupyter import kernel as kernel_module
from llm_repl_core.kernels.jupyter.source import bootstrap_code
from llm_repl_core.testing.kernel_suite import Check, KernelSuite, run_cell, text_of

pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[asyncio.Runner, JupyterKernel]]:
    """A Jupyter kernel takes long to start: one serves all tests that don't mind."""
    with asyncio.Runner() as runner:
        kernel = JupyterKernel()
        runner.run(kernel.start())
        yield runner, kernel
        runner.run(kernel.shutdown())


class TestJupyterKernel(KernelSuite):
    limits_memory: ClassVar[bool] = False
    has_interrupt_of_await: ClassVar[bool] = False
    # ipykernel sends it from a thread that may come after the end of the cell.
    captures_processes: ClassVar[bool] = False
    # print() gives ipykernel a line in two pieces, which it sends as they come.
    keeps_lines_whole: ClassVar[bool] = False
    shows_agg_figures: ClassVar[bool] = False

    @pytest.fixture(autouse=True)
    def _shared(self, shared: tuple[asyncio.Runner, JupyterKernel]) -> None:
        self.runner, self.shared = shared

    def make_kernel(self, options: KernelOptions) -> JupyterKernel:
        return JupyterKernel(options)

    def run_shared(self, check: Check) -> None:
        async def limited() -> None:
            async with asyncio.timeout(30):
                await check(self.shared)

        self.runner.run(limited())


def test_an_unknown_kernelspec_is_told_with_those_that_exist() -> None:
    async def check() -> None:
        kernel = JupyterKernel(KernelOptions(kernelspec="no-such-kernel"))
        with pytest.raises(KernelStartFailed, match=r"no-such-kernel.*python3"):
            await kernel.start()
        await kernel.shutdown()

    asyncio.run(check())


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_client.manager", None)

    async def check() -> None:
        kernel = JupyterKernel()
        with pytest.raises(KernelStartFailed, match=r"pip install 'llm-repl-core\[jupyter\]'"):
            await kernel.start()

    asyncio.run(check())


def test_a_kernel_that_is_not_python_says_so() -> None:
    async def check() -> None:
        kernel = JupyterKernel()
        kernel._alive = True
        kernel._language = "r"
        with pytest.raises(KernelUnsupported, match="runs r"):
            await kernel.evaluate([Expression("1")])
        kernel._alive = False

    asyncio.run(check())


def test_nothing_is_left_and_no_secret_goes_in(
    socket_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1")
    monkeypatch.setenv("ODD_NAME", "secret-2")

    async def check() -> None:
        kernel = JupyterKernel(KernelOptions(withheld_variables=("ODD_NAME",)))
        await kernel.start()
        (folder,) = socket_folder.glob("llm-repl-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        outputs = await run_cell(kernel, "import os\nprint(os.getpid(), dict(os.environ))")
        text = text_of(outputs, "stdout")
        assert "secret-" not in text
        await kernel.shutdown()
        assert list(socket_folder.glob("llm-repl-*")) == []
        assert not Path(f"/proc/{text.split()[0]}").exists()

    asyncio.run(check())


def test_the_helper_code_stands_alone() -> None:
    code = bootstrap_code()
    compile(code, "<bootstrap>", "exec")
    assert "from llm_repl_core" not in code


IN_PROCESS_WITHIN = """
from IPython.display import display as display_of_outer
from llm_repl_core import Notebook, Session
inner = Notebook('Inner')
inner.add_code(
    "from IPython.display import HTML, clear_output, display, update_display\\n"
    "print('gone'); clear_output()\\n"
    "display(HTML('<b>bold</b>'), display_id='mine')\\n"
    "update_display(HTML('<i>new</i>'), display_id='mine')"
)
inner.add_code("import matplotlib.pyplot as plt\\nplt.plot([1]); plt.show()")
inner.add_code("plt.plot([2]);")
inner.add_code("figure = plt.figure(); plt.close(figure); figure")
session = Session(inner, kernel='in_process')
session.run()
session.close()
display_of_outer('outer')
[[(one.type, sorted(one.fields['data'])) for one in cell.outputs] for cell in inner]
"""


class TestBetweenCells:
    def test_an_in_process_session_within_keeps_its_outputs(
        self, shared: tuple[asyncio.Runner, JupyterKernel]
    ) -> None:
        runner, kernel = shared
        shown, result = runner.run(run_cell(kernel, IN_PROCESS_WITHIN))
        assert shown.content == "'outer'"
        figure = ("display", ["image/png", "text/plain"])
        html = ("display", ["text/html", "text/plain"])
        assert eval(result.content) == [[html], [figure], [figure], [figure]]

    def test_what_threads_print_between_cells_comes_with_the_next(
        self, shared: tuple[asyncio.Runner, JupyterKernel], tmp_path: Path
    ) -> None:
        runner, kernel = shared
        code = (
            "import pathlib, threading\n"
            "def work():\n"
            "    go.wait(20)\n"
            "    for i in range(100): print('late', i)\n"
            f"    pathlib.Path({str(tmp_path / 'done')!r}).touch()\n"
            "go = threading.Event()\n"
            "threading.Thread(target=work).start()\n"
            "threading.Timer(0.3, go.set).start();"
        )

        async def check() -> None:
            assert await run_cell(kernel, code) == []
            async with asyncio.timeout(20):
                while not (tmp_path / "done").exists():  # noqa: ASYNC110  a process sets no event
                    await asyncio.sleep(0.01)
            outputs = await run_cell(kernel, "print('next')")
            text = "".join(f"late {i}\n" for i in range(100))
            assert text_of(outputs, "stdout") == f"{text}next\n"

        runner.run(check())


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("input('?')", "input() does not work in a cell"),
        ("from getpass import getpass\ngetpass()", "does not end in _API_KEY"),
        ("breakpoint()", "no debugger in a cell"),
        ("import pdb\npdb.set_trace()\nx = 1", "no debugger in a cell"),
        ("from IPython.core.debugger import set_trace\nset_trace()", "no debugger in a cell"),
        ("%debug", "no debugger in a cell"),
        ("%pdb on", "no debugger in a cell"),
        ("%edit x", "no editor in a cell"),
        ("%load {}", "can't write into a cell"),
    ],
)
def test_what_asks_somebody_says_that_nobody_answers_here_either(
    shared: tuple[asyncio.Runner, JupyterKernel], tmp_path: Path, code: str, sentence: str
) -> None:
    runner, kernel = shared
    path = tmp_path / "f.py"
    path.write_text("1")
    outputs = runner.run(run_cell(kernel, code.replace("{}", str(path))))
    assert sentence in outputs[-1].content
    assert "llm-repl" not in "\n".join(outputs[-1].fields["traceback"])
    assert [output.content for output in runner.run(run_cell(kernel, "1"))] == ["1"]


@pytest.mark.parametrize(
    ("code", "text"),
    [("len?", "Return the number of items"), ("%prun sum(range(3))", "function calls")],
)
def test_what_a_frontend_would_page_is_printed(
    shared: tuple[asyncio.Runner, JupyterKernel], code: str, text: str
) -> None:
    runner, kernel = shared
    printed = text_of(runner.run(run_cell(kernel, code)), "stdout")
    assert text in printed
    assert "\x1b" not in printed


def test_a_kernel_of_another_language_completes_and_tells_by_its_own_means(
    shared: tuple[asyncio.Runner, JupyterKernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, kernel = shared
    code = "alpha_beta = 1\ndef alpha_gamma(x):\n    'Does it.'"
    assert runner.run(run_cell(kernel, code)) == []
    monkeypatch.setattr(kernel, "_language", "other")
    monkeypatch.setattr(kernel_module, "_EDITOR_TIMEOUT_S", 30.0)  # it loads what it completes with
    found = runner.run(views.complete(kernel, "1 + alpha_", 10))
    assert (found.start, found.end) == (4, 10)
    assert {match.text for match in found.matches} == {"alpha_beta", "alpha_gamma"}
    told = runner.run(views.inspect(kernel, "alpha_gamma", 5))
    assert "Does it." in told.documentation
    assert "\x1b" not in told.documentation
    assert runner.run(views.inspect(kernel, "no_such_name", 5)) == views.Inspected()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"matches": None, "metadata": None, "cursor_start": None, "cursor_end": "9"},
        {"metadata": {"_jupyter_types_experimental": ["odd", None]}},
        {"found": True, "data": None},
    ],
)
def test_answers_to_an_editor_that_lack_something(
    shared: tuple[asyncio.Runner, JupyterKernel],
    monkeypatch: pytest.MonkeyPatch,
    content: dict[str, object],
) -> None:
    runner, kernel = shared

    async def answer(_send: object) -> dict[str, object]:
        return content

    monkeypatch.setattr(kernel, "_language", "other")
    monkeypatch.setattr(kernel, "_ask_editor", answer)
    found = runner.run(views.complete(kernel, "al", 2))
    assert found == views.Completions(start=2, end=2, matches=[])
    assert runner.run(views.inspect(kernel, "al", 2)) == views.Inspected()


OWNER = """
import asyncio, sys
from llm_repl_core.kernels.jupyter import JupyterKernel

async def main():
    kernel = JupyterKernel()
    await kernel.start()
    async for _ in kernel.execute(sys.argv[1]):
        pass

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_busy_kernel_ends_with_an_owner_that_was_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    busy = (
        "import os, pathlib, re, subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"path = pathlib.Path({str(pids)!r})\n"
        "path.with_suffix('.new').write_text(f'{os.getpid()} {child.pid}')\n"
        "path.with_suffix('.new').rename(path)\n"
        "re.match('(a+)+$', 'a' * 60 + 'b')"  # it never lets go of Python's lock
    )
    owner = subprocess.Popen([sys.executable, "-c", OWNER, busy])
    try:
        wait_until(pids.exists)
    finally:
        owner.kill()
        owner.wait()
    wait_until(lambda: not any(map(is_running, map(int, pids.read_text().split()))))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:
        return not Path("/proc").exists()  # no zombies are told apart there
    return state != "Z"


def wait_until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)
