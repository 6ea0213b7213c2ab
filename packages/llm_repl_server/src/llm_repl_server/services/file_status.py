"""What is known of the file that a notebook lives in, and what a notebook asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from llm_repl_server.services.encoding import Time
from llm_repl_server.storage.changes import Change

__all__ = ["AttachedFile", "FileStatus", "shown_path"]


def shown_path(path: Path, root: Path) -> str:
    """A path as clients see it: relative to the root folder, as far as it is there."""
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return shown.as_posix().encode("utf-8", "replace").decode()


class FileStatus(Struct, frozen=True, kw_only=True):
    """The file that a notebook lives in.

    `saved`: it has all that the notebook has. `waiting`: it is written in a moment. `not_written`: it
    could not be. `unreadable`: another program has written something that is no notebook. `missing`:
    it is gone. In the last three states nothing is lost: the server keeps the notebook, and says in
    `error` what is the matter.
    """

    path: Annotated[str, Meta(description="Relative to the root folder.")]
    state: Literal["saved", "waiting", "not_written", "unreadable", "missing"]
    error: Annotated[str | None, Meta(description="One sentence; null where all is well.")]
    saved_at: Annotated[
        Time, Meta(description="When the file and the notebook were last the same.")
    ]


class AttachedFile(Protocol):
    """The file of a notebook in memory. Used in the engine's loop."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def idle(self) -> bool:
        """Whether nothing is being written, read, or about to be."""
        ...

    def answer(self) -> FileStatus:
        """How it is."""
        ...

    def note(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Note that the notebook is changed; gives the changes that have to be made with those."""
        ...

    def write_soon(self) -> None:
        """Write what is to be written without waiting for more: a run has ended."""
        ...

    async def write(self, *, force: bool = False) -> None:
        """Write what is to be written, and take over first what another program has written.

        Args:
            force: Whether to write whatever the file is: gone, or something else.
        """
        ...

    async def check(self) -> None:
        """Look whether another program has changed the file, and take that over."""
        ...

    async def move(self, path: Path) -> None:
        """Go on with another file, to which the first one was moved."""
        ...

    async def close(self) -> None:
        """Write what is to be written, and nothing more."""
        ...
