"""What it costs to keep notebooks."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import msgspec
import orjson

from bench.harness import Sample, at_most, row, time_of
from llm_repl_core import CodeCell, Notebook, Output
from llm_repl_server.storage.changes import CreateNotebook, UpdateNotebook, WriteCell
from llm_repl_server.storage.store import Store

_REPEATS = 20

_LIST_QUERY = """
SELECT id, name, created_at, updated_at,
       (SELECT count(*) FROM cells WHERE notebook_id = notebooks.id)
FROM notebooks ORDER BY created_at, id
"""


@row(
    what="storage: one cell of 1,000 changed, durable",
    against="the whole notebook written with orjson: fsync, rename, fsync of the folder",
    goal=at_most("1/4"),
)
def change_one_cell() -> Iterator[tuple[Sample, Sample]]:
    with _store() as (store, folder):
        notebook = _notebook(1000)
        store.submit(CreateNotebook(notebook)).result()
        path = folder / "whole.json"

        def write_whole() -> None:
            _edit(notebook)
            _write_atomically(path, _encode(notebook))

        yield _change_of(store, notebook), lambda: time_of(write_whole, times=_REPEATS)


@row(
    what="storage: one cell of 1,000 changed, durable",
    against="one cell of 10",
    goal=at_most("1.2"),
)
def change_by_size() -> Iterator[tuple[Sample, Sample]]:
    with _store() as (store, _):
        long, short = _notebook(1000), _notebook(10)
        store.submit(CreateNotebook(long), CreateNotebook(short)).result()
        yield _change_of(store, long), _change_of(store, short)


@row(
    what="storage: list of 1,000 notebooks",
    against="one query of sqlite3 for the same rows",
    goal=at_most("3"),
)
def list_notebooks() -> Iterator[tuple[Sample, Sample]]:
    with _store() as (store, folder), contextlib.ExitStack() as stack:
        store.submit(*(CreateNotebook(_notebook(5)) for _ in range(1000))).result()
        connection = sqlite3.connect(folder / "bench.db")
        stack.callback(connection.close)

        def list_ours() -> None:
            assert len(store.list_notebooks()) == 1000

        def list_rows() -> None:
            assert len(connection.execute(_LIST_QUERY).fetchall()) == 1000

        yield (
            lambda: time_of(list_ours, times=_REPEATS),
            lambda: time_of(list_rows, times=_REPEATS),
        )


@contextmanager
def _store() -> Iterator[tuple[Store, Path]]:
    with tempfile.TemporaryDirectory(prefix="bench-storage-") as name:
        folder = Path(name)
        with Store(f"sqlite:///{folder / 'bench.db'}") as store:
            yield store, folder


def _notebook(cells: int) -> Notebook:
    """As people have them: a line or two of code, a line of output."""
    return Notebook(
        f"Notebook of {cells}",
        cells=[
            CodeCell(
                content=f"value_{number} = compute({number})\nprint(value_{number})",
                outputs=[Output.stdout(f"the value is {number}\n")],
                status="completed",
                execution_count=number,
            )
            for number in range(cells)
        ],
    )


_edits = count()


def _edit(notebook: Notebook) -> CodeCell:
    cell = notebook.cells[len(notebook) // 2]
    assert isinstance(cell, CodeCell)
    cell.content = f"value = {next(_edits)}"
    notebook.touch()
    return cell


def _change_of(store: Store, notebook: Notebook) -> Sample:
    def change() -> None:
        cell = _edit(notebook)
        store.submit(
            WriteCell(notebook.id, cell),
            UpdateNotebook(notebook_id=notebook.id, updated_at=notebook.updated_at),
        ).result()

    return lambda: time_of(change, times=_REPEATS)


def _encode(notebook: Notebook) -> bytes:
    return orjson.dumps(
        {
            "id": notebook.id,
            "name": notebook.name,
            "updated_at": notebook.updated_at,
            "cells": msgspec.to_builtins(notebook.cells),
        }
    )


def _write_atomically(path: Path, data: bytes) -> None:
    """The least that does not lose the old file, nor the new one once this returns."""
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
