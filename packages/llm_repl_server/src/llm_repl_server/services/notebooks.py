"""Notebooks: made, listed, renamed, deleted, saved to files and loaded from them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from llm_repl_core import Application, InvalidInput, Notebook, NotebookNotFound
from llm_repl_core.engine.notebook_preferences import check_preferences, preferred_mode
from llm_repl_core.model.ids import new_id as make_id
from llm_repl_server.services.answers import (
    LoadedNotebook,
    NotebookAnswer,
    NotebookHeader,
    NotebookList,
    Saved,
    notebook_answer,
    notebook_header,
    notebook_summary,
)
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.identifiers import copy_notebook, with_addressable_ids
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.paths import resolve_under, safe_name
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.services.under_way import pending_approvals, runs_under_way
from llm_repl_server.services.wire_events import (
    NotebookChanged,
    NotebookCreated,
    NotebookDeleted,
)
from llm_repl_server.storage.changes import (
    BinNotebook,
    Change,
    CreateNotebook,
    KeepFileTie,
    MarkStale,
    RenameBinned,
)
from llm_repl_server.storage.file_tie import FileTie
from llm_repl_server.storage.store import Store

__all__ = ["Download", "NotebookService", "has_same_contents"]

NATIVE_SUFFIX = ".llmn"

_NAME_LIMIT = 990
"""How much of a notebook's name its copy has."""


class Download(Struct, frozen=True):
    """A notebook as a file.

    Attributes:
        name: The file's name.
        media_type: Of the data.
        data: The bytes.
    """

    name: str
    media_type: str
    data: bytes


