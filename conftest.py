"""What all tests share: Hypothesis profiles, and examples in documents that run as tests.

In ``README.md`` files and in ``docs/`` these fenced blocks are run, in order, in a folder that the
page has to itself: ``python`` (one namespace a page), ``sh`` and ``bash`` (a script that must end
well), and ``console`` (commands after ``$``; where output is shown, it must match, ``...`` standing
for anything). A block that cannot run says so and why: ``<!-- skip: next "needs a key" -->``.
"""

from __future__ import annotations

import contextlib
import doctest
import functools
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

import coverage
import hypothesis
import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from llm_repl_core.compat.jsonschema_import import import_jsonschema

import_jsonschema()  # before a test does: each process would compile a grammar for a second and a half
if (tracer := sys.gettrace()) is not None:
    # Where lines are traced, Python looks each one up from the beginning of its file: ten seconds for
    # the list of prices, which is one statement of 30,000 lines, within the limit of whichever test.
    sys.settrace(None)
    import genai_prices.data  # noqa: F401

    sys.settrace(tracer)

EXAMPLE_TIMEOUT_S = 120.0

hypothesis.settings.register_profile("default", deadline=None)
# Without the phase that explains a failure: it traces, and Python 3.11 can loop for ever where a
# thread is traced while a signal waits for the main thread.
_GATE_PHASES = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain]
hypothesis.settings.register_profile(
    "ci",
    deadline=None,
    max_examples=60,
    # A gate that was green stays green; other examples are drawn with the default profile.
    derandomize=True,
    phases=_GATE_PHASES,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
# Of those on a second and third Python, which differ in none of what the examples vary.
hypothesis.settings.register_profile(
    "ci-again", hypothesis.settings.get_profile("ci"), max_examples=15
)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)


def _run_in_bash(script: str) -> tuple[int, str]:
    """Run a script and return its exit code and its output; whatever it started ends with it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate(timeout=EXAMPLE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return -1, f"It did not end within {EXAMPLE_TIMEOUT_S:.0f} s."
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, output


def _evaluate_script(example: Example) -> str | None:
    code, output = _run_in_bash(example.parsed)
    return None if code == 0 else f"The script ended with exit code {code}:\n{output}"


def _evaluate_console(example: Example) -> str | None:
    for command, expected in _split_console(example.parsed):
        code, output = _run_in_bash(command)
        if expected:
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            if not doctest.OutputChecker().check_output(expected, output, flags):
                return f"`{command}` was to print\n{expected}\nbut printed\n{output}"
        elif code != 0:
            return f"`{command}` ended with exit code {code}:\n{output}"
    return None


def _split_console(text: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output that is shown below it."""
    steps: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            steps.append((line[2:].rstrip("\n"), ""))
            continue
        if not steps:
            raise ValueError(f"A console block starts with `$ `, not with {line!r}.")
        command, output = steps[-1]
        if not output and command.endswith("\\"):
            steps[-1] = (f"{command}\n{line.rstrip()}", "")
        else:
            steps[-1] = (command, output + line)
    return [(command, output.strip("\n") and output) for command, output in steps]


def pytest_configure(config: pytest.Config) -> None:
    """Have what the tests start hear Ctrl-C and hang-ups, also where this run does not.

    A run in a shell's background ignores SIGINT, and one under ``nohup`` SIGHUP; what is ignored
    stays ignored in every process that is started. A handler does not.
    """
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # It runs no test itself, and its workers get what it has.
    # xdist tells its workers how wide the terminal is; those that tests open are not.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _pass_over)


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """As if the signal were ignored."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two processes a core (``-n auto``), as tests wait for servers and kernels half of the time."""
    return 2 * (os.cpu_count() or 1)


_ROOT = Path(__file__).parent
_MEASURED = tuple(
    _ROOT / "packages" / name / "tests" for name in ("llm_repl_core", "llm_repl_providers")
)
_SERVER = _ROOT / "packages" / "llm_repl_server" / "tests"
_TAKES_LONG = (
    _ROOT / "tests",
    *(_SERVER / name for name in ("cli", "serving", "api/test_api_schemathesis.py")),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure the tests of the core and of the providers; begin with those that take long.

    What is held to a number is the core, whose lines its own tests reach. No process is still at a
    whole program when the others have nothing left to do.
    """
    for item in items:
        if not _is_below(item.path, _MEASURED):
            item.add_marker(pytest.mark.unmeasured)
    items.sort(key=_takes_long, reverse=True)  # the others stay in order


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what a worker of xdist has measured: it is killed if it takes ten seconds to end."""
    measuring = coverage.Coverage.current()
    if measuring is not None and hasattr(session.config, "workerinput"):
        measuring.save()


def _takes_long(item: pytest.Item) -> bool:
    return _is_below(item.path, _TAKES_LONG)


@functools.cache  # ten thousand tests are in a few hundred files
def _is_below(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


_FOLDER, _BEFORE = "_folder", "_before"


def _enter_folder(namespace: dict[str, Any]) -> None:
    """Give a page a folder of its own, in which the user's settings and data are out of reach."""
    folder = tempfile.TemporaryDirectory(prefix="llm-repl-docs-")
    namespace[_FOLDER] = folder
    namespace[_BEFORE] = (Path.cwd(), dict(os.environ))
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        os.environ[f"XDG_{kind}_HOME"] = str(Path(folder.name, f".{kind.lower()}"))
    os.environ["XDG_RUNTIME_DIR"] = folder.name
    os.chdir(folder.name)


def _leave_folder(namespace: dict[str, Any]) -> None:
    cwd, environment = namespace[_BEFORE]
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    namespace[_FOLDER].cleanup()


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("console", _evaluate_console),
        CodeBlockParser("sh", _evaluate_script),
        CodeBlockParser("bash", _evaluate_script),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    excludes=["docs/_build/**"],
    setup=_enter_folder,
    teardown=_leave_folder,
).pytest()
