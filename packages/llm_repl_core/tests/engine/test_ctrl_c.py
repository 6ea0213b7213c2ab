"""Ctrl-C as a terminal sends it, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from llm_repl_core.engine.caller_thread import AsyncInbox

LIMIT_S = 30.0

# Whatever the script does, it says at its end which threads are left and how it got there.
PREAMBLE = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may have it ignored
from llm_repl_core import Notebook, Session
notebook = Notebook()
def on_event(event):
    if type(event).__name__ in ("CellOutput", "CellStarted"):
        say(type(event).__name__)
def say(text):
    print(text, file=sys.__stdout__, flush=True)
"""
ENDING = """
say("threads: " + ", ".join(t.name for t in threading.enumerate()))
say("statuses: " + ", ".join(cell.status for cell in notebook))
"""


class Script:
    """A running script, to which Ctrl-C can be sent when it has said something."""

    def __init__(self, body, environment):
        code = PREAMBLE + textwrap.dedent(body) + ENDING
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self.said = []

    def read_until(self, line):
        assert self.process.stdout is not None
        for said in self.process.stdout:
            self.said.append(said.rstrip("\n"))
            if self.said[-1] == line:
                return
        pytest.fail(f"it ended before it said {line!r}: {self.said}")

    def press_ctrl_c(self):
        self.process.send_signal(signal.SIGINT)

    def finish(self):
        output, _ = self.process.communicate(timeout=LIMIT_S)
        self.said += output.splitlines()
        return self.process.returncode


@pytest.fixture
def start(tmp_path):
    scripts = []

    def start_it(body):
        script = Script(body, {**os.environ, "LLM_REPL_CONFIG_DIR": str(tmp_path)})
        scripts.append(script)
        return script

    yield start_it
    for script in scripts:
        if script.process.poll() is None:
            script.process.kill()
        script.process.communicate()


BODY = """
notebook.add_{kind}({content!r}, **{options})
notebook.add_code({after!r})
with Session(notebook, kernel={kernel!r}) as session:
    session.live.listen(on_event)
    try:
        session.run()
    except BaseException as error:
        say("raised: " + type(error).__name__)
"""
ENDLESS = "print('on', flush=True)\nimport time\nwhile True: time.sleep(0.01)"


@pytest.mark.parametrize(
    ("kind", "content", "options", "kernel", "sign"),
    [
        ("code", ENDLESS, {}, "in_process", "CellOutput"),
        ("code", ENDLESS, {}, "worker", "CellOutput"),
        ("prompt", "x", {"model": "mock/echo+delay=60"}, "in_process", "CellStarted"),
    ],
)
def test_ctrl_c_stops_the_cell_and_the_script_goes_on(start, kind, content, options, kernel, sign):
    after = "never = response_0" if kind == "prompt" else "never = 1"
    script = start(
        BODY.format(kind=kind, content=content, options=options, kernel=kernel, after=after)
    )
    script.read_until(sign)
    script.press_ctrl_c()
    assert script.finish() == 0, script.said
    assert "raised: KeyboardInterrupt" in script.said
    assert script.said[-2:] == ["threads: MainThread", "statuses: interrupted, idle"]


def test_an_uncaught_ctrl_c_ends_the_script_as_ever(start):
    script = start(
        """
        notebook.add_code("import time\\nprint('on', flush=True)\\ntime.sleep(60)")
        with Session(notebook) as session:
            session.live.listen(on_event)
            session.run()
        """
    )
    script.read_until("CellOutput")
    script.press_ctrl_c()
    assert script.finish() in (-signal.SIGINT, 130, 1)
    assert script.said[-1] == "KeyboardInterrupt"