class NotebookService:
    """What clients do with notebooks as a whole.

    Args:
        application: Knows the formats.
        store: Where notebooks are kept.
        opened: Those in memory.
        publisher: Who tells the clients.
        runs: Who knows the runs.
        root: The folder of notebook files, resolved.
    """

    def __init__(
        self,
        application: Application,
        store: Store,
        open_notebooks: OpenNotebooks,
        publisher: EventPublisher,
        runs: RunRegistry,
        root: Path,
    ) -> None:
        self._application = application
        self._store = store
        self._open_notebooks = open_notebooks
        self._publisher = publisher
        self._runs = runs
        self._root = root

    async def list(self) -> NotebookList:
        """All notebooks, in order of creation."""
        summaries = await asyncio.to_thread(self._store.list_notebooks)
        return NotebookList([notebook_summary(summary) for summary in summaries])

    async def create(self, name: str, metadata: dict[str, Any] | None = None) -> NotebookHeader:
        """Create an empty notebook.

        Raises:
            InvalidInput: What the notebook is to choose for itself cannot be used.
        """
        notebook = Notebook(name=name)
        if metadata is not None:
            _replace_metadata(notebook, metadata)
        return await self.take_in(notebook)

    async def show(self, notebook_id: str) -> NotebookAnswer:
        """A notebook with its cells.

        Raises:
            NotebookNotFound: There is none.
        """
        opened = await self._open_notebooks.get(notebook_id)
        await _note_state_keys(opened)
        opened.events.flush()
        session = opened.existing_session
        return notebook_answer(
            opened.notebook,
            last=self._publisher.numbers.last(notebook_id),
            partial_answers=opened.events.partial_answers.list(),
            items_under_way=opened.events.items_under_way.list(),
            runs=runs_under_way(self._runs.of_notebook(notebook_id), opened.events.waiting_cells()),
            running_cells=opened.events.running_cells(),
            pending_approvals=pending_approvals(
                () if session is None else session.approvals.questions
            ),
            kernel=opened.kernel(),
            ran_cell_ids=opened.events.ran_cell_ids,
            file=None if opened.writer.file is None else opened.writer.file.answer(),
        )

    async def change(
        self, notebook_id: str, *, name: str | None, metadata: dict[str, Any] | None
    ) -> NotebookHeader:
        """Rename a notebook, or replace its metadata.

        Raises:
            NotebookNotFound: There is none.
            InvalidInput: What the notebook is to choose for itself cannot be used.
        """
        opened = await self._open_notebooks.get(notebook_id)
        notebook = opened.notebook
        before = notebook.own_metadata
        if metadata is not None:
            _replace_metadata(notebook, metadata)
        if name is not None:
            notebook.name = name
        marked = opened.dependencies.note_notebook_edit(before)
        notebook.touch()
        header = notebook_header(notebook)
        opened.writer.write(
            opened.writer.header_change(),
            *([MarkStale.of(notebook, (*marked.stale, *marked.known))] if marked else []),
            event=NotebookChanged(**asdict(header), metadata=dict(notebook.metadata)),
        )
        await opened.writer.written()
        opened.events.publish_stale(marked)
        return header

    async def duplicate(
        self, notebook_id: str, name: str | None = None, *, new_id: str | None = None
    ) -> NotebookHeader:
        """Make a copy of a notebook, with its outputs and its memory; its calls stay with it.

        Args:
            notebook_id: Which notebook.
            name: What the copy is called; None: as the notebook, with "copy".
            new_id: The copy's id; where there is a notebook of this id, it is that one, as the
                request was sent before. None: it gets a new one.

        Raises:
            NotebookNotFound: There is none.
        """
        opened = await self._open_notebooks.get(notebook_id)
        if new_id is not None:
            try:
                return notebook_header((await self._open_notebooks.get(new_id)).notebook)
            except NotebookNotFound:
                pass
        await _note_state_keys(opened)
        # The cells keep their ids: the contexts of prompts name them.
        copy = copy_notebook(opened.notebook, id=new_id or make_id())
        copy.name = name or f"{opened.notebook.name[:_NAME_LIMIT]} copy"
        copy.created_at = copy.updated_at = datetime.now(UTC)
        for cell in copy:
            if cell.status in ("running", "queued"):
                cell.status = "interrupted"  # it runs there, and not here
        return await self.take_in(copy)

    async def delete(self, notebook_id: str) -> None:
        """Move a notebook into the bin and shut down its kernel.

        Raises:
            NotebookNotFound: There is none.
        """
        opened = await self._open_notebooks.get(notebook_id)
        self._open_notebooks.mark_being_deleted(notebook_id)
        await opened.close(deleted=True)
        opened.writer.write(
            BinNotebook(notebook_id, datetime.now(UTC)),
            event=NotebookDeleted(notebook_id=notebook_id),
        )
        try:
            await opened.writer.written()
        finally:  # where it could not be deleted, it is loaded again when it is asked for
            self._open_notebooks.forget(notebook_id)

    async def save(self, notebook_id: str, filepath: str | None) -> Saved:
        """Write a notebook to a file under the root.

        Args:
            notebook_id: Which notebook.
            filepath: Where to; folders that do not exist are made. The notebook's name made safe,
                with ``.llmn``, where None or empty.

        Returns:
            Where it is, relative to the root.

        Raises:
            NotebookNotFound: There is none.
            InvalidInput: The path or its ending cannot be used; nothing is touched.
            Forbidden: It leads out of the root; nothing is touched.
            StorageError: The file cannot be written; one that was there is as it was.
        """
        opened = await self._open_notebooks.get(notebook_id)
        named = filepath or safe_name(opened.notebook.name) + NATIVE_SUFFIX
        path = resolve_under(self._root, named)
        self._application.format_for(path.name)
        await _note_state_keys(opened)
        await asyncio.to_thread(
            self._application.save, copy_notebook(opened.notebook), path, under=self._root
        )
        return Saved(success=True, filepath=str(path.relative_to(self._root)))

    async def load(self, filepath: str) -> LoadedNotebook:
        """Take in a notebook from a file under the root.

        A notebook of the same id that differs is not touched: the loaded one gets an id of its
        own.

        Raises:
            FileMissing: There is no such file.
            InvalidInput: The path, or what the file holds, cannot be used.
            Forbidden: It leads out of the root.
        """
        path = resolve_under(self._root, filepath)
        self._application.format_for(path.name)
        loaded = await asyncio.to_thread(self._application.load, path, under=self._root)
        return await self._take_in_file(loaded)

    async def import_file(self, filename: str, text: str) -> LoadedNotebook:
        """Take in a notebook from the text of a file, as `load` does.

        Args:
            filename: Its name, whose ending picks the format.
            text: What it holds.

        Raises:
            InvalidInput: The ending, or what the file holds, cannot be used.
        """
        data = text.encode("utf-8", "surrogatepass")
        loaded = await asyncio.to_thread(self._application.decode, filename, data)
        return await self._take_in_file(loaded)

    async def _take_in_file(self, loaded: Notebook) -> LoadedNotebook:
        notebook = with_addressable_ids(loaded)
        for cell in notebook:
            if cell.status in ("running", "queued"):
                cell.status = "interrupted"  # where it ran is not here
        header = await self._take_in_or_find(notebook)
        return LoadedNotebook(**asdict(header), notices=list(loaded.notices))

    async def download(self, notebook_id: str, format_name: str) -> Download:
        """A notebook as a file of any installed format.

        Args:
            notebook_id: Which notebook.
            format_name: The ending of its files, without the dot: ``llmn``.

        Raises:
            NotebookNotFound: There is none.
            InvalidInput: There is no such format.
        """
        opened = await self._open_notebooks.get(notebook_id)
        suffix = "." + format_name
        if suffix not in self._application.formats:
            known = ", ".join(
                known_suffix.removeprefix(".") for known_suffix in self._application.formats
            )
            raise InvalidInput(f"There is no format `{format_name}`; there are {known}.")
        name = safe_name(opened.notebook.name) + suffix
        await _note_state_keys(opened)
        chosen = self._application.format_for(name)
        data = await asyncio.to_thread(chosen.encode, copy_notebook(opened.notebook))
        return Download(name, chosen.media_type, data)

    async def _take_in_or_find(self, notebook: Notebook) -> NotebookHeader:
        try:
            present = (await self._open_notebooks.get(notebook.id)).notebook
        except NotebookNotFound:
            if notebook.id in self._open_notebooks:  # it is being deleted
                notebook.id = make_id()
            elif await asyncio.to_thread(self._store.bin.has_notebook, notebook.id):
                # What the bin has of this id differs, perhaps: it stays there, under another one.
                return await self.take_in(notebook, RenameBinned(notebook.id, make_id()))
            return await self.take_in(notebook)
        if has_same_contents(present, notebook):
            return notebook_header(present)
        notebook.id = make_id()
        return await self.take_in(notebook)

    async def take_in(
        self, notebook: Notebook, *first: Change, tie: FileTie | None = None
    ) -> NotebookHeader:
        """Keep a notebook that is new here.

        Args:
            notebook: The notebook, whose id none has.
            first: What has to be changed before.
            tie: The file that it lives in; None: in none.

        Raises:
            StorageError: It cannot be kept.
        """
        header = notebook_header(notebook)
        opened = self._open_notebooks.add(notebook, tie)
        opened.writer.write(
            *first,
            CreateNotebook(notebook),
            *(() if tie is None else (KeepFileTie(tie),)),
            event=NotebookCreated(**asdict(header)),
        )
        try:
            await opened.writer.written()
        except BaseException:
            self._open_notebooks.forget(notebook.id)
            raise
        return header


async def _note_state_keys(opened: OpenNotebook) -> None:
    """Remember the names of the variables; while something runs, those of before stay."""
    session = opened.existing_session
    if session is None or not session.kernel.alive:
        return
    names = await session.names()
    if names is not None:
        opened.notebook.state_keys = names


def has_same_contents(notebook: Notebook, other: Notebook) -> bool:
    """Whether two notebooks say the same, whenever they were made."""
    return (
        notebook.name,
        notebook.metadata,
        notebook.memory,
        notebook.extra,
        notebook.cells,
    ) == (
        other.name,
        other.metadata,
        other.memory,
        other.extra,
        other.cells,
    )


def _replace_metadata(notebook: Notebook, metadata: dict[str, Any]) -> None:
    chosen = metadata.get("llm_repl")
    # What a file had may be sent back; a run refuses it.
    if isinstance(chosen, dict) and chosen != notebook.own_metadata:
        check_preferences(chosen)
        preferred_mode(chosen)
    notebook.metadata = metadata
