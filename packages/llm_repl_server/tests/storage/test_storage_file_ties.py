"""The files that notebooks live in are remembered, whatever becomes of the notebooks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage.changes import (
    BinNotebook,
    CreateNotebook,
    DeleteNotebook,
    ForgetFileTie,
    KeepFileTie,
    MarkFilePending,
    RenameBinned,
    RestoreNotebook,
)
from llm_repl_server.storage.file_tie import FileTie
from llm_repl_server.storage.store import Store

START = datetime(2026, 1, 31, 10, tzinfo=UTC)
TIE = FileTie(
    notebook_id="n",
    path="/notes/\udcff \x00.llmn",
    digest="0" * 64,
    base='{"cells": [], "name": "\\ud800"}',
    is_pending=False,
    saved_at=START,
)


@pytest.fixture(autouse=True)
def notebook(store: Store) -> None:
    store.submit(CreateNotebook(Notebook(id="n")), KeepFileTie(TIE)).result(10)


def test_a_tie_comes_back_as_it_was_and_is_written_over(store: Store) -> None:
    assert store.files.load_tie("n") == TIE
    assert store.files.load_tie("other") is None
    assert store.files.list_pending() == []
    store.submit(MarkFilePending("n"), MarkFilePending("other")).result(10)
    assert store.files.load_tie("n") == replace(TIE, is_pending=True)
    assert store.files.list_pending() == ["n"]
    moved = replace(TIE, path="/elsewhere.py", digest="1" * 64)
    store.submit(KeepFileTie(moved)).result(10)
    assert store.files.load_tie("n") == moved
    assert store.files.find_notebooks(TIE.path) == {}
    store.submit(ForgetFileTie("n"), ForgetFileTie("n")).result(10)
    assert store.files.load_tie("n") is None


def test_it_goes_into_the_bin_with_its_notebook_and_comes_back(store: Store) -> None:
    store.submit(MarkFilePending("n"), BinNotebook("n", START)).result(10)
    assert store.files.find_notebooks(TIE.path) == {"n": True}
    assert store.files.list_pending() == []
    store.submit(RenameBinned("n", "m")).result(10)
    assert store.files.find_notebooks(TIE.path) == {"m": True}
    store.submit(RestoreNotebook("m")).result(10)
    assert store.files.find_notebooks(TIE.path) == {"m": False}
    store.submit(DeleteNotebook("m")).result(10)
    assert store.files.load_tie("m") is None
