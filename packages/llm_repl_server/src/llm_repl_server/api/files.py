"""``/api/files``: files under the root folder, for notebooks' code and attachments."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.services.files import FileListing, KeptFile
from llm_repl_server.services.tables import Reading

__all__ = ["files"]

files = Resource("files")


class FolderQuery(Struct):
    """Which folder to list."""

    folder: Annotated[str, Meta(description="Relative to the root folder; empty: that itself.")] = (
        ""
    )


class NewFile(Struct):
    """A file to be kept."""

    path: Annotated[
        str,
        Meta(
            # Nothing hidden, no way up, no name that some file system can't hold.
            pattern=r"^([^\x00-\x20./\\][^\x00-\x1f/\\]{0,199}/)*[^\x00-\x20./\\][^\x00-\x1f/\\]{0,199}\Z",
            max_length=1000,
            description="Relative to the root folder; folders that do not exist are made.",
            examples=["data/cities.csv"],
        ),
    ]
    data: Annotated[bytes, Meta(description="What it holds, or a piece of it, in base64.")]
    offset: Annotated[
        int,
        Meta(
            ge=0,
            le=1_900_000_000,
            description="Where in the file a piece begins: large files come in several. Behind 0, "
            "`path` is the one that the first piece was answered with.",
        ),
    ] = 0


class ReadingQuery(Struct):
    """Which file is to be read."""

    path: Annotated[
        str, Meta(min_length=1, max_length=1000, description="Relative to the root folder.")
    ]
    pandas: Annotated[
        bool | None,
        Meta(
            description="Whether the code may use pandas; left out: if the server has it, which the "
            "kernel may have not."
        ),
    ] = None


@files.operation("GET", "/api/files", errors=(404,))
def list_files(query: FolderQuery) -> FileListing:
    """List what is in a folder under the root folder."""
    return services().loop.call(services().files.list(query.folder))


@files.operation("POST", "/api/files", body_required=True, status=201, errors=(409,))
def upload_file(body: NewFile) -> KeptFile:
    """Keep a file under the root folder; one that is there is not overwritten."""
    return services().loop.call(services().files.upload(body.path, body.data, body.offset))


@files.operation("GET", "/api/files/reading", errors=(404,))
def find_reading(query: ReadingQuery) -> Reading:
    """Tell which Python code reads a file of a table, as its bytes say."""
    return services().loop.call(services().files.reading(query.path, has_pandas=query.pandas))
