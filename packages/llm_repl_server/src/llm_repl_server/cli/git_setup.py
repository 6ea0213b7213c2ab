"""Tells git to merge and compare notebooks by this program."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["set_up_git"]

_ATTRIBUTES = "*.llmn merge=llm-repl diff=llm-repl"


def set_up_git(folder: Path) -> list[str]:
    """Set up the repository that holds a folder, for this clone; doing it again changes nothing.

    Returns:
        What was done, a line each.

    Raises:
        InvalidInput: There is no git, or no repository.
    """
    from llm_repl_core import InvalidInput

    if shutil.which("git") is None:
        raise InvalidInput("There is no program `git` on the path.")
    found = _git(folder, "rev-parse", "--show-toplevel")
    if found.returncode != 0:
        raise InvalidInput(f"{folder} is not in a git repository: run this in one.")
    root = Path(found.stdout.rstrip("\n"))
    program = _program()
    settings = {
        "merge.llm-repl.name": "LLM-REPL notebooks, cell by cell",
        "merge.llm-repl.driver": f"{program} merge %O %A %B --path %P",
        "diff.llm-repl.command": f"{program} diff",
    }
    done = []
    for name, value in settings.items():
        written = _git(root, "config", name, value)
        if written.returncode != 0:
            raise InvalidInput(f"git cannot set `{name}`: {written.stderr.strip()}")
        done.append(f"git config {name} {shlex.quote(value)}")
    return [*done, _add_attributes(root / ".gitattributes")]


def _add_attributes(path: Path) -> str:
    from llm_repl_core.files import write_atomically

    text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
    if _ATTRIBUTES in text.splitlines():
        return f"{path.name} has the line already: {_ATTRIBUTES}"
    separator = "" if not text or text.endswith("\n") else "\n"
    write_atomically(path, f"{text}{separator}{_ATTRIBUTES}\n".encode("utf-8", "surrogateescape"))
    return f"{path.name}, to be committed: {_ATTRIBUTES}"


def _program() -> str:
    """How git is to call this program: by its name where that finds it."""
    found = shutil.which("llm-repl")
    if found is not None and Path(found).parent == Path(sys.executable).parent:
        return "llm-repl"
    return f"{shlex.quote(sys.executable)} -m llm_repl_server.cli.entry"


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # git, with arguments of ours
        ["git", *arguments],  # noqa: S607  # whichever git the user has
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
