"""Nothing that is printed ends a command, wherever its streams lead."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

RunCommand = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = shlex.join([sys.executable, "-m", "llm_repl_server.cli.entry"])
LIMIT_S = 120.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


@pytest.fixture
def shell(
    environment: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run a line of bash, in which ``llm-repl`` is the command, beside two notebooks."""
    document = Notebook("Letters")
    document.add_code("print('Grüße → 日本 😀')")
    document.add_prompt("日本?", response_var="answer")
    save_notebook(document, tmp_path / "letters.llmn")
    long = Notebook("Long")
    for _ in range(30):
        long.add_code("print('x' * 100_000)")
    long.add_code("open('ran', 'w').close()")
    save_notebook(long, tmp_path / "long.llmn")

    def run(line: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["bash", "-c", line.replace("llm-repl", COMMAND)],
            cwd=tmp_path,
            env=environment | variables,
            capture_output=True,
            timeout=LIMIT_S,
        )

    return run


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp437:strict"])
def test_a_character_that_cannot_be_shown_is_replaced(
    shell: Callable[..., subprocess.CompletedProcess[bytes]], encoding: str
) -> None:
    ended = shell("llm-repl run letters.llmn", PYTHONIOENCODING=encoding)
    assert ended.returncode == 0, ended.stderr
    printed = ended.stdout.decode(encoding.partition(":")[0])
    assert printed == "Grüße ? ?? ?\nThis is the mock model. You asked: ???\n"
    assert b"[2/2] prompt" in ended.stderr
    for line in ("graph letters.llmn", "preview letters.llmn 2", "calls list"):
        ended = shell(f"llm-repl {line}", PYTHONIOENCODING=encoding)
        assert (ended.returncode, ended.stderr) == (0, b""), line
        assert b"?" in ended.stdout


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("llm-repl run letters.llmn -o out.llmn >&-", 0),
        ("llm-repl run letters.llmn -o out.llmn >&- 2>&- <&-", 0),
        ("llm-repl run letters.llmn 2>&-", 0),
        ("llm-repl calls list >&-", 0),
        ("llm-repl calls export >&-", 0),
        ("llm-repl settings >&- 2>&-", 0),
        ("llm-repl keys set openai <&-", 2),
        ("llm-repl run missing.llmn 2>&-", 2),
    ],
)
def test_a_closed_stream_leads_nowhere(
    shell: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path, line: str, code: int
) -> None:
    ended = shell(line)
    assert ended.returncode == code, ended.stderr
    assert b"Traceback" not in ended.stderr
    if "out.llmn" in line:
        assert load_notebook(tmp_path / "out.llmn").cells[1].status == "completed"


@pytest.mark.parametrize(
    "command",
    [
        "run -q long.llmn -o out.llmn",
        "settings",
        "plugins --json",
        "--help",
        "--version",
        "run --help",
    ],
)
def test_a_reader_that_leaves_ends_it_quietly(
    shell: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path, command: str
) -> None:
    # `true` reads nothing, and has left before anything is printed.
    ended = shell(f"llm-repl {command} | true; echo ${{PIPESTATUS[0]}}")
    assert (ended.stdout, ended.stderr) == (b"141\n", b"")
    if "out.llmn" in command:
        assert not (tmp_path / "ran").exists()
        assert load_notebook(tmp_path / "out.llmn").cells[0].status == "completed"


def test_no_command_fails_where_there_are_no_letters_and_nobody_reads(
    shell: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    lines = [
        "ask 日本",
        "calls list",
        "convert letters.llmn letters.md",
        "diff letters.llmn long.llmn",
        "graph letters.llmn",
        "keys list",
        "plan letters.llmn",
        "preview letters.llmn 2",
        "providers list",
        "run letters.llmn --stale",
        "run letters.llmn letters.ipynb -j 2",
        "run letters.llmn -p größe=3",
        "show letters.llmn",
    ]
    loop = "\n".join(f'llm-repl {line} | true; echo "${{PIPESTATUS[0]}}"' for line in lines)
    ended = shell(
        f"llm-repl convert letters.llmn letters.ipynb >/dev/null\n{loop}",
        LC_ALL="C",
        PYTHONIOENCODING="ascii",
        PYTHONUTF8="0",
    )
    codes = dict(zip(lines, ended.stdout.decode().split(), strict=True))
    assert b"Traceback" not in ended.stderr, ended.stderr
    assert codes.pop("run letters.llmn -p größe=3") == "2"
    assert set(codes.values()) <= {"0", "141"}, (codes, ended.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_what_standard_error_does_not_take_is_lost(
    shell: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    ended = shell("llm-repl run letters.llmn 2>/dev/full")
    assert ended.returncode == 0
    assert "日本 😀" in ended.stdout.decode()
    assert shell("llm-repl run missing.llmn 2>/dev/full").returncode == 2
