"""What a server keeps: its kernels, and what is stored."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta, Struct

from llm_repl_server.services.notebook_kernel import NotebookKernel
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.settings import ServerSettings
from llm_repl_server.storage.counts import count_stored
from llm_repl_server.storage.store import Store

__all__ = [
    "HousekeepingService",
    "RunningKernel",
    "ServerInventory",
    "ServerKernels",
    "ServerStorage",
]

_MOST_KERNELS = 200


class RunningKernel(Struct, frozen=True, kw_only=True):
    """A kernel that runs."""

    notebook_id: str
    notebook_name: str
    kernel: NotebookKernel
    unused_s: Annotated[
        float, Meta(description="Since when nobody has used the notebook, in seconds.")
    ]


class ServerKernels(Struct, frozen=True, kw_only=True):
    """The kernels of a server."""

    idle_timeout_s: Annotated[
        float,
        Meta(description="How long one may go unused before it is ended, in seconds; 0: no limit."),
    ]
    total: int
    running: Annotated[
        list[RunningKernel],
        Meta(description=f"Those that run, the latest used first; at most {_MOST_KERNELS}."),
    ]


class ServerStorage(Struct, frozen=True, kw_only=True):
    """What is stored."""

    place: Annotated[str, Meta(description="Where the database is, in words for a person.")]
    size_bytes: int
    notebooks: int
    deleted_notebooks: Annotated[int, Meta(description="Those in the bin.")]
    answers: Annotated[int, Meta(description="How many answers of models are recorded.")]
    bin_days: Annotated[float, Meta(description="How long what was deleted can be brought back.")]


class ServerInventory(Struct, frozen=True, kw_only=True):
    """What a server keeps."""

    kernels: ServerKernels
    storage: ServerStorage


class HousekeepingService:
    """Tells what a server keeps.

    Args:
        settings: The server's settings.
        store: Where notebooks are kept.
        open_notebooks: Those in memory, with their kernels.
    """

    def __init__(
        self, settings: ServerSettings, store: Store, open_notebooks: OpenNotebooks
    ) -> None:
        self._settings = settings
        self._store = store
        self._open_notebooks = open_notebooks

    async def show(self) -> ServerInventory:
        """The kernels that run, and what is stored."""
        kernels = self._kernels()
        counts = await asyncio.to_thread(count_stored, self._store.connection)
        return ServerInventory(
            kernels=kernels,
            storage=ServerStorage(
                place=counts.place,
                size_bytes=counts.size_bytes,
                notebooks=counts.notebooks,
                deleted_notebooks=counts.deleted_notebooks,
                answers=counts.answers,
                bin_days=self._settings.bin_days,
            ),
        )

    def _kernels(self) -> ServerKernels:
        now_s = asyncio.get_running_loop().time()
        opened = [each for each in self._open_notebooks if each.has_kernel]
        opened.sort(key=lambda each: -each.last_used_s)
        return ServerKernels(
            idle_timeout_s=self._settings.kernel_idle_timeout_s,
            total=len(opened),
            running=[
                RunningKernel(
                    notebook_id=each.notebook.id,
                    notebook_name=each.notebook.name,
                    kernel=each.kernel(),
                    unused_s=0.0 if not each.idle else max(0.0, now_s - each.last_used_s),
                )
                for each in opened[:_MOST_KERNELS]
            ],
        )
