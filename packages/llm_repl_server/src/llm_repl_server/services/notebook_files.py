"""Notebooks that live in files: opened, watched, written, and let go of."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import asdict

from llm_repl_core import Application, LLMReplError, NotebookNotFound
from llm_repl_core.errors import Conflict, StorageError
from llm_repl_core.files import resolve_under
from llm_repl_core.merging.bases import MergeBase
from llm_repl_core.model.ids import new_id
from llm_repl_server.services.answers import NotebookHeader, OpenedNotebook, notebook_header
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.file_on_disk import FileOnDisk, ReadFile
from llm_repl_server.services.file_status import AttachedFile, FileStatus
from llm_repl_server.services.notebooks import NotebookService, has_same_contents
from llm_repl_server.services.open_notebook import OpenNotebook
from llm_repl_server.services.open_notebooks import OpenNotebooks
from llm_repl_server.services.wire_events import NotebookFileState
from llm_repl_server.storage.changes import Change, ForgetFileTie, KeepFileTie, RenameBinned
from llm_repl_server.storage.file_tie import FileTie
from llm_repl_server.storage.store import Store

__all__ = ["NotebookFileService"]

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 2.0


class NotebookFileService:
    """What clients do with notebooks that live in files.

    Args:
        application: Knows the formats.
        store: Where ties are kept.
        open_notebooks: The notebooks in memory.
        notebooks: Takes new ones in.
        publisher: Knows who follows a notebook.
        root: The folder that files must be in, resolved.
    """

    def __init__(
        self,
        application: Application,
        store: Store,
        open_notebooks: OpenNotebooks,
        notebooks: NotebookService,
        publisher: EventPublisher,
        root: Path,
    ) -> None:
        self._application = application
        self._store = store
        self._open_notebooks = open_notebooks
        self._notebooks = notebooks
        self._publisher = publisher
        self._root = root
        self._opening = asyncio.Lock()

    async def open(self, path: str) -> OpenedNotebook:
        """The notebook that lives in a file: the same one each time.

        Args:
            path: Relative to the root, or absolute and in it.

        Raises:
            FileMissing: There is no such file.
            InvalidInput: The path, or what the file holds, cannot be used.
            Forbidden: It leads out of the root.
        """
        target = resolve_under(self._root, path, called="`path`")
        self._application.format_for(target.name)
        async with self._opening:
            tied = await asyncio.to_thread(self._store.files.find_notebooks, str(target))
            for notebook_id, is_binned in tied.items():
                if not is_binned:
                    return await self._open_again(notebook_id)
            disk = FileOnDisk(self._application, target, self._root)
            read = await asyncio.to_thread(disk.read)
            base = await asyncio.to_thread(
                lambda: MergeBase.of(read.notebook, self._application.cell_types).text()
            )
            # What is in the bin comes back without the file, which has another notebook now.
            released = [ForgetFileTie(notebook_id) for notebook_id in tied]
            return await self._open_first(target, read, base, released)

    async def write(self, notebook_id: str) -> FileStatus:
        """Write a notebook to its file now, whatever the file is: gone, or something else.

        Raises:
            NotebookNotFound: There is no such notebook.
            Conflict: It lives in no file.
            StorageError: It cannot be written.
        """
        file = self._file_of(await self._open_notebooks.get(notebook_id))
        await file.write(force=True)
        answer = file.answer()
        if answer.error is not None:
            raise StorageError(answer.error)
        return answer

    async def release(self, notebook_id: str) -> None:
        """Have a notebook live in no file any more; the file stays, with all that was to be written.

        Raises:
            NotebookNotFound: There is no such notebook.
        """
        opened = await self._open_notebooks.get(notebook_id)
        file = opened.writer.file
        if file is None:
            return  # it was sent again
        await file.close()
        self._open_notebooks.tie(opened, None)
        opened.writer.write(
            ForgetFileTie(notebook_id),
            event=NotebookFileState(notebook_id=notebook_id, file=None),
        )
        await opened.writer.written()

    async def watch(self) -> None:
        """Write what an earlier server has not written; then look at files again and again.

        Looked at are those of notebooks that somebody follows, and of those that run.
        """
        await self._resume()
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Look once at the files of the notebooks that somebody follows, and of those that run."""
        files = [
            opened.writer.file
            for opened in self._open_notebooks
            if opened.writer.file is not None
            and (self._publisher.is_heard(opened.notebook.id) or opened.runs_something)
        ]
        for result in await asyncio.gather(
            *(file.check() for file in files), return_exceptions=True
        ):
            if isinstance(result, Exception):
                _log.error("a file could not be looked at", exc_info=result)

    async def _resume(self) -> None:
        try:
            for notebook_id in await asyncio.to_thread(self._store.files.list_pending):
                await self._open_notebooks.get(notebook_id)  # which has it written
        except LLMReplError as error:
            _log.warning("some notebooks could not be written to their files: %s", error)

    async def _open_again(self, notebook_id: str) -> OpenedNotebook:
        opened = await self._open_notebooks.get(notebook_id)
        file = self._file_of(opened)
        await file.check()
        return _answer(notebook_header(opened.notebook), [], file)

    async def _open_first(
        self, target: Path, read: ReadFile, base: str, released: list[ForgetFileTie]
    ) -> OpenedNotebook:
        notebook = read.notebook
        tie = FileTie(
            notebook_id=notebook.id,
            path=str(target),
            digest=read.digest,
            base=base,
            is_pending=False,
            saved_at=datetime.now(UTC),
        )
        first: list[Change] = [*released]
        try:
            present = await self._open_notebooks.get(notebook.id)
        except NotebookNotFound:
            if notebook.id in self._open_notebooks:  # it is being deleted
                notebook.id = new_id()
            elif await asyncio.to_thread(self._store.bin.has_notebook, notebook.id):
                first.append(RenameBinned(notebook.id, new_id()))
        else:
            file = present.writer.file
            if file is not None and not await asyncio.to_thread(file.path.exists):
                await file.move(target)
                return _answer(notebook_header(present.notebook), read.notices, file)
            if file is None and has_same_contents(present.notebook, notebook):
                self._open_notebooks.tie(present, tie)
                present.writer.write(*released, KeepFileTie(tie))
                await present.writer.written()
                file = self._file_of(present)
                told = NotebookFileState(notebook_id=notebook.id, file=file.answer())
                self._publisher.publish(told)
                return _answer(notebook_header(present.notebook), read.notices, file)
            notebook.id = new_id()
        tie = FileTie(**asdict(tie) | {"notebook_id": notebook.id})
        header = await self._notebooks.take_in(notebook, *first, tie=tie)
        opened = await self._open_notebooks.get(notebook.id)
        return _answer(header, read.notices, self._file_of(opened))

    def _file_of(self, opened: OpenNotebook) -> AttachedFile:
        file = opened.writer.file
        if file is None:
            raise Conflict("The notebook lives in no file.")
        return file


def _answer(header: NotebookHeader, notices: list[str], file: AttachedFile) -> OpenedNotebook:
    return OpenedNotebook(**asdict(header), notices=notices, file=file.answer())
