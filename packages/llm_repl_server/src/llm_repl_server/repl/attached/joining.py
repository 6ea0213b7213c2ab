"""Joins a notebook of a running server."""

from __future__ import annotations

from llm_repl_core import InvalidInput, NotFound
from llm_repl_server.repl.attached.address import ServerAddress
from llm_repl_server.repl.attached.attached_target import AttachedTarget
from llm_repl_server.repl.attached.mirror import Mirror
from llm_repl_server.repl.attached.rest import Rest

__all__ = ["attach"]


def attach(address: ServerAddress, token: str | None) -> AttachedTarget:
    """Join a notebook of a running server.

    Args:
        address: Which.
        token: What the server asks for; None: nothing.

    Raises:
        ServerUnreachable: Nobody answers.
        NotFound: There is no such notebook.
        InvalidInput: None was named, and there are several.
    """
    rest = Rest(address.base, token)
    try:
        target = AttachedTarget(rest, Mirror(rest, _find_notebook(rest, address.notebook)))
        target.open()
    except BaseException:
        rest.close()
        raise
    return target


def _find_notebook(rest: Rest, wanted: str | None) -> str:
    try:
        notebooks = rest.ask("GET", "notebooks")["notebooks"]
    except NotFound:
        raise NotFound(
            f"There is no LLM-REPL server at {rest.base}: give the address as `llm-repl serve` or "
            "the page shows it."
        ) from None
    found = [
        notebook["id"]
        for notebook in notebooks
        if wanted is None or wanted in (notebook["id"], notebook["name"])
    ]
    if len(found) == 1:
        return str(found[0])
    named = ", ".join(f"`{notebook['name']}`" for notebook in notebooks[:10])
    more = f" and {len(notebooks) - 10} more" if len(notebooks) > 10 else ""
    have = f"it has {named}{more}" if notebooks else "it has none"
    if wanted is None:
        if not notebooks:
            return str(rest.ask("POST", "notebooks", {"name": "Untitled"})["id"])
        raise InvalidInput(f"Say which notebook of {rest.base}: {have}.")
    if found:
        raise InvalidInput(
            f"{len(found)} notebooks of {rest.base} are called `{wanted}`: say its id."
        )
    raise InvalidInput(f"{rest.base} has no notebook `{wanted}`: {have}.")
