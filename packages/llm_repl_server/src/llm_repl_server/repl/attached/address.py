"""Which server, and which notebook of it, is meant by what somebody types."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

from llm_repl_core import InvalidInput

__all__ = ["ServerAddress", "parse_address"]

_NOTEBOOK = re.compile(r"(?:^|/)notebooks/([^/?#]+)")


class ServerAddress(Struct, frozen=True):
    """A server, and a notebook of it.

    Attributes:
        base: Where the server is: ``http://127.0.0.1:5000``, with the path under which it lives.
        notebook: A notebook's id or name; None: none was named.
    """

    base: str
    notebook: str | None = None


def parse_address(text: str, default_base: str) -> ServerAddress:
    """Read what was typed.

    Args:
        text: A server's address, a notebook's address as the page or the API has it, or a notebook's
            id or name.
        default_base: The server that is meant where only a notebook is named.

    Raises:
        InvalidInput: It is an address of something else.

    Example:
        >>> parse_address("http://127.0.0.1:5000/#/notebooks/4f1a", "")
        ServerAddress(base='http://127.0.0.1:5000', notebook='4f1a')
    """
    if "://" not in text:
        return ServerAddress(default_base, text)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no address: {error}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInput(
            f"{text!r} is not a server's address: it begins with http:// or https://, as "
            "`llm-repl serve` prints it."
        )
    path = parts.path
    found = _NOTEBOOK.search(parts.fragment) or _NOTEBOOK.search(path)
    if found is not None and found.string == path:
        path = path[: found.start()].removesuffix("/api")
    return ServerAddress(
        f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}", found[1] if found else None
    )
