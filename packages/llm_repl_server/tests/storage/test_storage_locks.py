"""Processes are told apart by locks that the system takes from the dead."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from llm_repl_core.errors import StorageError
from llm_repl_server.storage import locks as module
from llm_repl_server.storage.locks import LockFile, ProcessLocks


def test_an_owner_lives_until_it_signs_out(tmp_path: Path) -> None:
    folder = tmp_path / "owners"
    ours, theirs = ProcessLocks(folder), ProcessLocks(folder)
    assert not ours.is_alive("nobody")
    assert not folder.exists(), "reading makes nothing"
    name, other = ours.own_name(), theirs.own_name()
    assert name != other
    assert ours.own_name() == name
    assert ours.is_alive(name)
    assert ours.is_alive(other)
    assert theirs.is_alive(name)
    ours.remove_dead()
    assert theirs.is_alive(name)
    theirs.unregister()
    theirs.unregister()
    assert not ours.is_alive(other)
    ours.unregister()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_nobody_else_may_look(tmp_path: Path) -> None:
    owners = ProcessLocks(tmp_path / "owners")
    owners.own_name()
    assert stat.S_IMODE((tmp_path / "owners").stat().st_mode) == 0o700
    owners.unregister()


def test_what_the_dead_left_is_removed(tmp_path: Path) -> None:
    owners = ProcessLocks(tmp_path / "owners")
    owners.remove_dead()
    name = owners.own_name()
    (tmp_path / "owners" / "dead").touch()
    owners.remove_dead()
    assert [path.name for path in (tmp_path / "owners").iterdir()] == [name]
    owners.unregister()


def test_names_lead_nowhere_else(tmp_path: Path) -> None:
    owners = ProcessLocks(tmp_path / "owners")
    lock = LockFile(tmp_path / "secret")
    assert lock.acquire()
    assert not owners.is_alive("../secret")
    lock.release()


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquired: list[Path] = []

    class Robbed(LockFile):
        def acquire(self) -> bool:
            done = super().acquire()
            acquired.append(self.path)
            if len(acquired) < 3:
                self.path.unlink()
            return done

    monkeypatch.setattr(module, "LockFile", Robbed)
    owners = ProcessLocks(tmp_path / "owners")
    assert owners.own_name() == acquired[2].name
    assert owners.is_alive(acquired[2].name)
    owners.unregister()


def test_a_folder_that_cannot_be_made_is_told_of_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "owners").write_text("")
    with pytest.raises(StorageError, match=r"owners cannot be used: .*\.$"):
        ProcessLocks(tmp_path / "owners").own_name()
