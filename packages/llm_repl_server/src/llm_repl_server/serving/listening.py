"""Taking a port, or saying in one sentence why that cannot be."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from typing import Any

from llm_repl_core.errors import Conflict, InvalidSetting

__all__ = ["Address", "listen", "local_url"]

BACKLOG = 2048

#: A family and a socket address, as `socket.getaddrinfo` has them.
Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def listen(host: str, port: int) -> list[socket.socket]:
    """Take a port of this machine, on every address that a host name stands for.

    Args:
        host: A name or an address of this machine; ``0.0.0.0`` and ``::`` are all of them.
        port: From 0 to 65535; 0 takes any free one.

    Returns:
        The sockets, listening; the one of IPv4 first.

    Raises:
        InvalidSetting: The host is not this machine's, or the port needs more rights.
        Conflict: Another program has the port.
    """
    if not 0 <= port <= 65535:
        raise InvalidSetting(f"port: {port} is not a port; give one from 1 to 65535, or 0 for any.")
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as on_failure:
        failure: OSError | None = None
        for family, address in _resolve(host, port):
            try:
                sockets.append(on_failure.enter_context(_bind(family, address)))
            except OSError as error:
                # `localhost` stands for ::1 also where there is no IPv6.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise _explain(error, host, port) from error
                failure = error
                continue
            if port == 0:
                break  # the other addresses would get other ports
        if not sockets and failure is not None:
            raise _explain(failure, host, port) from failure
        on_failure.pop_all()
    return sockets


def local_url(sockets: list[socket.socket]) -> str:
    """The address that a browser on this machine opens."""
    host, port = sockets[0].getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(
            host or "0.0.0.0",  # noqa: S104 - an empty host means all addresses, as in gunicorn
            port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
    except (OSError, UnicodeError) as error:
        raise _explain(error, host, port) from error
    addresses = {(family, address) for family, _, _, _, address in found}
    return sorted(addresses, key=lambda pair: (pair[0] != socket.AF_INET, pair[1]))


def _bind(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without it, a server that is started again finds its port taken for a minute.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            only_v6 = address[0] != "::"  # all addresses are IPv4's too
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_v6)
        bound.bind(address)
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _explain(error: Exception, host: str, port: int) -> Conflict | InvalidSetting:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return Conflict(
            f"Port {port} of {host} is in use by another program: stop that, "
            "or choose another port with --port."
        )
    if number in (errno.EACCES, errno.EPERM):
        return InvalidSetting(
            f"port: this user may not take port {port}; choose one above 1023 with --port."
        )
    return InvalidSetting(
        f"host: {host!r} is not an address of this machine; --host 127.0.0.1 is this machine only, "
        "--host 0.0.0.0 all its addresses."
    )
