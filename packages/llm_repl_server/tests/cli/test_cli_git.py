"""`llm-repl merge` and `llm-repl diff`, as git's drivers in a real repository and by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

pytestmark = [
    pytest.mark.one_python,
    pytest.mark.skipif(shutil.which("git") is None, reason="`git` is not on the path"),
]

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
Git = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def git(tmp_path: Path, environment: dict[str, str], llm_repl: RunCommand) -> Git:
    """Runs git in a repository that is set up, and whose first commit has `n.llmn`."""
    own = {
        **environment,
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Tester"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "tester@example.org"),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments], cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120
        )

    run("init", "-q", "-b", "main")
    assert "merge.llm-repl.driver" in llm_repl("merge", "--set-up").stdout
    notebook = Notebook("N")
    notebook.add_markdown("# Über")
    notebook.add_code("x = 1\ny = 2\nz = 3")
    notebook.add_prompt("Say {x}", model="mock/echo", response_var="said")
    save_notebook(notebook, tmp_path / "n.llmn")
    run("add", "n.llmn", ".gitattributes")
    assert run("commit", "-qm", "base").returncode == 0
    return run


def _edit(folder: Path, index: int, text: str) -> None:
    notebook = load_notebook(folder / "n.llmn")
    notebook.cells[index].change(content=text)
    save_notebook(notebook, folder / "n.llmn")


def _branches(git: Git, folder: Path, ours: tuple[int, str], theirs: tuple[int, str]) -> None:
    git("checkout", "-qb", "other")
    _edit(folder, *theirs)
    git("commit", "-qam", "theirs")
    git("checkout", "-q", "main")
    _edit(folder, *ours)
    git("commit", "-qam", "ours")


def test_two_branches_that_edited_different_cells_merge(git: Git, tmp_path: Path) -> None:
    _branches(git, tmp_path, (0, "# Ours"), (2, "Say {z}"))
    merged = git("merge", "-q", "other")
    assert merged.returncode == 0, merged.stdout + merged.stderr
    assert [cell.content for cell in load_notebook(tmp_path / "n.llmn")] == [
        "# Ours",
        "x = 1\ny = 2\nz = 3",
        "Say {z}",
    ]


def test_a_conflict_is_a_notebook_that_opens_and_is_not_run(
    git: Git, tmp_path: Path, llm_repl: RunCommand
) -> None:
    _branches(git, tmp_path, (2, "Shout {x}"), (2, "Whisper {x}"))
    merged = git("merge", "other")
    assert merged.returncode == 1
    assert "n.llmn: Cell 3: ours and theirs have changed the same lines" in merged.stderr
    assert "Shout {x}\n=======\nWhisper {x}" in load_notebook(tmp_path / "n.llmn").cells[2].content
    ran = llm_repl("run", "n.llmn")
    assert (ran.returncode, "Cell 3 holds both texts" in ran.stderr) == (1, True)
    _edit(tmp_path, 2, "Say {x} once")
    git("add", "n.llmn")
    assert git("commit", "-qm", "merged").returncode == 0
    assert "Say 1 once" in llm_repl("run", "n.llmn").stdout


def test_a_side_that_is_no_notebook_is_left_alone(
    git: Git, tmp_path: Path, llm_repl: RunCommand
) -> None:
    (tmp_path / "broken.llmn").write_text('{"cells": [')
    before = (tmp_path / "n.llmn").read_bytes()
    ended = llm_repl("merge", "n.llmn", "n.llmn", "broken.llmn")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "broken.llmn: This is not a .llmn file" in ended.stderr
    # As git's driver, the files have names that say nothing.
    ended = llm_repl("merge", "n.llmn", "n.llmn", "broken.llmn", "--path", "a/n.llmn")
    assert "a/n.llmn, as theirs has it: This is not a .llmn file" in ended.stderr
    assert (tmp_path / "n.llmn").read_bytes() == before


def test_git_shows_differences_cell_by_cell(git: Git, tmp_path: Path, llm_repl: RunCommand) -> None:
    _edit(tmp_path, 1, "x = 1\ny = 20\nz = 3")
    for shown in (git("diff").stdout, llm_repl("diff", "n.llmn").stdout):
        assert "--- Cell 2 (code) changed" in shown
        assert "-y = 2\n+y = 20\n" in shown
        assert "cell_id" not in shown
    git("commit", "-qam", "edited")
    assert llm_repl("diff", "n.llmn", "--exit-code").returncode == 0
    ended = llm_repl("diff", "HEAD~1:n.llmn", "HEAD:n.llmn", "--exit-code")
    assert (ended.returncode, "+y = 20" in ended.stdout) == (1, True)
    assert "+y = 20" in git("show", "--ext-diff").stdout


def test_a_new_and_a_deleted_notebook_are_compared_with_none(git: Git, tmp_path: Path) -> None:
    save_notebook(load_notebook(tmp_path / "n.llmn"), tmp_path / "new.llmn")
    git("add", "new.llmn")
    assert "--- Cell 1 (markdown) added\n+# Über" in git("diff", "--cached").stdout
    git("rm", "-qf", "n.llmn")
    assert (
        "--- Cell 1 (markdown) removed\n-# Über" in git("diff", "--cached", "--", "n.llmn").stdout
    )


@pytest.mark.parametrize(
    "versions",
    [("absent.llmn", "n.llmn"), ("nowhere:n.llmn", "n.llmn"), ("HEAD:absent.llmn", "n.llmn")],
)
def test_what_is_not_there_is_told_in_a_sentence(
    git: Git, llm_repl: RunCommand, versions: tuple[str, str]
) -> None:
    ended = llm_repl("diff", *versions)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("Error: ")


def test_setting_up_twice_changes_nothing_and_outside_of_a_repository_says_so(
    git: Git, tmp_path: Path, llm_repl: RunCommand
) -> None:
    before = (tmp_path / ".gitattributes").read_text()
    assert llm_repl("merge", "--set-up").returncode == 0
    assert (tmp_path / ".gitattributes").read_text() == before
    ended = llm_repl("merge", "--set-up", GIT_DIR=str(tmp_path / "absent"))
    assert (ended.returncode, "not in a git repository" in ended.stderr) == (2, True)
