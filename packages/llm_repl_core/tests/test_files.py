"""Files: replaced whole or not at all, and never waited for."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from llm_repl_core import leftovers
from llm_repl_core.errors import Conflict, FileMissing, Forbidden, StorageError, TooLarge
from llm_repl_core.files import (
    NO_FILE,
    _folder,
    _reading,
    file_signature,
    read_bytes,
    read_given,
    refuse_unwritable,
    write_atomically,
)

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

    def watch(name: str | Path, flags: int, mode: int = 0o777, **options: Any) -> int:
        descriptor = opened(name, flags, mode, **options)
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


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod", "write"])
def test_when_a_step_fails_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdopen" if step == "write" else step, fail)
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


CALLS = ("open", "stat", "fstat", "access", "fsync", "link", "replace", "unlink")


@posix
@pytest.mark.parametrize("how", ["in_place", "replaced"])
@pytest.mark.parametrize("before", [b"old", None])
def test_what_another_program_writes_meanwhile_is_there_and_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, before: bytes | None
) -> None:
    """Whichever call into the system it is ahead of."""
    path, theirs = tmp_path / "a", tmp_path / "theirs"

    def write_theirs() -> None:
        if how == "in_place":
            path.write_bytes(b"by another program")
        else:
            theirs.write_bytes(b"by another program")
            os.rename(theirs, path)  # noqa: PTH104  # not one of the calls that are watched

    def write_beside(number: int) -> tuple[str, str]:
        """What happened where it writes ahead of a call; and the call."""
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        seen = file_signature(path)
        calls: list[str] = []

        def watched(name: str) -> Any:
            call = getattr(os, name)

            def watch(*arguments: Any, **options: Any) -> Any:
                calls.append(name)
                if len(calls) == number:
                    write_theirs()
                return call(*arguments, **options)

            return watch

        with monkeypatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, watched(name))
            try:
                written = write_atomically(path, b"by us", expected=seen)
            except Conflict:
                outcome = "refused"
            else:
                outcome = "written"
        if len(calls) < number:
            return "not reached", ""
        call = calls[number - 1]
        if outcome == "written" and (how, call) != ("replaced", "replace"):
            assert file_signature(path) != written
        return outcome, call

    outcomes = []
    for number in range(1, 100):
        outcome, call = write_beside(number)
        if outcome == "not reached":
            break
        outcomes.append(outcome)
        assert names_in(tmp_path) == ["a"], f"{number}: {call}"
        if (how, call) == ("replaced", "replace"):
            continue  # no call replaces a file on a condition
        assert path.read_bytes() == b"by another program", f"{number}: {call}"
    assert {"refused", "written"} <= set(outcomes)


@posix
def test_what_another_program_writes_into_a_file_that_is_written_in_place_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    seen = file_signature(path)

    def write_theirs(*arguments: object, **options: object) -> None:
        path.write_bytes(b"by another program")
        raise OSError(errno.EBUSY, "Device or resource busy")  # as of a file that is mounted there

    monkeypatch.setattr(os, "replace", write_theirs)
    with pytest.raises(Conflict):
        write_atomically(path, b"by us", expected=seen)
    assert path.read_bytes() == b"by another program"
    assert names_in(tmp_path) == ["a"]


def test_a_file_is_replaced_where_it_is_as_expected(tmp_path: Path) -> None:
    path = tmp_path / "a"
    first = write_atomically(path, b"1", expected=NO_FILE)
    assert first == file_signature(path)
    second = write_atomically(path, b"2", expected=first)
    assert second == file_signature(path) != first
    for expected in (first, NO_FILE):
        with pytest.raises(Conflict, match="was changed by another program"):
            write_atomically(path, b"3", expected=expected)
    os.link(path, tmp_path / "b")
    with pytest.raises(Conflict):
        write_atomically(path, b"3", expected=second)
    third = write_atomically(path, b"3", expected=file_signature(path))
    assert third == file_signature(path)
    assert (tmp_path / "b").read_bytes() == b"3"


@posix
@pytest.mark.parametrize("before", [b"old", None])
def test_without_hard_links_a_file_is_replaced_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes | None
) -> None:
    path = tmp_path / "a"
    if before is not None:
        path.write_bytes(before)

    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    written = write_atomically(path, b"new", expected=file_signature(path))
    assert (path.read_bytes(), written) == (b"new", file_signature(path))
    assert names_in(tmp_path) == ["a"]


@posix
def test_the_data_is_durable_before_it_takes_the_place_and_the_place_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watch_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else "file")
        fsync(descriptor)

    def watch_replace(name: str, other: str, **options: Any) -> None:
        steps.append(f"{name[:10]} becomes {other}")
        replace(name, other, **options)

    monkeypatch.setattr(os, "fsync", watch_fsync)
    monkeypatch.setattr(os, "replace", watch_replace)
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
    monkeypatch.setattr(os, "access", lambda *args, **options: False)
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


def test_what_a_program_writes_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    # A pipe can be opened for both without waiting for another end.
    with os.fdopen(os.open(path, os.O_RDWR), "r+b", buffering=0) as writer:
        writer.write(b"first ")

        def go_on() -> None:
            writer.write(b"x" * 50_000)
            writer.close()

        going_on = threading.Timer(0.1, go_on)
        going_on.start()
        assert read_given(path, 100_000) == b"first " + b"x" * 50_000
        going_on.join()


def test_what_ends_can_be_given(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"x" * 200_000)
    assert read_given(plain, 200_000) == b"x" * 200_000
    assert read_given("/dev/null", 10) == b""
    script = "from llm_repl_core.files import read_given; print(read_given('/dev/stdin', 9))"
    ended = subprocess.run(
        [sys.executable, "-c", script], input=b"of a pipe", capture_output=True, check=True
    )
    assert ended.stdout == b"b'of a pipe'\n"


def test_what_does_not_end_or_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(StorageError, match="pipe is a pipe to which nothing is written"):
        read_given(pipe, 10)
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # the path of a socket must be short
        listener.bind("socket")
        with pytest.raises(StorageError, match="socket could not be read"):
            read_given("socket", 10)
    with pytest.raises(StorageError, match="is a folder"):
        read_given(tmp_path, 10)
    with pytest.raises(TooLarge, match="/dev/zero is larger than the limit of 1,000 bytes"):
        read_given("/dev/zero", 1_000)
    with pytest.raises(FileMissing, match="There is no file"):
        read_given(tmp_path / "none", 10)
    monkeypatch.setattr(_reading, "_PATIENCE_S", 0.05)
    with (
        os.fdopen(os.open(pipe, os.O_RDWR), "r+b", buffering=0),
        pytest.raises(StorageError, match="its writer says nothing"),
    ):
        read_given(pipe, 10)


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


# Files that cannot be replaced --------------------------------------------------------------------


@posix
def test_the_other_names_of_a_file_have_the_new_content_too(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"old and long")
    path.chmod(0o640)
    other.hardlink_to(path)
    write_atomically(path, b"new")
    assert other.read_bytes() == b"new"
    assert (mode_of(path), path.stat().st_nlink) == (0o640, 2)
    assert sorted(names_in(tmp_path)) == ["a", "b"]


@posix
@pytest.mark.parametrize("code", [errno.EBUSY, errno.EXDEV, errno.EPERM])
def test_a_file_that_cannot_be_replaced_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    before = path.stat().st_ino

    def refuse(*args: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", refuse)
    refuse_unwritable(path)
    write_atomically(path, b"new and longer")
    assert (path.read_bytes(), path.stat().st_ino) == (b"new and longer", before)
    assert names_in(tmp_path) == ["a"]
    with pytest.raises(StorageError):
        write_atomically(tmp_path / "b", b"a new one has nothing to be written into")


@posix
@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_file_in_a_folder_in_which_none_can_be_made_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    opened = os.open

    def refuse(name: str, flags: int, *args: Any, **options: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(code, os.strerror(code))
        return opened(name, flags, *args, **options)

    monkeypatch.setattr(os, "open", refuse)
    refuse_unwritable(path)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    with pytest.raises(StorageError):
        refuse_unwritable(tmp_path / "b")


@posix
def test_a_file_of_somebody_else_keeps_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    before = path.stat().st_ino
    stat_ = os.stat

    def of_another(*args: Any, **options: Any) -> os.stat_result:
        found = list(stat_(*args, **options))
        found[stat.ST_UID] += 1
        return os.stat_result(found)

    def refuse(*args: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "stat", of_another)
    monkeypatch.setattr(os, "fchown", refuse)
    write_atomically(path, b"new")
    monkeypatch.undo()
    assert (path.read_bytes(), path.stat().st_ino) == (b"new", before)


@posix
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_root_leaves_the_owner_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    path.chmod(0o640)
    write_atomically(path, b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode_of(path)) == (12345, 23456, 0o640)


@posix
@pytest.mark.parametrize("step", ["write", "fsync", "ftruncate", "posix_fallocate"])
def test_what_cannot_be_written_in_place_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    if not hasattr(os, step):
        pytest.skip("this system has no such call")
    path = tmp_path / "a"
    path.write_bytes(b"old")
    (tmp_path / "b").hardlink_to(path)
    original, calls = getattr(os, step), []

    def fail_once(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*args)

    monkeypatch.setattr(os, step, fail_once)
    with pytest.raises(StorageError, match="No space left on device"):
        write_atomically(path, b"new and longer")
    monkeypatch.undo()
    assert calls
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts as Linux makes them")
def test_a_file_that_is_mounted_into_a_container_is_written(tmp_path: Path) -> None:
    """The real thing: a bind mount in a namespace of its own."""
    (tmp_path / "outside").write_bytes(b"old")
    (tmp_path / "inside").write_bytes(b"")
    code = (
        "import sys; from llm_repl_core.files import refuse_unwritable, write_atomically\n"
        "refuse_unwritable(sys.argv[1]); write_atomically(sys.argv[1], b'new')"
    )
    script = 'mount --bind outside inside && exec "$0" -c "$1" inside'
    unshare = ["unshare", "--mount", "--map-root-user"]
    probe = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("no namespaces here")
    done = subprocess.run(
        [*unshare, "sh", "-c", script, sys.executable, code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "mount" in done.stderr and "denied" in done.stderr:
        pytest.skip("no mounts here")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outside").read_bytes() == b"new"
    assert sorted(names_in(tmp_path)) == ["inside", "outside"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def full(name: str, flags: int, *args: Any, **options: Any) -> int:
        if flags & os.O_CREAT:
            return opened("/dev/full", os.O_WRONLY)
        return opened(name, flags, *args, **options)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StorageError, match="No space left on device"):
        refuse_unwritable(tmp_path / "a")


# Files under a folder ------------------------------------------------------------------------------


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c"
    write_atomically(path, b"new", under=tmp_path)
    assert read_bytes(path, 3, under=tmp_path) == b"new"
    with pytest.raises(FileMissing, match=r"^There is no file a/d/e\.$"):
        read_bytes(tmp_path / "a" / "d" / "e", 3, under=tmp_path)


@posix
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_link_that_came_after_the_check_is_not_followed(tmp_path: Path, what: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "x").write_bytes(b"secret")
    if what == "folder":
        path = root / "f" / "x"
        (root / "f").symlink_to(outside)
    else:
        path = root / "x"
        path.symlink_to(outside / "x")
    with pytest.raises(Forbidden, match="leads out of the root folder"):
        read_bytes(path, 10, under=root)
    with pytest.raises(Forbidden, match="leads out of the root folder"):
        write_atomically(path, b"new", under=root)
    assert (outside / "x").read_bytes() == b"secret"
    assert names_in(outside) == ["x"]


@posix
def test_without_the_calls_for_it_paths_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_folder, "_WITHIN", False)
    path = tmp_path / "a" / "b"
    write_atomically(path, b"new", under=tmp_path)
    write_atomically(path, b"newer", under=tmp_path)
    assert read_bytes(path, 5, under=tmp_path) == b"newer"
    assert names_in(tmp_path / "a") == ["b"]
    with pytest.raises(FileMissing):
        write_atomically(tmp_path / "no" / "b", b"")


def test_half_written_files_of_killed_processes_are_swept(tmp_path: Path) -> None:
    long_ago = time.time() - 3600
    left, fresh, other = (
        tmp_path / name for name in (".llm-repl-0.tmp", ".llm-repl-1.tmp", "x.tmp")
    )
    for path in (left, fresh, other):
        path.write_bytes(b"half")
    in_use = (tmp_path / ".llm-repl-2.tmp").open("wb")
    leftovers.mark_in_use(in_use.fileno())
    for path in (left, other, Path(in_use.name)):
        os.utime(path, (long_ago, long_ago))
    write_atomically(tmp_path / "n.llmn", b"whole")
    assert not left.exists()
    assert fresh.exists()
    assert other.exists()
    assert Path(in_use.name).exists()
    in_use.close()
    leftovers.sweep(tmp_path, leftovers.TEMPORARY_FILES)
    assert not Path(in_use.name).exists()
    assert (tmp_path / "n.llmn").read_bytes() == b"whole"
