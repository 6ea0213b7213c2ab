"""Has Linux refuse, to this process, the system calls by which something could reach the world.

A filter of seccomp, which also holds for code that is not Python: extension modules, ``ctypes``. It
is only for machines of the two kinds that the tables are for; elsewhere there is none.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
from collections.abc import Sequence

__all__ = ["refuse_system_calls"]

# By name: the numbers on x86_64 and aarch64; -1: there is no such call.
_REFUSED: dict[str, tuple[int, int]] = {
    # Files and folders
    "creat": (85, -1), "truncate": (76, 45), "ftruncate": (77, 46), "fallocate": (285, 47),
    "rename": (82, -1), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, -1),
    "mkdirat": (258, 34), "rmdir": (84, -1), "link": (86, -1), "linkat": (265, 37),
    "unlink": (87, -1), "unlinkat": (263, 35), "symlink": (88, -1), "symlinkat": (266, 36),
    "mknod": (133, -1), "mknodat": (259, 33), "chmod": (90, -1), "fchmod": (91, 52),
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, -1), "fchown": (93, 55),
    "lchown": (94, -1), "fchownat": (260, 54), "utime": (132, -1), "utimes": (235, -1),
    "futimesat": (261, -1), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "setxattrat": (463, 463), "removexattrat": (466, 466),
    "flock": (73, 32), "open_by_handle_at": (304, 265),
    # Processes
    "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "ptrace": (101, 117), "process_vm_writev": (311, 271), "setpriority": (141, 140),
    "ioprio_set": (251, 30), "unshare": (272, 97), "setns": (308, 268),
    # What processes share
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190),
    "semop": (65, 193), "semtimedop": (220, 192), "semctl": (66, 191), "msgget": (68, 186),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    "mq_unlink": (241, 181), "mq_timedsend": (242, 182), "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219),
    # The machine
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142),
    "sethostname": (170, 161), "setdomainname": (171, 162), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "acct": (163, 89), "quotactl": (179, 60), "bpf": (321, 280),
}  # fmt: skip
_UNKNOWN = {"openat2": (437, 437), "clone3": (435, 435), "io_uring_setup": (425, 425)}
"""They can't be looked into; who is told that there are none uses older ones."""
_OPEN, _OPENAT, _CLONE = (2, -1), (257, 56), (56, 220)
_TGKILL, _FCNTL, _PRLIMIT = (234, 131), (72, 25), (302, 261)

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CLONE_THREAD = 0x10000
_LOCKS_AND_OWNERS = (6, 7, 8, 10, 15, 37, 38, 1024, 1026, 1031)
"""Of ``fcntl``: locks of files, who is sent signals, leases, notices, sizes of pipes."""

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000
_OWN_PROCESS = struct.pack("=I", 0xFEDCBA98)

_LOAD, _JUMP, _RETURN = 0x20, 0x05, 0x06
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_INSTRUCTION = struct.Struct("=HBBI")
_Instruction = tuple[int, int, int, int]
"""What to do, how far to jump where it holds and where not, and an operand."""
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38

_prctl = ctypes.CDLL(None).prctl


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_system_calls() -> bool:
    """Refuse them from now on, for good.

    Returns:
        Whether the system does.
    """
    code = _code()
    if not code:
        return False
    code = code.replace(_OWN_PROCESS, struct.pack("=I", os.getpid()))
    program = _Program(len(code) // _INSTRUCTION.size, code)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    set_filter = _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
    return bool(set_filter == 0)


@functools.cache
def _code() -> bytes:
    """The filter, with `_OWN_PROCESS` where the process's number goes; empty on other machines."""
    machine = _MACHINES.get(os.uname().machine)
    if machine is None:
        return b""
    (own,) = struct.unpack("=I", _OWN_PROCESS)
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in _filter(*machine, own))


def _filter(column: int, machine: int, pid: int) -> list[_Instruction]:
    """The instructions: the number of a call is looked for by halves.

    Linux runs them for each number that there is when the filter is set, so that a list that is
    gone through would take longer than all else that a fork needs.
    """
    refusal, unknown = (_RETURN, 0, 0, _ERROR | errno.EPERM), (_RETURN, 0, 0, _ERROR | errno.ENOSYS)
    permission = (_RETURN, 0, 0, _ALLOW)

    def unless(
        argument: int, tests: Sequence[tuple[int, int]], *, found: bool
    ) -> list[_Instruction]:
        """Refuse a call where one of the tests of an argument holds, or where none does."""
        body = [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)]
        for test, operand in tests:
            body += [(test, 0, 1, operand), refusal if found else permission]
        return [*body, permission if found else refusal]

    locks = [(_IF_EQUAL, command) for command in _LOCKS_AND_OWNERS]
    answers = {
        **{numbers[column]: [refusal] for numbers in _REFUSED.values()},
        **{numbers[column]: [unknown] for numbers in _UNKNOWN.values()},
        _OPEN[column]: unless(1, [(_IF_ANY_BIT, _WRITING)], found=True),
        _OPENAT[column]: unless(2, [(_IF_ANY_BIT, _WRITING)], found=True),
        _FCNTL[column]: unless(1, locks, found=True),
        _CLONE[column]: unless(0, [(_IF_ANY_BIT, _CLONE_THREAD)], found=False),
        _TGKILL[column]: unless(0, [(_IF_EQUAL, pid)], found=False),
        _PRLIMIT[column]: unless(0, [(_IF_EQUAL, 0)], found=False),
        _X32_BIT: [refusal],
    }
    answers.pop(-1, None)  # there is no such call
    ranges: list[tuple[int, list[_Instruction]]] = [(0, [permission])]
    for number in sorted(answers):
        for first, answer in ((number, answers[number]), (number + 1, [permission])):
            if ranges[-1][0] == first:
                ranges.pop()
            if not ranges or ranges[-1][1] != answer:
                ranges.append((first, answer))
    # From this bit on all are refused.
    assert ranges.pop() == (_X32_BIT + 1, [permission])
    return [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IF_EQUAL, 1, 0, machine),
        refusal,
        (_LOAD, 0, 0, _NUMBER_AT),
        *_search(ranges),
    ]


def _search(ranges: Sequence[tuple[int, list[_Instruction]]]) -> list[_Instruction]:
    """What answers by the range that a number is in.

    Args:
        ranges: The first number of each, rising, and what answers.
    """
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    # A conditional jump reaches 255 instructions.
    jump = [(_IF_AT_LEAST, 0, 1, ranges[middle][0]), (_JUMP, 0, 0, len(below))]
    if len(below) <= 255:
        jump = [(_IF_AT_LEAST, len(below), 0, ranges[middle][0])]
    return [*jump, *below, *above]


_code()  # made once, and not in each process that is forked
