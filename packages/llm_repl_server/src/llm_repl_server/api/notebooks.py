"""``/api/notebooks``: notebooks as a whole."""

from __future__ import annotations

import unicodedata
import urllib.parse
from typing import Any

from flask import Response
from msgspec import UNSET
from werkzeug.http import dump_options_header

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.api.schemas import (
    DownloadQuery,
    LoadedNotebook,
    LoadFile,
    NewNotebook,
    NotebookAnswer,
    NotebookChange,
    NotebookHeader,
    NotebookList,
    NotebookSummary,
    Saved,
    SaveFile,
    Success,
)

__all__ = ["notebooks"]

notebooks = Resource("notebooks")

_ONE = "/api/notebooks/<notebook:notebook_id>"


@notebooks.operation("GET", "/api/notebooks", answer=NotebookList)
def list_notebooks() -> dict[str, Any]:
    """List all notebooks, in the order in which they were made."""
    return services().loop.call(services().notebooks.list())


@notebooks.operation(
    "POST",
    "/api/notebooks",
    body=NewNotebook,
    echo=(NotebookAnswer, NotebookSummary),
    answer=NotebookHeader,
    status=201,
)
def create_notebook(body: NewNotebook) -> dict[str, Any]:
    """Make an empty notebook."""
    return services().loop.call(services().notebooks.create(body.name))


@notebooks.operation(
    "POST",
    "/api/notebooks/load",
    body=LoadFile,
    body_required=True,
    echo=(Saved,),
    answer=LoadedNotebook,
    status=201,
    errors=(403, 404),
)
def load_notebook(body: LoadFile) -> dict[str, Any]:
    """Load a notebook from a file under the root folder; nothing is overwritten."""
    return services().loop.call(services().notebooks.load(body.filepath))


@notebooks.operation("GET", _ONE, answer=NotebookAnswer, errors=(404,))
def show_notebook(notebook_id: str) -> dict[str, Any]:
    """Show a notebook with its cells."""
    return services().loop.call(services().notebooks.show(notebook_id))


@notebooks.operation(
    "PUT",
    _ONE,
    body=NotebookChange,
    echo=(NotebookAnswer, NotebookSummary),
    answer=NotebookHeader,
    errors=(404,),
)
def change_notebook(notebook_id: str, body: NotebookChange) -> dict[str, Any]:
    """Rename a notebook, or replace its metadata."""
    return services().loop.call(
        services().notebooks.change(
            notebook_id,
            name=None if body.name is UNSET else body.name,
            metadata=None if body.metadata is UNSET else body.metadata,
        )
    )


@notebooks.operation("DELETE", _ONE, answer=Success, errors=(404,))
def delete_notebook(notebook_id: str) -> dict[str, Any]:
    """Delete a notebook and end its kernel."""
    services().loop.call(services().notebooks.delete(notebook_id))
    return {"success": True}


@notebooks.operation(
    "POST", f"{_ONE}/save", body=SaveFile, echo=(Saved,), answer=Saved, errors=(403, 404, 409)
)
def save_notebook(notebook_id: str, body: SaveFile) -> dict[str, Any]:
    """Save a notebook to a file under the root folder."""
    filepath = services().loop.call(services().notebooks.save(notebook_id, body.filepath))
    return {"success": True, "filepath": filepath}


@notebooks.operation("GET", f"{_ONE}/download", query=DownloadQuery, errors=(404,))
def download_notebook(notebook_id: str, query: DownloadQuery) -> Response:
    """Download a notebook as a file of any installed format."""
    file = services().loop.call(services().notebooks.download(notebook_id, query.format))
    return Response(
        file.data,
        mimetype=file.media_type,
        headers={"Content-Disposition": _attachment(file.name)},
    )


def _attachment(name: str) -> str:
    """The header that names a file, in ASCII and, as RFC 6266 has it, in full."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    full = urllib.parse.quote(name, safe="")
    return dump_options_header("attachment", {"filename": plain, "filename*": f"UTF-8''{full}"})
