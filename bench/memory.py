"""How much memory processes take."""

from __future__ import annotations

from pathlib import Path

import psutil

__all__ = ["memory_of", "memory_of_server"]


def memory_of(*pids: int | None) -> float:
    """The proportional set sizes of processes: a page that several share counts as a part."""
    return float(sum(_proportional_set_size(pid) for pid in pids if pid is not None))


def memory_of_server(port: int) -> float:
    """The same of the processes that listen at a port and were started from here."""
    processes = psutil.Process().children(recursive=True)
    return memory_of(*(process.pid for process in processes if _listens(process, port)))


def _listens(process: psutil.Process, port: int) -> bool:
    connections = process.net_connections("tcp")
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )


def _proportional_set_size(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "Pss":
            return int(rest.split()[0]) * 1024
    raise ValueError(f"the system does not say how large process {pid} is")
