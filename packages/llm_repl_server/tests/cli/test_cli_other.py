from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import llm_repl_core
import llm_repl_server
from llm_repl_core import Notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


def test_version_is_that_of_all_packages(llm_repl: RunCommand) -> None:
    ended = llm_repl("--version")
    assert ended.stdout.split()[-1] == llm_repl_server.__version__ == llm_repl_core.__version__


def test_help_lists_every_command(llm_repl: RunCommand) -> None:
    ended = llm_repl("--help")
    assert ended.returncode == 0
    for command in (
        "ask",
        "calls",
        "completion",
        "convert",
        "diff",
        "edit",
        "graph",
        "keys",
        "list",
        "merge",
        "models",
        "new",
        "plan",
        "plugins",
        "preview",
        "providers",
        "run",
        "serve",
        "settings",
        "show",
    ):
        assert f"\n  {command} " in ended.stdout
        assert llm_repl(command, "--help").returncode == 0


def test_an_unknown_command_gets_a_sentence(llm_repl: RunCommand) -> None:
    ended = llm_repl("sreve")
    assert ended.returncode == 2
    assert "No such command 'sreve'" in ended.stderr


def test_a_mistyped_command_gets_the_one_that_was_meant(llm_repl: RunCommand) -> None:
    ended = llm_repl("kyes", "list")
    assert ended.returncode == 2
    assert "No such command 'kyes'. Did you mean 'keys'?" in ended.stderr


@pytest.mark.parametrize("command", [["graph", "n.llmn"], ["calls", "export"]])
def test_an_output_that_is_a_folder_is_refused_as_given(
    llm_repl: RunCommand, tmp_path: Path, command: list[str]
) -> None:
    document = Notebook("N")
    document.add_code("x = 1")
    save_notebook(document, tmp_path / "n.llmn")
    (tmp_path / "folder.svg").mkdir()
    ended = llm_repl(*command, "-o", "folder.svg")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr


def test_plugins_lists_what_is_there(llm_repl: RunCommand) -> None:
    listed = json.loads(llm_repl("plugins", "--json").stdout)
    assert listed["providers"] == ["mock", "openai"]
    assert listed["kernels"] == ["in_process", "worker", "jupyter"]
    assert listed["cell_types"] == ["markdown", "code", "prompt", "memory"]
    assert listed["formats"] == [".llmn", ".ipynb", ".py", ".md", ".html"]
    assert listed["failures"] == []
    assert "llm-repl-providers" in llm_repl("plugins").stdout


def test_a_plugin_that_fails_is_named_and_the_rest_works(
    llm_repl: RunCommand, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    metadata = site / "llm_repl_broken-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: llm-repl-broken\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text("[llm_repl]\nbroken = llm_repl_broken\n")
    (site / "llm_repl_broken.py").write_text("raise RuntimeError('half installed')\n")
    ended = llm_repl("plugins", PYTHONPATH=str(site))
    assert ended.returncode == 0
    assert "mock" in ended.stdout
    assert "failed: broken (llm-repl-broken): RuntimeError: half installed" in ended.stderr


def test_a_plugin_may_add_a_command(llm_repl: RunCommand, tmp_path: Path) -> None:
    site = tmp_path / "site"
    metadata = site / "llm_repl_hello-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: llm-repl-hello\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text("[llm_repl]\nhello = llm_repl_hello\n")
    (site / "llm_repl_hello.py").write_text(
        "import click\n"
        "from llm_repl_core import hookimpl\n"
        "@click.command('hello')\n"
        "def hello():\n"
        "    'Say hello.'\n"
        "    click.echo('hello')\n"
        "@hookimpl\n"
        "def llm_repl_commands():\n"
        "    return [hello]\n"
    )
    assert llm_repl("hello", PYTHONPATH=str(site)).stdout == "hello\n"
    assert "hello       Say hello." in llm_repl("--help", PYTHONPATH=str(site)).stdout


def test_keys_are_kept_for_their_owner_and_never_shown(
    llm_repl: RunCommand, tmp_path: Path
) -> None:
    key = "sk-test-0123456789"
    done = llm_repl("keys", "set", "openai", stdin=f"{key}\n")
    assert done.returncode == 0
    path = Path(llm_repl("keys", "path").stdout.strip())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listed = llm_repl("keys", "list")
    assert listed.stdout == "openai: file\n"
    both = llm_repl("keys", "list", OPENAI_API_KEY=key)
    assert both.stdout == "openai: environment, OPENAI_API_KEY\nopenai: file\n"
    assert key not in done.stdout + done.stderr + listed.stdout + listed.stderr
    assert key in path.read_text()


@pytest.mark.parametrize("key", ["", "two\twords", "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused(llm_repl: RunCommand, key: str) -> None:
    ended = llm_repl("keys", "set", "openai", stdin=f"{key}\n")
    assert ended.returncode == 2
    assert "must be one line of printable ASCII" in ended.stderr
    assert not key or key not in ended.stderr


def test_a_key_for_nobody_is_refused(llm_repl: RunCommand) -> None:
    ended = llm_repl("keys", "set", "nobody", stdin="x\n")
    assert ended.returncode == 2
    assert "There is no provider `nobody`" in ended.stderr


def test_a_keys_file_that_others_can_read_is_refused(llm_repl: RunCommand, tmp_path: Path) -> None:
    llm_repl("keys", "set", "openai", stdin="sk-secret\n")
    (tmp_path / "config" / "keys.json").chmod(0o644)
    ended = llm_repl("keys", "list")
    assert ended.returncode == 2
    assert "chmod 600" in ended.stderr
    assert "sk-secret" not in ended.stderr


def test_settings_shows_values_and_hides_the_token(llm_repl: RunCommand) -> None:
    shown = llm_repl("settings", LLM_REPL_TOKEN="very-secret", LLM_REPL_PORT="1234").stdout
    assert "very-secret" not in shown
    assert "server.port: 1234" in shown


def test_settings_hides_the_password_of_an_address(llm_repl: RunCommand) -> None:
    address = "postgresql://ada:pa/ss:wo@rd@db.example:5432/notes"
    shown = llm_repl("settings", LLM_REPL_DATABASE_URL=address).stdout
    assert "pa/ss" not in shown
    assert "wo@rd" not in shown
    assert "postgresql://ada:…@" in shown
    assert "db.example:5432/notes" in shown


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("servr: 1\n", "no setting `servr`"),
        ("server:\n  prt: 1\n", "did you mean `server.port`?"),
        ("server:\n  port: many\n", "`server.port`"),
        ("- a list\n", "`name: value`"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_a_wrong_settings_file_is_named(
    llm_repl: RunCommand, tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.yaml").write_text(text)
    for command in (["settings"], ["serve"]):
        ended = llm_repl(*command)
        assert ended.returncode == 2
        assert sentence in ended.stderr
        assert "settings.yaml" in ended.stderr
        assert "Traceback" not in ended.stderr
