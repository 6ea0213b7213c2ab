"""Cuts a forked process off from the world, so that nothing it does reaches anything.

What it inherits is made harmless (files, sockets, shared memory), what it would do to the world is
refused by Python and by the system, and a timer of the system's ends it. Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import importlib
import os
import re
import resource
import signal
import stat
import struct
import sys
from pathlib import Path
from typing import Any, NoReturn

from llm_repl_core.kernels.worker.system_calls import refuse_system_calls

__all__ = ["bind_life", "die_after", "isolate", "refuse_acts"]

_PR_SET_PDEATHSIG = 1
_PROT_READ = 1
_MEMORY_MARGIN_BYTES = 2 * 2**30
"""How much more memory than at the fork it may take: it has a second, but machines are fast."""
_HARMLESS_DEVICES = frozenset({(1, 3), (1, 5), (1, 7), (1, 8), (1, 9)})
"""null, zero, full, random, urandom."""
_SHARED_MEMORY = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) .w.s", re.MULTILINE)

_PROCMAP_QUERY = 0xC0686611
"""Of Linux 6.11 and later, see ``linux/fs.h``."""
_PROCMAP_QUERY_BYTES = 104
_PROCMAP_HEAD = struct.Struct("=5Q")
"""The size, what is asked for, the address to begin at; of the answer: the begin and the end."""
_NEXT_SHARED_AND_WRITABLE = 0x02 | 0x08 | 0x10

# By number, and by the module below `signal`, whose enumerations would have the process copy
# memory that it shares with its parent.
_signal = importlib.import_module("_signal")
_SIGINT, _SIGALRM, _SIGTERM, _SIGKILL = (
    int(number) for number in (signal.SIGINT, signal.SIGALRM, signal.SIGTERM, signal.SIGKILL)
)
_SIG_IGN, _SIG_DFL, _SIG_SETMASK = int(signal.SIG_IGN), int(signal.SIG_DFL), int(signal.SIG_SETMASK)
_ITIMER_REAL = int(signal.ITIMER_REAL)

_libc = ctypes.CDLL(None)
_prctl, _mprotect = _libc.prctl, _libc.mprotect
_mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

_REFUSED = (
    "ctypes.", "fcntl.", "ftplib.", "http.client.", "imaplib.", "nntplib.", "os.", "poplib.",
    "pty.", "resource.", "shutil.", "signal.", "smtplib.", "socket.", "sqlite3.connect",
    "subprocess.", "sys.addaudithook", "syslog.", "telnetlib.", "tempfile.", "urllib.",
    "webbrowser.",
)  # fmt: skip
"""What begins like this, and is not among the following, is an act on the world."""
_ALLOWED = frozenset({
    "ctypes.addressof", "ctypes.cdata", "ctypes.cdata/buffer", "ctypes.create_string_buffer",
    "ctypes.create_unicode_buffer", "ctypes.get_errno", "ctypes.set_errno", "ctypes.string_at",
    "ctypes.wstring_at", "os.chdir", "os.fwalk", "os.getxattr", "os.listdir", "os.listxattr",
    "os.putenv", "os.scandir", "os.unsetenv", "os.walk", "resource.getrlimit", "socket.gethostname",
    "signal.getitimer", "sqlite3.connect/handle",
})  # fmt: skip
"""They look, or change what is this process's own."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def bind_life(parent: int, lifetime_s: float) -> None:
    """Have a process that has just been forked end with its parent, or after a time.

    Args:
        parent: The process that has forked it.
        lifetime_s: After which it is ended, unless `die_after` is called again.
    """
    # Who interrupts the parent's group does not mean this one.
    os.setpgid(0, 0)
    _signal.set_wakeup_fd(-1)
    _signal.signal(_SIGINT, _SIG_IGN)
    _signal.signal(_SIGALRM, _SIG_DFL)
    _signal.signal(_SIGTERM, _SIG_DFL)
    _signal.pthread_sigmask(_SIG_SETMASK, ())
    die_after(lifetime_s)
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def die_after(seconds: float) -> None:
    """Have the system end this process then, whatever it does, unless this is called again."""
    _signal.setitimer(_ITIMER_REAL, seconds)


def isolate(keep: int) -> None:
    """Cut this process off from what it has inherited; `refuse_acts` does the rest.

    Args:
        keep: The one descriptor that stays as it is.
    """
    # Writing would copy the pages that are shared with the parent.
    gc.disable()
    _be_first_without_memory()
    _replace_descriptors(keep)
    _protect_shared_memory()
    _limit()


