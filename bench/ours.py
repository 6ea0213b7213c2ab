"""Our server, started by its command, and what a client does with it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.http_client import HTTPClient
from bench.programs import command, free_port, running

__all__ = ["add_code", "create_notebook", "execute", "execute_path", "our_server"]


@contextmanager
def our_server() -> Iterator[int]:
    """The server with an empty database of its own; gives its port."""
    port = free_port()
    before = os.environ["LLM_REPL_DATA_DIR"]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="bench-data-", ignore_cleanup_errors=True)
        )
        os.environ["LLM_REPL_DATA_DIR"] = folder
        try:
            arguments = [command("llm-repl"), "serve", "--port", str(port), "--root", folder]
            stack.enter_context(running(arguments, port=port))
        finally:
            os.environ["LLM_REPL_DATA_DIR"] = before
        yield port


def create_notebook(client: HTTPClient) -> str:
    """A new notebook's id."""
    notebook_id: str = client.ask("POST", "/api/notebooks", {})["id"]
    return notebook_id


def add_code(client: HTTPClient, notebook_id: str, code: str) -> str:
    """A new code cell's id."""
    cell: dict[str, Any] = client.ask(
        "POST", f"/api/notebooks/{notebook_id}/cells", {"type": "code", "content": code}
    )
    cell_id: str = cell["id"]
    return cell_id


def execute_path(notebook_id: str, cell_id: str) -> str:
    """Where a cell is executed."""
    return f"/api/notebooks/{notebook_id}/cells/{cell_id}/execute"


def execute(client: HTTPClient, notebook_id: str, cell_id: str) -> dict[str, Any]:
    """Execute a cell.

    Raises:
        RuntimeError: It did not complete.
    """
    answer: dict[str, Any] = client.ask("POST", execute_path(notebook_id, cell_id))
    if answer["status"] != "completed":
        raise RuntimeError(f"the cell ended as {answer['status']}: {answer['outputs']}")
    return answer
