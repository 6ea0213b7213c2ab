"""Files: replaced whole or not at all, and never waited for."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from llm_repl_core.errors import FileMissing, StorageError, TooLarge
from llm_repl_core.files import read_bytes, write_atomically

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and pipes of POSIX")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_new_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.llmn"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == ["a.llmn"]


def test_a_path_may_be_text_and_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("a", b"new")
    assert read_bytes("a", 3) == b"new"


@posix
def test_a_new_file_has_the_default_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "a") == 0o640


@posix
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_a_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomically(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", mode)


@posix
def test_permissions_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_atomically(path, b"new", mode=0o600)
    assert mode_of(path) == 0o600


@posix
@pytest.mark.parametrize("mode", [None, 0o600])
def test_what_is_private_is_private_from_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen = []
    opened = os.open

    def watch(name: str | Path, flags: int, mode: int = 0o777) -> int:
        descriptor = opened(name, flags, mode)
        if flags & os.O_CREAT:
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", watch)
    write_atomically(path, b"new", mode=mode)
    assert seen == [0o600]


@posix
def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names_in(tmp_path / "there") == ["a"]


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod", "write"])
def test_when_a_step_fails_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif step == "write":
        monkeypatch.setattr(os, "fdopen", fail)
    else:
        monkeypatch.setattr(Path, step, fail)
    with pytest.raises(StorageError, match="could not be written: No space left on device"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_an_interrupt_leaves_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"new")
    assert names_in(tmp_path) == []


@posix
def test_the_data_is_durable_before_it_takes_the_place_and_the_place_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watch_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else "file")
        fsync(descriptor)

    def watch_replace(path: Path, target: Path) -> Path:
        steps.append(f"{path.name[:10]} becomes {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watch_fsync)
    monkeypatch.setattr(Path, "replace", watch_replace)
    write_atomically(tmp_path / "a", b"new")
    assert steps == ["file", ".llm-repl- becomes a", "folder"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="its folder does not exist"):
        write_atomically(tmp_path / "no" / "a", b"")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileMissing, match="its folder does not exist"):
        write_atomically(tmp_path / "file" / "a", b"")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a folder; name a file"):
        write_atomically(tmp_path, b"")
    with pytest.raises(StorageError, match="is a folder; name a file"):
        read_bytes(tmp_path, 10)


@posix
def test_a_read_only_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    # Root may write everything: what others are told is what is tested.
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(StorageError, match="the file is read-only"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


@posix
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_pipes_and_devices_are_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "special"
    listener = None
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
    try:
        with pytest.raises(StorageError):
            read_bytes(path, 10)
        with pytest.raises(StorageError, match="is a pipe or a device"):
            write_atomically(path, b"")
    finally:
        if listener is not None:
            listener.close()


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(TooLarge, match="larger than the limit of 4 bytes"):
        read_bytes(path, 4)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files of /proc say size 0")
def test_a_file_that_says_a_smaller_size_is_still_limited() -> None:
    with pytest.raises(TooLarge):
        read_bytes("/proc/self/status", 5)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match=r"There is no file .*nothing"):
        read_bytes(tmp_path / "nothing", 10)
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(FileMissing):
        read_bytes(tmp_path / "a" / "b", 10)


@pytest.mark.parametrize("name", ["a\x00b", "x" * 300])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError):
        write_atomically(tmp_path / name, b"")
    with pytest.raises(StorageError):
        read_bytes(tmp_path / name, 10)


@posix
def test_a_message_can_be_printed_whatever_the_name(tmp_path: Path) -> None:
    with pytest.raises(FileMissing) as raised:
        read_bytes(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"), 10)
    str(raised.value).encode()