def refuse_acts() -> None:
    """Refuse from now on, and for good, what acts on the world."""
    # The system's refusals are for all code; the hook's say why, and are there on every machine.
    refuse_system_calls()
    sys.addaudithook(_refuse)


def _be_first_without_memory() -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(descriptor, b"1000")
        os.close(descriptor)


def _replace_descriptors(keep: int) -> None:
    """Put something in the place of all descriptors by which the world can be reached.

    They are shared with the parent, with their positions. On a descriptor of ``O_PATH`` nothing
    can be read or written.
    """
    null = os.open(os.devnull, os.O_RDWR)
    dead = os.open("/", os.O_PATH)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  a third of the time
        descriptor = int(name)
        if descriptor in (keep, null, dead):
            continue
        try:
            if descriptor <= 2:
                os.dup2(null, descriptor)
                continue
            # Its name takes less than its status, and most are sockets and pipes.
            is_path = os.readlink(f"/proc/self/fd/{name}").startswith("/")  # noqa: PTH115
            reopened = _reopened(descriptor) if is_path else None
        except OSError:
            reopened = None
        with contextlib.suppress(OSError):  # that of the listing is closed already
            os.dup2(dead if reopened is None else reopened, descriptor, inheritable=False)
        if reopened is not None:
            os.close(reopened)
    os.close(null)
    os.close(dead)


def _reopened(descriptor: int) -> int | None:
    """The same file, with a position of its own, for reading; None: it can't be had."""
    status = os.fstat(descriptor)
    is_file = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    if not is_file and not _is_harmless_device(status):
        return None
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
        return None
    reopened = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.lseek(reopened, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
    return reopened


def _is_harmless_device(status: os.stat_result) -> bool:
    return (
        stat.S_ISCHR(status.st_mode)
        and (os.major(status.st_rdev), os.minor(status.st_rdev)) in _HARMLESS_DEVICES
    )


def _protect_shared_memory() -> None:
    """Let memory that other processes see be read only: who writes there ends this process.

    That goes for files that are mapped to be changed, for what `multiprocessing` shares (its
    locks, too), and for the memory of devices.
    """
    for begin, end in _shared_memory():
        _mprotect(begin, end - begin, _PROT_READ)


def _shared_memory() -> list[tuple[int, int]]:
    """The addresses of memory that is shared and can be written."""
    try:
        return _asked_shared_memory()
    except OSError:  # Linux before 6.11
        maps = Path("/proc/self/maps").read_bytes()
        return [
            (int(segment[1], 16), int(segment[2], 16)) for segment in _SHARED_MEMORY.finditer(maps)
        ]


def _asked_shared_memory() -> list[tuple[int, int]]:
    """The same, without the text of all mappings, of which libraries make a thousand.

    Raises:
        OSError: The system does not know the question.
    """
    found: list[tuple[int, int]] = []
    maps = os.open("/proc/self/maps", os.O_RDONLY)
    try:
        query = bytearray(_PROCMAP_QUERY_BYTES)
        begin = end = 0
        while True:
            _PROCMAP_HEAD.pack_into(query, 0, len(query), _NEXT_SHARED_AND_WRITABLE, end, 0, 0)
            try:
                fcntl.ioctl(maps, _PROCMAP_QUERY, query)
            except OSError as error:
                if error.errno == errno.ENOENT:  # there is no further one
                    return found
                raise
            *_, begin, end = _PROCMAP_HEAD.unpack_from(query)
            found.append((begin, end))
    finally:
        os.close(maps)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):
        sizes = os.open("/proc/self/statm", os.O_RDONLY)
        data_pages = int(os.read(sizes, 1000).split()[5])
        os.close(sizes)
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = data_pages * resource.getpagesize() + _MEMORY_MARGIN_BYTES
        if soft == resource.RLIM_INFINITY or soft > most:
            resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        _check_open(*arguments)
    elif event.startswith(_REFUSED) and event not in _ALLOWED:
        _raise_refusal(f"`{event}`")


def _check_open(path: Any, mode: Any, flags: Any) -> None:
    if (isinstance(flags, int) and flags & _WRITING) or (
        isinstance(mode, str) and not set(mode).isdisjoint("wax+")
    ):
        _raise_refusal(f"Writing {path!r:.200}")
    try:
        status = os.stat(path)  # noqa: PTH116  it may be a number
    except (OSError, ValueError, TypeError):
        return  # it can't be opened, or is not there
    if not (
        stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or _is_harmless_device(status)
    ):
        # To read from it takes away what others were to read.
        _raise_refusal(f"Reading {path!r:.200}")


def _raise_refusal(what: str) -> NoReturn:
    raise PermissionError(f"{what} is refused while a prompt is only looked at ahead.")
