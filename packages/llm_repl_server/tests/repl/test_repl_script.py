"""Lines from a pipe become cells."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from llm_repl_core import Application, Conflict, Notebook, StorageError
from llm_repl_server.repl.commands import all_commands, find_command, run_command
from llm_repl_server.repl.commands.base import CommandError
from llm_repl_server.repl.notebook_file import NotebookFile, scratch_path
from llm_repl_server.repl.script import read_lines


def test_a_statement_is_a_cell_however_many_lines_it_has() -> None:
    text = """x = 1
for i in range(3):
    print(i)

    print(x)
else:
    print("end")
y = [
  1,
]
?what is {x}
# Heading
:kept = 1
!ls
/vars
try:
    f()
except NameError:
    pass
z = 1
"""
    assert [(line.kind, line.text) for line in read_lines(text)] == [
        ("code", "x = 1"),
        ("code", 'for i in range(3):\n    print(i)\n\n    print(x)\nelse:\n    print("end")'),
        ("code", "y = [\n  1,\n]"),
        ("prompt", "what is {x}"),
        ("markdown", "# Heading"),
        ("memory", "kept = 1"),
        ("code", "!ls"),
        ("code", "vars"),
        ("code", "try:\n    f()\nexcept NameError:\n    pass"),
        ("code", "z = 1"),
    ]
    assert list(read_lines("")) == []
    assert [line.text for line in read_lines("f(\n1")] == ["f(\n1"]


def test_every_command_has_an_example_of_its_own_and_a_summary() -> None:
    commands = all_commands()
    for name, command in commands.items():
        assert command.name == name
        assert command.example.startswith(f"/{name}")
        assert command.summary.endswith(".")
    assert find_command("res") is commands["restart"]


@pytest.mark.parametrize(
    ("typed", "nearest"), [("modle", "/mode"), ("sav2", "/save"), ("xyz", "/help")]
)
def test_what_is_no_command_names_the_nearest(typed: str, nearest: str) -> None:
    with pytest.raises(CommandError, match=nearest):
        find_command(typed)


def test_a_file_that_somebody_else_changed_is_left_alone(tmp_path: Path) -> None:
    application = Application(entry_points=False)
    path = tmp_path / "a.llmn"
    file = NotebookFile(application, path)
    notebook = Notebook("A")
    file.save(notebook)
    assert file.load().name == "A"
    notebook.add_code("x = 1")
    file.save(notebook)
    path.write_text("somebody else's")
    with pytest.raises(Conflict, match="changed by somebody else"):
        file.save(notebook)
    assert path.read_text() == "somebody else's"
    file.save(notebook, over_others=True)
    assert len(NotebookFile(application, path).load()) == 1


def test_a_scratch_notebook_is_for_its_owner_alone(tmp_path: Path) -> None:
    now = datetime(2026, 11, 29, 12, 30)
    path = scratch_path(tmp_path, now)
    NotebookFile(Application(entry_points=False), path, is_scratch=True).save(Notebook("A"))
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert scratch_path(tmp_path, now) != path


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "scratch").write_text("a file in the way")
    path = scratch_path(tmp_path, datetime(2026, 11, 29, 12, 30))
    file = NotebookFile(Application(entry_points=False), path, is_scratch=True)
    with pytest.raises(StorageError, match="cannot be written"):
        file.save(Notebook("A"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("graph all", "/graph takes nothing"),
        ("cost 3", "/cost takes nothing"),
        ("undo it", "`it` is no number"),
        ("pin", "Say which cell"),
        ("skip", "Say which cell"),
    ],
)
def test_a_command_that_is_not_typed_well_says_how(line: str, said: str) -> None:
    context: Any = None  # nothing is asked of the terminal
    with pytest.raises(CommandError, match=said):
        run_command(context, line)
