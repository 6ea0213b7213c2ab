"""`llm-repl completion`, in the shells themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from click.shell_completion import _resolve_context, _resolve_incomplete

from llm_repl_core import Notebook, save_notebook
from llm_repl_server.cli.main import cli

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
LIMIT_S = 60
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
SHELLS = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(llm-repl completion bash)"', "PS1='READY '"),
    "zsh": (
        ["-f", "-i"],
        'autoload -Uz compinit; compinit -u -d "$HOME/.zcompdump"; eval "$(llm-repl completion zsh)"',
        "PS1='READY '",
    ),
    "fish": (
        ["--no-config", "--interactive"],
        "llm-repl completion fish | source",
        "function fish_prompt; echo -n 'READY '; end",
    ),
}


class _Shell:
    """A shell that somebody types into."""

    def __init__(self, name: str, folder: Path) -> None:
        arguments, script, prompt = SHELLS[name]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("LLM_REPL_")
        }
        environment |= {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "LLM_REPL_CONFIG_DIR": str(folder / "config"),
            "LLM_REPL_DATA_DIR": str(folder / "data"),
            "TERM": "xterm",
            "INPUTRC": os.devnull,
            "LC_ALL": "C.UTF-8",
        }
        for made in ("home", "config", "data"):
            (folder / made).mkdir()
        self._child = pexpect.spawn(
            name,
            arguments,
            cwd=str(folder / "work"),
            env=environment,
            encoding="utf-8",
            dimensions=(40, 120),
            timeout=LIMIT_S,
        )
        self._child.sendline(prompt)
        self._child.sendline(script)
        self._settle()

    def _settle(self) -> None:
        """Wait until it has done all that was typed."""
        # What is typed does not have the word as it is printed.
        self._child.sendline("echo do''ne")
        self._child.expect("done\r?\n")

    def complete(self, typed: str, expected: str) -> None:
        """Type something and the tab key; fails where what is expected does not come."""
        self._child.send(typed)
        shown = ""
        for _ in range(20):  # the key again lists what is possible
            self._child.send("\t")
            try:
                shown += self._child.read_nonblocking(100_000, timeout=LIMIT_S / 20)
                while True:
                    shown += self._child.read_nonblocking(100_000, timeout=0.2)
            except pexpect.TIMEOUT:
                pass
            if expected in _ESCAPES.sub("", shown):
                break
        assert expected in _ESCAPES.sub("", shown)
        self._child.send("\x05\x15")  # nothing of the line stays
        self._settle()

    def close(self) -> None:
        self._child.close(force=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    document = Notebook("Trip")
    document.add_code("city = 'Oslo'")
    document.add_prompt("Tell of {city}.")
    save_notebook(document, work / "trip.llmn")
    save_notebook(document, work / "sub" / "in it.llmn")
    (work / "table.csv").write_text("a\n")
    return tmp_path


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, folder: Path) -> Iterator[_Shell]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    shell = _Shell(request.param, folder)
    yield shell
    shell.close()


def test_names_that_are_known_when_they_are_asked_for(shell: _Shell) -> None:
    shell.complete("llm-repl prov", "providers")
    shell.complete("llm-repl show sub/i", "in\\ it.llmn")
    shell.complete("llm-repl preview trip.llmn ", "2")
    shell.complete("llm-repl models op", "openai")


def test_the_scripts_are_written_without_the_shells(forked_llm_repl: RunCommand) -> None:
    for name in SHELLS:
        ended = forked_llm_repl("completion", name, PATH="")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"_COMPLETE={name}_complete" in ended.stdout


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (["show", "sub/in it.llmn", "--cells", "1,"], ["1,1", "1,2"]),
        (["preview", "broken.llmn", ""], []),
        (["preview", "absent.llmn", ""], []),
        (["show", "absent/"], []),
        (["settings", "get", "server.po"], ["server.port"]),
        (["settings", "get", "por"], ["port"]),
        (["run", "--provider", "openai", "--model", "gpt-5.4-m"], ["gpt-5.4-mini"]),
        (["ask", "--model", "mo"], ["mock/mock"]),
        (["repl", "tr"], ["trip.llmn"]),
        (["repl", "--provider", "mo"], ["mock"]),
        (["repl", "-m", "mock/"], ["mock/mock"]),
        (["serve", "tr"], ["trip.llmn"]),
        (["diff", "trip.llmn", "tr"], ["trip.llmn"]),
        (["providers", "test", "op"], ["openai"]),
        (["providers", "remove", "op"], ["openai"]),
    ],
)
def test_what_is_offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, typed: list[str], shown: list[str]
) -> None:
    monkeypatch.chdir(folder / "work")
    Path("broken.llmn").write_text("no notebook")
    *before, incomplete = typed
    context = _resolve_context(cli, {}, "llm-repl", before)
    parameter, incomplete = _resolve_incomplete(context, before, incomplete)
    items = parameter.shell_complete(context, incomplete)
    assert [item.value for item in items] == shown