def test_ctrl_c_while_events_are_looked_at_leaves_the_stream(start):
    script = start(
        """
        import time
        notebook.add_code("print('on')\\nx = 1")
        notebook.add_code("never = 1")
        with Session(notebook) as session:
            try:
                for event in session.stream():
                    if type(event).__name__ == "CellOutput":
                        say("looking")
                        time.sleep(60)
            except KeyboardInterrupt:
                say("left")
            say(f"ran: {'never' in session.state}")
        """
    )
    script.read_until("looking")
    script.press_ctrl_c()
    assert script.finish() == 0, script.said
    assert "left" in script.said
    assert script.said[-2] == "threads: MainThread"
    assert "ran: False" in script.said
    assert script.said[-1] == "statuses: completed, interrupted"


def test_with_an_event_loop_ctrl_c_stops_the_run(start):
    script = start(
        """
        import asyncio
        notebook.add_prompt("x", model="mock/echo+delay=60")
        notebook.add_code("never = response_0")
        async def main():
            async with Session(notebook) as session:
                session.live.listen(on_event)
                await session.arun()
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            say("raised: KeyboardInterrupt")
        """
    )
    script.read_until("CellStarted")
    script.press_ctrl_c()
    assert script.finish() == 0, script.said
    assert "raised: KeyboardInterrupt" in script.said
    assert script.said[-2:] == ["threads: MainThread", "statuses: interrupted, idle"]


def test_a_loop_that_waits_for_events_looks_up_for_signals():
    """One that comes right before the loop sleeps does not wake it, and is not sent again."""
    sleeps = []

    class Selector(selectors.DefaultSelector):
        def select(self, timeout=None):
            sleeps.append(timeout)
            return super().select(timeout)

    async def wait():
        inbox = AsyncInbox()
        asyncio.get_running_loop().call_later(1.2, inbox.end)
        assert await inbox.next() is None

    loop = asyncio.SelectorEventLoop(Selector())
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(wait())
    waited = [sleep for sleep in sleeps if sleep is None or sleep > 0]
    assert len(waited) >= 3
    assert all(sleep is not None and sleep <= 0.5 for sleep in waited[:-1])


def test_code_that_ignores_ctrl_c_does_not_keep_a_worker(start):
    script = start(
        """
        from llm_repl_core.engine import cell_stopper
        cell_stopper.INTERRUPT_GRACE_S = 0.2
        notebook.add_code(
            "import os, time\\nprint(os.getpid(), flush=True)\\nwhile True:\\n"
            "  try: time.sleep(60)\\n  except KeyboardInterrupt: pass"
        )
        with Session(notebook, kernel="worker") as session:
            session.live.listen(on_event)
            try:
                session.run()
            except KeyboardInterrupt:
                say("raised: KeyboardInterrupt")
        say("worker: " + notebook.cells[0].outputs[0].content.strip())
        """
    )
    script.read_until("CellOutput")
    script.press_ctrl_c()
    assert script.finish() == 0, script.said
    assert "raised: KeyboardInterrupt" in script.said
    [worker] = [int(line.split()[1]) for line in script.said if line.startswith("worker: ")]
    limit = time.monotonic() + LIMIT_S
    while _is_running(worker):
        assert time.monotonic() < limit
        time.sleep(0.01)


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_script_that_forgets_to_close_its_session_ends(start):
    script = start(
        """
        notebook.add_code("x = 1")
        session = Session(notebook)
        session.run()
        """
    )
    assert script.finish() == 0, script.said
    assert script.said[-1] == "statuses: completed"


def test_ctrl_c_in_code_stops_the_prompts_that_run_meanwhile() -> None:
    """A script's Ctrl-C is meant for the whole run, also where the code of a cell got it."""
    script = (
        "from llm_repl_core import Notebook, Session\n"
        "notebook = Notebook()\n"
        "notebook.add_prompt('Hi', model='echo+delay=60')\n"
        "notebook.add_code('import os, signal, time\\n'\n"
        "    'os.kill(os.getpid(), signal.SIGINT)\\ntime.sleep(60)')\n"
        "with Session(notebook) as session:\n"
        "    try:\n"
        "        session.run()\n"
        "    except KeyboardInterrupt:\n"
        "        print(*(cell.status for cell in notebook))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "interrupted interrupted\n"
