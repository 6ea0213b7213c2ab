"""Addresses, host names and origins: which of them mean this very machine."""

from __future__ import annotations

import functools
import ipaddress
import re

from msgspec import Struct

__all__ = [
    "Host",
    "Origin",
    "is_loopback_address",
    "is_loopback_host",
    "is_same_origin",
    "parse_host",
    "parse_origin",
]

_HOST = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253})))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_ORIGIN = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#@\\\s]+)")
# A server meets the same few again and again, and reading an address costs as much as all the rest.
_remembered = functools.lru_cache(maxsize=256)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Host(Struct, frozen=True):
    """What a ``Host`` header names.

    Attributes:
        name: A name in small letters or an address, without brackets.
        port: The port, or None where none is said.
    """

    name: str
    port: int | None


class Origin(Struct, frozen=True):
    """What an ``Origin`` header names.

    Attributes:
        scheme: Such as ``https``, in small letters.
        name: As in `Host`.
        port: The port, the scheme's own where none is said; None for a scheme that has none.
    """

    scheme: str
    name: str
    port: int | None


@_remembered
def parse_host(text: str) -> Host | None:
    """Read a ``Host`` header.

    Returns:
        What it names, or None where it is malformed.
    """
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > 65535:
        return None
    if match["address"]:
        address = _address(match["address"])
        return None if address is None else Host(str(address), port)
    return Host(match["name"].lower().removesuffix("."), port)


@_remembered
def parse_origin(text: str) -> Origin | None:
    """Read an ``Origin`` header.

    Returns:
        What it names, or None for ``null`` and for what is malformed.
    """
    match = _ORIGIN.fullmatch(text)
    host = parse_host(match["host"]) if match else None
    if match is None or host is None:
        return None
    scheme = match["scheme"].lower()
    port = _DEFAULT_PORTS.get(scheme) if host.port is None else host.port
    return Origin(scheme, host.name, port)


def is_same_origin(origin: Origin, host: Host) -> bool:
    """Whether a page of an origin asks the very server that it came from.

    The scheme is not compared: behind a proxy that ends TLS the server does not know its own.
    """
    port = _DEFAULT_PORTS.get(origin.scheme) if host.port is None else host.port
    return (origin.name, origin.port) == (host.name, port) and origin.scheme in _DEFAULT_PORTS


def is_loopback_host(name: str) -> bool:
    """Whether a host's name can only mean this machine.

    Browsers hold ``localhost`` and ``*.localhost`` to the loopback address, so no name server can
    point them, or an address, elsewhere.
    """
    return name == "localhost" or name.endswith(".localhost") or is_loopback_address(name)


@_remembered
def is_loopback_address(text: str) -> bool:
    """Whether an address is 127.0.0.0/8, ``::1``, or the former written as IPv6."""
    address = _address(text)
    if address is None or "%" in text:  # an address of one interface is not the loopback's
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
