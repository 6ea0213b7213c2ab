"""What a command does not import: how soon it is there is what it leaves alone."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from llm_repl_core import Notebook, save_notebook
from llm_repl_server.cli.entry import main

IMPORTED = "-- imported: "
LISTED = f"""
import sys
from llm_repl_server.cli.entry import main
sys.argv[0] = "llm-repl"
try:
    main()
finally:
    print({IMPORTED!r}, *sys.modules, file=sys.stderr)
"""

DATABASE = {"alembic", "llm_repl_server.storage", "sqlalchemy", "sqlite3"}
SERVER = {"engineio", "flask", "flask_socketio", "gunicorn", "socketio", "werkzeug"}
LIBRARIES = {
    *(
        "IPython",
        "anthropic",
        "genai_prices",
        "httpx",
        "jsonschema",
        "jupyter_client",
        "matplotlib",
    ),
    *(
        "nbformat",
        "numpy",
        "openai",
        "pandas",
        "prompt_toolkit",
        "pydantic",
        "rich",
        "tiktoken",
        "yaml",
    ),
}
WORKERS_OWN = {
    "llm_repl_core.kernels.worker.worker_process",
    "llm_repl_core.kernels.worker.zygote_process",
    "pdb",
}
ENGINE = {"asyncio", "importlib.metadata", "llm_repl_core.application", "msgspec", "pluggy"}


def imported_by(environment: dict[str, str], folder: Path, *arguments: str) -> set[str]:
    """The modules of a process that was a command, in its end."""
    done = subprocess.run(
        [sys.executable, "-c", LISTED, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    [names] = [line for line in done.stderr.splitlines() if line.startswith(IMPORTED)]
    return set(names.removeprefix(IMPORTED).split())


def imported_by_python() -> set[str]:
    """What the interpreter imports before any program, with what the environment adds to it."""
    program = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    return set(subprocess.run(program, capture_output=True, text=True, check=True).stdout.split())


def of(modules: set[str], unwanted: set[str]) -> set[str]:
    """Those among the modules that are unwanted, or within what is."""
    return {
        name
        for name in modules
        if any(name == root or name.startswith(f"{root}.") for root in unwanted)
    }


@pytest.mark.parametrize("arguments", [["--version"], ["run", "--help"]], ids=" ".join)
def test_what_runs_nothing_imports_no_engine(
    environment: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    modules = imported_by(environment, tmp_path, *arguments)
    assert "click" in modules
    unwanted = DATABASE | SERVER | LIBRARIES | WORKERS_OWN | ENGINE
    assert of(modules, unwanted) == set()
    assert arguments != ["--version"] or "pathlib" not in modules - imported_by_python()


def test_help_asks_the_plugins_for_commands_and_imports_no_engine(
    environment: dict[str, str], tmp_path: Path
) -> None:
    modules = imported_by(environment, tmp_path, "--help")
    assert "llm_repl_core.plugins.manager" in modules
    unwanted = DATABASE | SERVER | LIBRARIES | WORKERS_OWN | {"llm_repl_core.application"}
    assert of(modules, unwanted) == set()


def test_a_run_of_code_alone_imports_no_database(
    environment: dict[str, str], tmp_path: Path
) -> None:
    notebook = Notebook()
    notebook.add_code("6 * 7")
    save_notebook(notebook, tmp_path / "code.llmn")
    modules = imported_by(environment, tmp_path, "run", "code.llmn")
    assert "llm_repl_core.application" in modules
    unwanted = DATABASE | SERVER | LIBRARIES | WORKERS_OWN
    unwanted |= {"llm_repl_core.kernels.jupyter.source", "llm_repl_providers.openai.translation"}
    assert of(modules, unwanted | {"statistics"}) == set()


def test_a_run_of_prompts_imports_no_server(environment: dict[str, str], tmp_path: Path) -> None:
    notebook = Notebook()
    notebook.add_prompt("Say hello.")
    save_notebook(notebook, tmp_path / "prompt.llmn")
    modules = imported_by(environment, tmp_path, "run", "prompt.llmn")
    assert "sqlalchemy" in modules
    unwanted = SERVER | WORKERS_OWN | LIBRARIES - {"genai_prices", "tiktoken"}
    assert of(modules, unwanted | {"alembic", "sqlalchemy.orm"}) == set()


def test_the_core_imports_the_tree_of_errors_and_nothing_else(
    environment: dict[str, str], tmp_path: Path
) -> None:
    program = "import sys; before = set(sys.modules); import llm_repl_core; "
    program += f"print({IMPORTED!r}, *set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    ours = {name for name in done.stdout.removeprefix(IMPORTED).split() if "llm_repl" in name}
    assert ours == {"llm_repl_core", "llm_repl_core.errors"}
    assert of(set(done.stdout.split()), DATABASE | SERVER | LIBRARIES | {"msgspec"}) == set()


def test_the_command_collects_garbage_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    import gc

    before = gc.get_threshold()
    monkeypatch.setattr(sys, "argv", ["llm-repl", "--version"])
    try:
        with pytest.raises(SystemExit):
            main()
        assert gc.isenabled()
        assert gc.get_threshold()[0] > 10 * 2000
    finally:
        gc.set_threshold(*before)


def test_no_garbage_is_looked_for_before_the_first_input_and_its_notebook(
    environment: dict[str, str], tmp_path: Path
) -> None:
    program = f"""
import gc, sys
collected = []
gc.callbacks.append(lambda phase, _: collected.append(phase))
sys.argv = ["llm-repl", "--version"]
from llm_repl_server.cli.entry import main
try:
    main()
except SystemExit:
    collected.clear()  # the interpreter's own, before `main` set how seldom
from llm_repl_server.repl import loop
print({IMPORTED!r}, *sys.modules)
from llm_repl_server.repl import local_target, run_printer
gc.callbacks.clear()
assert not collected, (collected, gc.get_threshold())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    [names] = [line for line in done.stdout.splitlines() if line.startswith(IMPORTED)]
    unwanted = DATABASE | SERVER | LIBRARIES | {"difflib", "importlib.metadata", "msgspec"}
    assert of(set(names.split()), unwanted - {"prompt_toolkit"}) == set()


@pytest.mark.parametrize("asks", [False, True], ids=["typed", "completed"])
def test_the_first_input_waits_for_no_command_line(
    environment: dict[str, str], tmp_path: Path, asks: bool
) -> None:
    program = f"""
import sys
from llm_repl_server.cli.entry import main
from llm_repl_server.repl.loop import Repl
Repl.talk = lambda *_, **__: print({IMPORTED!r}, *sys.modules, file=sys.stderr)
main()
"""
    controller, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment | ({"_LLM_REPL_COMPLETE": "zsh_source"} if asks else {}),
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        os.close(controller)
        os.close(terminal)
    assert done.returncode == 0, done.stderr
    names = done.stderr.removeprefix(IMPORTED).split()
    assert ("prompt_toolkit" in names) is not asks
    assert "click" not in names
