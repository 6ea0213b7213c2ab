"""Paths that somebody names stay under their root, whatever leads out of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from llm_repl_core.errors import Forbidden, InvalidInput
from llm_repl_core.files._paths import resolve_under


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file, another folder, and links to what is inside and outside."""
    root = (tmp_path / "root").resolve()
    (root / "inner").mkdir(parents=True)
    (root / "file.txt").write_text("x")
    (tmp_path / "outside.txt").write_text("x")
    (root / "in.txt").symlink_to(root / "file.txt")
    (root / "out.txt").symlink_to(tmp_path / "outside.txt")
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    return root


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("file.txt", "file.txt"),
        ("in.txt", "file.txt"),
        ("inner/../file.txt", "file.txt"),
        ("../root/file.txt", "file.txt"),
        ("new.txt", "new.txt"),
        ("new/folder/new.txt", "new/folder/new.txt"),
        ("~", "~"),
        (" a b ", " a b "),
    ],
)
def test_what_is_under_the_root_is_found(root: Path, named: str, found: str) -> None:
    assert resolve_under(root, named, called="`path`") == root / found
    assert resolve_under(root, str(root / named), called="`path`") == root / found


@pytest.mark.parametrize(
    "named", ["../outside.txt", "out.txt", "out/outside.txt", "out/new.txt", "/etc/passwd", "..", "new/../../x"]
)  # fmt: skip
def test_what_leads_out_is_refused(root: Path, named: str) -> None:
    with pytest.raises(Forbidden, match="`path` leads out of the root folder"):
        resolve_under(root, named, called="`path`")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("", "must name a file"),
        ("  ", "must name a file"),
        ("a\0b", "must name a file"),
        ("\ud800", "is not a path that this machine can follow"),
        ("loop", "`path`"),
        ("inner", "is not a plain file"),
        ("new/", "names a folder"),
        ("~/file.txt", "`~` has no meaning"),
        ("x" * 256, "File name too long"),
        ("é" * 128, "File name too long"),
        ("a/" * 65 + "b", "more than 64 folders"),
        ("file.txt/within", "Not a directory"),
    ],
)
def test_what_names_no_file_is_refused_in_a_sentence(root: Path, named: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        resolve_under(root, named, called="`path`")
    assert said in str(refused.value)
    assert str(root) not in str(refused.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes.")
def test_a_pipe_is_no_file(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(InvalidInput, match="is not a plain file"):
        resolve_under(root, "pipe", called="`path`")
