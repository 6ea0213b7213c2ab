"""``/api/notebooks``: notebooks as a whole."""

from __future__ import annotations

import unicodedata
import urllib.parse

from flask import Response
from msgspec import UNSET
from werkzeug.http import dump_options_header

from llm_repl_server.api.resource import Resource, idempotency_key, services
from llm_repl_server.api.schemas import (
    CopyNotebook,
    DownloadQuery,
    ImportFile,
    LoadFile,
    NewNotebook,
    NotebookChange,
    OpenFile,
    SaveFile,
)
from llm_repl_server.services.answers import (
    LoadedNotebook,
    NotebookAnswer,
    NotebookHeader,
    NotebookList,
    NotebookSummary,
    OpenedNotebook,
    Saved,
    Success,
)
from llm_repl_server.services.file_status import FileStatus

__all__ = ["notebooks"]

notebooks = Resource("notebooks")

_ONE = "/api/notebooks/<notebook:notebook_id>"


@notebooks.operation("GET", "/api/notebooks")
def list_notebooks() -> NotebookList:
    """List all notebooks, in order of creation."""
    return services().loop.call(services().notebooks.list())


@notebooks.operation("POST", "/api/notebooks", echo=(NotebookAnswer, NotebookSummary), status=201)
def create_notebook(body: NewNotebook) -> NotebookHeader:
    """Create an empty notebook."""
    metadata = None if body.metadata is UNSET else body.metadata
    return services().loop.call(services().notebooks.create(body.name, metadata))


@notebooks.operation(
    "POST", "/api/notebooks/load", body_required=True, echo=(Saved,), status=201, errors=(403, 404)
)
def load_notebook(body: LoadFile) -> LoadedNotebook:
    """Load a notebook from a file under the root folder; nothing is overwritten."""
    return services().loop.call(services().notebooks.load(body.filepath))


@notebooks.operation(
    "POST",
    "/api/notebooks/import",
    body_required=True,
    status=201,
)
def import_notebook(body: ImportFile) -> LoadedNotebook:
    """Make a notebook of the text of a file, as a browser hands it over; nothing is overwritten."""
    return services().loop.call(services().notebooks.import_file(body.filename, body.text))


@notebooks.operation("POST", "/api/notebooks/open", body_required=True, errors=(403, 404))
def open_notebook(body: OpenFile) -> OpenedNotebook:
    """Open a file under the root folder: the notebook lives in it from then on.

    What is edited or run here is written to the file, and what other programs write to the file is
    taken over. The same file gives the same notebook each time.
    """
    return services().loop.call(services().notebook_files.open(body.path))


@notebooks.operation("POST", f"{_ONE}/file/write", errors=(404, 409))
def write_notebook_file(notebook_id: str) -> FileStatus:
    """Write a notebook to its file now, also where that is gone or has become something else."""
    return services().loop.call(services().notebook_files.write(notebook_id))


@notebooks.operation("DELETE", f"{_ONE}/file", errors=(404,))
def release_notebook_file(notebook_id: str) -> Success:
    """Have a notebook live in no file any more; the file stays as it is, and so does the notebook."""
    services().loop.call(services().notebook_files.release(notebook_id))
    return Success(success=True)


@notebooks.operation("GET", _ONE, errors=(404,))
def show_notebook(notebook_id: str) -> NotebookAnswer:
    """Return a notebook with its cells."""
    return services().loop.call(services().notebooks.show(notebook_id))


@notebooks.operation("PUT", _ONE, echo=(NotebookAnswer, NotebookSummary), errors=(404,))
def change_notebook(notebook_id: str, body: NotebookChange) -> NotebookHeader:
    """Rename a notebook, or replace its metadata."""
    return services().loop.call(
        services().notebooks.change(
            notebook_id,
            name=None if body.name is UNSET else body.name,
            metadata=None if body.metadata is UNSET else body.metadata,
        )
    )


@notebooks.operation("DELETE", _ONE, errors=(404,))
def delete_notebook(notebook_id: str) -> Success:
    """Move a notebook into the bin and shut down its kernel."""
    services().loop.call(services().notebooks.delete(notebook_id))
    return Success(success=True)


@notebooks.operation("POST", f"{_ONE}/duplicate", status=201, errors=(404,), idempotent=True)
def duplicate_notebook(notebook_id: str, body: CopyNotebook) -> NotebookHeader:
    """Make a copy of a notebook, with its outputs and its memory.

    With `Idempotency-Key`, a UUID, the copy gets that as its id, and a request that is sent again
    makes no second one.
    """
    name = None if body.name is UNSET else body.name
    return services().loop.call(
        services().notebooks.duplicate(notebook_id, name, new_id=idempotency_key())
    )


@notebooks.operation("POST", f"{_ONE}/save", echo=(Saved,), errors=(403, 404, 409))
def save_notebook(notebook_id: str, body: SaveFile) -> Saved:
    """Save a notebook to a file under the root folder."""
    return services().loop.call(services().notebooks.save(notebook_id, body.filepath))


@notebooks.operation("GET", f"{_ONE}/download", errors=(404,))
def download_notebook(notebook_id: str, query: DownloadQuery) -> Response:
    """Download a notebook as a file, in any installed format."""
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
