"""What was acknowledged is there, whatever happens to the process or to the disk."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from llm_repl_core.errors import StorageError
from llm_repl_core.model.cell import CodeCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage.changes import CreateNotebook, PutSetting
from llm_repl_server.storage.database import Database
from llm_repl_server.storage.operations import Operation
from llm_repl_server.storage.store import Store

# Eight threads write, each prints what has been acknowledged, until the process is killed.
WRITER = """
import os, sys, threading
from llm_repl_core.model.cell import CodeCell
from llm_repl_server.storage.changes import InsertCell, PutSetting, WriteCell
from llm_repl_server.storage.store import Store

store = Store(sys.argv[1])
store.open()

def write(name):
    cell = CodeCell(id=name)
    for number in range(1_000_000):
        cell.content = str(number)
        change = WriteCell if number else InsertCell
        store.submit(change("n", cell), PutSetting(name, number)).result(30)
        os.write(1, f"{name} {number}\\n".encode())

os.write(1, b"open\\n")
for n in range(8):
    threading.Thread(target=write, args=(sys.argv[2] + str(n),), daemon=True).start()
threading.Event().wait(60)
"""

# The limit of a file's size stands for a full disk: writing beyond it fails.
FULL_DISK = """
import resource, sys
from llm_repl_core.errors import StorageError
from llm_repl_server.storage.changes import PutSetting
from llm_repl_server.storage.store import Store

def limit(bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, resource.RLIM_INFINITY))

with Store(sys.argv[1]) as store:
    store.submit(PutSetting("before", 1)).result(30)
    limit(300_000)
    try:
        store.submit(PutSetting("big", "x" * 2_000_000)).result(30)
    except StorageError as error:
        print(error)
    assert store.load_settings() == {"before": 1}, "reads go on"
    limit(resource.RLIM_INFINITY)
    store.submit(PutSetting("after", 2)).result(30)
    assert store.load_settings() == {"before": 1, "after": 2}, "writes go on"
with Store(sys.argv[1]) as store:
    assert store.load_settings() == {"before": 1, "after": 2}, "and last"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_acknowledged_changes_survive_kill(database_url: str) -> None:
    with Store(database_url) as store:
        store.submit(CreateNotebook(Notebook(id="n"))).result(10)
    chance = random.Random(5)
    acknowledged: dict[str, int] = {}
    for round_number in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, f"r{round_number}t"],
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            lines = [process.stdout.readline() for _ in range(chance.randrange(1, 300))]
            os.kill(process.pid, signal.SIGKILL)
            lines += process.stdout.readlines()
        for line in lines:
            if line.endswith(b"\n"):
                name, number = line.decode().split()
                acknowledged[name] = int(number)
        # The killed server's lock is gone with it.
        with Store(database_url) as store:
            loaded, settings = store.load_notebook("n"), store.load_settings()
        assert loaded is not None
        for name, count in acknowledged.items():
            assert int(loaded[name].content) >= count
            # A group is whole: its two changes agree.
            assert settings[name] == int(loaded[name].content)
    assert len(acknowledged) > 8


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_fails_the_change_and_nothing_else(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, database_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The disk ")
    assert done.stdout.count("\n") == 1


class PageLimit(Operation, frozen=True):
    """Set how many pages the connection that writes lets the database have, beyond those it has."""

    more: int

    def apply(self, database: Database) -> None:
        (pages,) = database.fetch(sa.text("PRAGMA page_count"), {})[0]
        database.fetch(sa.text(f"PRAGMA max_page_count = {pages + self.more}"), {})


def test_a_database_that_may_not_grow_fails_the_change_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = Notebook(cells=[CodeCell(content="before")])
    store.submit(CreateNotebook(notebook)).result(10)
    # The limit is the writer's connection's: set in the operation of a change, in its thread.
    store.connection.submit_operations([PageLimit(0)]).result(10)
    with pytest.raises(StorageError, match=r"^The disk is full: .* make room and try again\.$"):
        store.submit(PutSetting("big", "x" * 1_000_000)).result(10)
    assert store.load_notebook(notebook.id) == notebook
    assert store.load_settings() == {}
    store.connection.submit_operations([PageLimit(1_000_000)]).result(10)
    store.submit(PutSetting("big", "x" * 1_000_000)).result(10)
    assert len(str(store.load_settings()["big"])) == 1_000_000


def test_closing_writes_what_waits(database_url: str, tmp_path: Path) -> None:
    with Store(database_url) as store:
        futures = [store.submit(PutSetting(str(number), number)) for number in range(2_000)]
    assert all(future.done() for future in futures)
    with Store(database_url) as store:
        assert len(store.load_settings()) == 2_000
