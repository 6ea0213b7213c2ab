"""The kernel that begins before the command is ready: used where it suits, gone in any case."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_repl_core import (
    Application,
    Kernel,
    Notebook,
    PluginManager,
    Provider,
    Session,
    Settings,
    hookimpl,
    save_notebook,
)
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_server.cli.early_kernel import EarlyKernel

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
ODD = "ODD_TOKEN"


class OddProvider(Provider):
    name = "odd"
    default_model = "odd"
    key_variable = ODD

    async def stream(self, request):
        raise NotImplementedError
        yield


class Plugin:
    @hookimpl
    def llm_repl_providers(self):
        return [OddProvider]


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the sockets of kernels get their folders; it must be empty in the end."""
    # Not the test's own, whose path is too long for a socket's.
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)
        assert list(Path(name).iterdir()) == []


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLM_REPL_KERNEL", raising=False)


async def text_of(kernel: Kernel, code: str) -> str:
    try:
        await kernel.start()
        return "".join([output.content async for output in kernel.execute(code)])
    finally:
        await kernel.shutdown()


def made(early: EarlyKernel, application: Application, **fields: str) -> Kernel | str:
    notebook = Notebook()
    notebook.metadata["llm_repl"] = dict(fields)
    return early.kernel(application, notebook)


def test_a_worker_kernel_uses_what_was_begun(folders: Path) -> None:
    with EarlyKernel(None) as early:
        assert len(list(folders.iterdir())) == 1
        kernel = made(early, Application(Settings()))
        assert isinstance(kernel, WorkerKernel)
        assert asyncio.run(text_of(kernel, "6 * 7")) == "42"
        assert len(list(folders.iterdir())) == 1


@pytest.mark.parametrize("kernel", ["in_process", "jupyter"])
def test_nothing_is_begun_for_another_kernel(
    folders: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    with EarlyKernel(kernel) as early:
        assert list(folders.iterdir()) == []
        assert made(early, Application(Settings())) == kernel
    monkeypatch.setenv("LLM_REPL_KERNEL", kernel)
    with EarlyKernel(None):
        assert list(folders.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "fields", "name"),
    [
        ({}, {"kernel": "in_process"}, "in_process"),
        ({"kernel": "jupyter"}, {}, "jupyter"),
        ({"kernel_preload": ("json",)}, {}, "worker"),
    ],
)
def test_the_notebook_and_the_settings_go_before_it(
    folders: Path, settings: dict[str, Any], fields: dict[str, str], name: str
) -> None:
    with EarlyKernel(None) as early:
        assert made(early, Application(Settings(**settings)), **fields) == name
        assert list(folders.iterdir()) == [], "what was begun in vain is still there"


def test_a_key_whose_name_only_a_plugin_knows_is_out_of_reach(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ODD, "secret")
    manager = PluginManager()
    manager.register(Plugin(), "odd")
    application = Application(Settings(), plugins=manager)
    with EarlyKernel(None) as early:
        kernel = made(early, application)
        assert kernel == "worker"  # it makes a zygote of its own
        assert list(folders.iterdir()) == []  # and the one that has the key is gone by then
        session = Session(Notebook(), application=application, kernel=kernel)
        cell = session.notebook.add_code(f"import os\nprint(os.environ.get({ODD!r}))")
        session.run()
        session.close()
    assert [output.content for output in cell.outputs] == ["None\n"]


def test_it_is_gone_when_the_command_fails(
    folders: Path, llm_repl: RunCommand, tmp_path: Path
) -> None:
    ended = llm_repl("run", "missing.llmn")
    assert ended.returncode != 0
    assert "missing.llmn" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_runs_a_notebook_of_the_command_line(
    folders: Path, llm_repl: RunCommand, tmp_path: Path
) -> None:
    notebook = Notebook()
    notebook.add_code(f"import os\nprint(os.getpid() != {os.getpid()}, 6 * 7)")
    save_notebook(notebook, tmp_path / "n.llmn")
    ended = llm_repl("run", "-q", "n.llmn")
    assert (ended.returncode, ended.stdout) == (0, "True 42\n")
