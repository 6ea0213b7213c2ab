"""How `llm-repl run` ends when it is told to: at any time, with a right code and little noise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

LLM_REPL = [sys.executable, "-m", "llm_repl_server.cli.entry"]
Start = Callable[..., subprocess.Popen[str]]
Until = Callable[[Callable[[], object], str], None]


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    document = Notebook("Sleeper")
    document.add_code(
        "print('begun', flush=True)\nopen('begun', 'w').close()\nimport time; time.sleep(100)"
    )
    document.add_prompt("Hi", model="echo+delay=100")
    save_notebook(document, tmp_path / "n.llmn")
    return tmp_path / "n.llmn"


@pytest.mark.parametrize("delay_s", [0.25, 0.4, 0.5, 0.6])
def test_ctrl_c_during_the_start_makes_no_noise(
    start_llm_repl: Start, sleeper: Path, delay_s: float
) -> None:
    process = start_llm_repl("run", str(sleeper), "--kernel", "worker", "-q")
    # Not for a condition: wherever in the start this hits, the same must hold.
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    if process.returncode == -signal.SIGINT or "init_import_site" in printed:
        pytest.skip("the interpreter itself had not started yet")
    assert process.returncode == 130, printed
    assert "Aborted" not in printed
    assert "never retrieved" not in printed
    assert "not written to the call log" not in printed


PRESSED_AT_AN_IMPORT = """
import signal, sys

class PressesCtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[0]:
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
sys.meta_path.insert(0, PressesCtrlC())
from llm_repl_server.cli.entry import main
main()
"""


@pytest.mark.parametrize(
    "module",
    [
        "click",
        "llm_repl_server.cli.main",
        "llm_repl_server.cli.errors",
        "llm_repl_server.cli.run",
        "llm_repl_core.application",
        "llm_repl_server.cli.run_ledgers",
        "llm_repl_server.cli.termination",
    ],
)
def test_ctrl_c_at_an_import_makes_no_noise_and_leaves_the_output_as_it_was(
    environment: dict[str, str], sleeper: Path, tmp_path: Path, module: str
) -> None:
    (tmp_path / "out.llmn").write_text("of an earlier run")
    ended = subprocess.run(
        [
            *(sys.executable, "-c", PRESSED_AT_AN_IMPORT),
            *(module, "run", sleeper.name, "--kernel", "in_process", "-o", "out.llmn"),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
    assert (tmp_path / "out.llmn").read_text() == "of an earlier run"
    assert not (tmp_path / "begun").exists()


@pytest.mark.parametrize("kernel", ["worker", "in_process"])
def test_sigterm_saves_what_came_and_exits_with_143(
    start_llm_repl: Start, sleeper: Path, until: Until, tmp_path: Path, kernel: str
) -> None:
    process = start_llm_repl("run", str(sleeper), "--kernel", kernel, "-o", "out.llmn")
    until((tmp_path / "begun").exists, "the cell runs")
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 143, printed
    first, _ = load_notebook(tmp_path / "out.llmn").cells
    assert (first.outputs[0].content, first.status) == ("begun\n", "interrupted")


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_right_before_the_code_blocks_ends_it(
    start_llm_repl: Start, tmp_path: Path, number: str
) -> None:
    # Within one call into C, where Python does not look for signals between the two.
    document = Notebook("Blocks")
    document.add_code(
        "import ctypes, functools, operator, os, signal, time\n"
        f"kill = functools.partial(ctypes.CDLL(None).kill, os.getpid(), int(signal.{number}))\n"
        "list(map(operator.call, [kill, functools.partial(time.sleep, 100)]))"
    )
    save_notebook(document, tmp_path / "n.llmn")
    process = start_llm_repl("run", "n.llmn", "--kernel", "in_process", "-o", "out.llmn")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == (143 if number == "SIGTERM" else 130), printed
    assert load_notebook(tmp_path / "out.llmn").cells[0].status == "interrupted"


@pytest.mark.parametrize(
    "work", ["max(range(10**15))", "os.system('sleep 100; sleep 100')", "time.sleep(100)"]
)
def test_ctrl_c_ends_a_tool_whatever_it_does_and_saves(
    start_llm_repl: Start, until: Until, tmp_path: Path, work: str
) -> None:
    document = Notebook("Tool")
    document.add_code(
        f"import os, time\ndef work():\n    open('begun', 'w').close()\n    while True: {work}"
    )
    document.add_prompt("Go", model="mock/call:work", tools=["work"])
    save_notebook(document, tmp_path / "n.llmn")
    process = start_llm_repl("run", "n.llmn", "--kernel", "worker", "-o", "out.llmn")
    until((tmp_path / "begun").exists, "the tool runs")
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 130, printed
    assert load_notebook(tmp_path / "out.llmn").cells[1].status == "interrupted"


def test_a_killed_command_leaves_no_kernel(
    start_llm_repl: Start, until: Until, tmp_path: Path
) -> None:
    document = Notebook("Orphan")
    document.add_code(
        "import os, re\nopen('kernel.tmp', 'w').write(f'{os.getpid()} {os.getppid()}')\n"
        "os.rename('kernel.tmp', 'kernel')\nre.match('(a*)*b', 'a' * 60)"
    )
    save_notebook(document, tmp_path / "n.llmn")
    process = start_llm_repl("run", "n.llmn", "--kernel", "worker")
    until((tmp_path / "kernel").exists, "the cell runs")
    process.kill()
    process.communicate(timeout=60)
    for pid in (tmp_path / "kernel").read_text().split():
        stat = Path(f"/proc/{pid}/stat")
        until(lambda stat=stat: not stat.exists() or ") Z " in stat.read_text(), "it has ended")


def test_sigterm_ends_a_run_in_the_background_that_ignores_ctrl_c(
    environment: dict[str, str], sleeper: Path, until: Until, tmp_path: Path
) -> None:
    line = [
        "sh",
        "-c",
        "trap '' INT; exec \"$@\"",
        "sh",
        sys.executable,
        "-m",
        "llm_repl_server.cli.entry",
    ]
    with subprocess.Popen(
        [*line, "run", str(sleeper), "--kernel", "worker", "-o", "out.llmn"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        until((tmp_path / "begun").exists, "the cell runs")
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 143, printed
    assert load_notebook(tmp_path / "out.llmn").cells[0].outputs[0].content == "begun\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_sigterm_ends_what_a_cell_has_forked_as_ever(start_llm_repl: Start, tmp_path: Path) -> None:
    document = Notebook("Forks")
    document.add_code(
        "import os, signal, time\n"
        "reading, writing = os.pipe()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os.write(writing, b'.')\n"
        "    time.sleep(100)\n"
        "    os._exit(0)\n"
        "os.read(reading, 1)  # what comes before, Python drops in a new process\n"
        "os.kill(child, signal.SIGTERM)\n"
        "print('ended with', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    save_notebook(document, tmp_path / "n.llmn")
    process = start_llm_repl("run", "n.llmn", "--kernel", "in_process", "-q")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert printed.endswith("ended with -15\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    document = Notebook("Printer")
    document.add_code("print('x' * 100)")
    save_notebook(document, tmp_path / "n.llmn")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*LLM_REPL, "run", "-q", "n.llmn", "-o", "out.llmn"],
            cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE,
            text=True, timeout=60,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "Error: The output cannot be written: No space left on device.\n"
    assert load_notebook(tmp_path / "out.llmn").cells[0].outputs[0].content == "x" * 100 + "\n"
