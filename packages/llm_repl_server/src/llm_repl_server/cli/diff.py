"""``llm-repl diff``: what differs between two notebooks, for people and for git."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from llm_repl_server.cli.completing import complete_notebooks
from llm_repl_server.cli.flowing_text import echo
from llm_repl_server.cli.notebook_versions import load_version
from llm_repl_server.cli.terminal_text import escape_controls, one_line

if TYPE_CHECKING:
    from llm_repl_core import Cell, Notebook
    from llm_repl_core.merging.differences import CellDifference

__all__ = ["command"]

_CONTEXT_LINES = 3
_GIT_ARGUMENTS = 7
"""git gives a program of its configuration: path, old file, hash, mode, new file, hash, mode."""
_RENAMED_ARGUMENTS = 9


@click.command("diff")
@click.argument("versions", nargs=-1, required=True, shell_complete=complete_notebooks)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there are differences.")
@click.option("--no-outputs", is_flag=True, help="Compare what is written, not what a run gave.")
def command(versions: tuple[str, ...], *, exit_code: bool, no_outputs: bool) -> None:
    """Show what differs between two notebooks, cell by cell.

    VERSIONS are the old one and the new one: files, or files at revisions of git: `HEAD~1:report.llmn`. Of one file alone, what
    is shown is what has changed since the last commit.

    As a program that git compares with (`llm-repl merge --set-up`), it takes git's arguments.
    """
    name, old, new = _load_both(versions)
    lines = list(_describe(name, old, new, outputs=not no_outputs))
    for line in lines:
        echo(escape_controls(line), hang="  ", **_style(line))
    sys.exit(1 if exit_code and lines else 0)


def _load_both(versions: tuple[str, ...]) -> tuple[str, Notebook, Notebook]:
    from llm_repl_core import Application

    load = partial(load_version, Application())
    if len(versions) in (_GIT_ARGUMENTS, _RENAMED_ARGUMENTS):
        name, old, new = versions[0], versions[1], versions[4]
        return name, load(old, name=name), load(new, name=name)
    if len(versions) == 1:
        return versions[0], load(f"HEAD:{versions[0]}"), load(versions[0])
    if len(versions) == 2:
        old, new = versions
        return f"{old} → {new}", load(old), load(new)
    raise click.UsageError("Name two notebooks, or one that is compared with the last commit.")


def _describe(name: str, old: Notebook, new: Notebook, *, outputs: bool) -> Iterator[str]:
    from llm_repl_core.merging.differences import compare_notebooks

    lines = list(_describe_header(old, new))
    for difference in compare_notebooks(old, new):
        described = list(_describe_cell(difference, outputs=outputs))
        if described or difference.kind != "changed":
            lines += ["", _heading(difference), *described]
    if lines:
        yield f"=== {name}"
        yield from lines


def _describe_header(old: Notebook, new: Notebook) -> Iterator[str]:
    pairs = [("name", old.name, new.name)]
    for part in ("metadata", "memory"):
        before, after = getattr(old, part), getattr(new, part)
        pairs += [
            (f"{part}.{key}", before.get(key), after.get(key)) for key in sorted({*before, *after})
        ]
    for name, before, after in pairs:
        if before != after:
            yield f"  {name}: {_short(before)} → {_short(after)}"


def _heading(difference: CellDifference) -> str:
    cell = difference.new or difference.old
    assert cell is not None
    index = difference.old_index if difference.new_index is None else difference.new_index
    assert index is not None
    variable = getattr(cell, "response_var", None)
    what = f"{cell.type}, `{variable}`" if variable else cell.type
    moved = ""
    if difference.was_moved and difference.old_index is not None:
        moved = f", moved from {difference.old_index + 1}"
    kind = "" if difference.kind == "moved" else f" {difference.kind}"
    return f"--- Cell {index + 1} ({what}){kind}{moved}"


def _describe_cell(difference: CellDifference, *, outputs: bool) -> Iterator[str]:
    old, new = difference.old, difference.new
    for field in difference.fields:
        yield f"  {field.name}: {_short(field.old)} → {_short(field.new)}"
    yield from _describe_text(_content(old), _content(new))
    if outputs:
        described = list(_describe_text(_shown(old), _shown(new)))
        if described:
            yield "  gave:"
            yield from described


def _content(cell: Cell | None) -> list[str]:
    return cell.content.split("\n") if cell is not None and cell.content else []


def _shown(cell: Cell | None) -> list[str]:
    """What a cell gave, as lines; an answer with who gave it."""
    lines: list[str] = []
    for output in cell.outputs if cell is not None and cell.type != "markdown" else ():
        if output.type == "llm_response":
            lines.append(f"[{output.fields.get('model') or 'a model'} answered]")
        data = output.fields.get("data")
        if isinstance(data, dict) and set(data) - {"text/plain"}:
            lines.append(f"[{', '.join(sorted(data))}]")
        lines += output.content.rstrip("\n").split("\n") if output.content else []
    return lines


def _describe_text(old: list[str], new: list[str]) -> Iterable[str]:
    lines = list(difflib.unified_diff(old, new, n=_CONTEXT_LINES, lineterm=""))[2:]
    if not old or not new:
        return [line for line in lines if not line.startswith("@@")]
    return lines


def _short(value: Any) -> str:
    return "none" if value is None else one_line(str(value), 60)


def _style(line: str) -> dict[str, Any]:
    if line.startswith(("===", "---")):
        return {"bold": True}
    if line.startswith("+"):
        return {"fg": "green"}
    if line.startswith("-"):
        return {"fg": "red"}
    return {"fg": "cyan"} if line.startswith("@@") else {}
