"""Calls are recorded beside a running server, by processes that come and go as they like."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from llm_repl_core.errors import StorageError
from llm_repl_core.ledger.record import CallRecord
from llm_repl_core.model.cell import CodeCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_server.storage import sqlite
from llm_repl_server.storage.call_filter import CallFilter
from llm_repl_server.storage.call_log import CallLog
from llm_repl_server.storage.changes import CreateNotebook, WriteCell
from llm_repl_server.storage.locks import LockFile
from llm_repl_server.storage.store import Store

MakeCall = Callable[..., CallRecord]

RECORDER = """
import os, sys
from datetime import UTC, datetime
from msgspec.structs import replace
from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_server.storage.call_log import CallLog

url, name, count, waits = sys.argv[1], sys.argv[2], int(sys.argv[3]), len(sys.argv) > 4
with CallLog(url) as log:
    for number in range(count):
        call = CallRecord(
            id=f"{name} {number}", notebook_id="n", run_id=name, place=CallPlace(cell_id="c"),
            identity="0", provider="mock", model="m", body={}, started_at=datetime.now(UTC),
            request={"messages": [{"role": "user", "content": "hi"}]},
        )
        log.calls.begin_call(call).result(30)
        if waits:
            os.write(1, b"begun\\n")
            sys.stdin.read()
        log.calls.end_call(replace(call, state="completed", text="ho")).result(30)
"""


def recorder(url: str, name: str, count: int, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RECORDER, url, name, str(count), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def folder_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///")).parent


def owner_files(url: str) -> list[Path]:
    return list(folder_of(url).glob("*.owners/*"))


def test_a_server_and_two_programs_write_at_the_same_time(
    store: Store, database_url: str, make_call: MakeCall
) -> None:
    cells = [CodeCell(id=str(number)) for number in range(20)]
    store.submit(CreateNotebook(Notebook(id="n", cells=cells))).result(10)
    with recorder(database_url, "a", 100) as a, recorder(database_url, "b", 100) as b:
        rounds = 0
        # The server writes without a pause, and is never told to wait.
        while a.poll() is None or b.poll() is None:
            rounds += 1
            futures = [
                store.submit(WriteCell("n", CodeCell(id=cell.id, content=str(rounds))))
                for cell in cells
            ]
            futures.append(store.calls.begin_call(make_call(id=f"server {rounds}")))
            for future in futures:
                future.result(30)
    assert (a.returncode, b.returncode) == (0, 0)
    names = {call.id for call in store.calls.list_calls(CallFilter(limit=100_000))}
    assert names == {f"{name} {number}" for name in "ab" for number in range(100)} | {
        f"server {number + 1}" for number in range(rounds)
    }
    assert len(store.calls.list_calls(CallFilter(search="ho", limit=300))) == 200
    loaded = store.load_notebook("n")
    assert loaded is not None
    assert {cell.content for cell in loaded} == {str(rounds)}


def test_many_make_a_database_at_the_same_time(database_url: str) -> None:
    programs = [recorder(database_url, str(number), 3) for number in range(4)]
    with Store(database_url) as store:
        for program in programs:
            with program:
                assert program.wait(60) == 0
        assert len(store.calls.list_calls()) == 12
    assert owner_files(database_url) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_call_of_a_killed_program_is_cut_off_and_that_of_a_live_one_is_not(
    database_url: str, make_call: MakeCall
) -> None:
    def states(access: CallLog | Store) -> dict[str, str]:
        return {call.id: call.state for call in access.calls.list_calls()}

    def listed(access: CallLog | Store, state: str) -> list[str]:
        wanted = CallFilter(state=state)  # type: ignore[arg-type]  # it is one of them
        return [call.id for call in access.calls.list_calls(wanted)]

    with (
        recorder(database_url, "dead", 1, "wait") as dead,
        recorder(database_url, "alive", 1, "wait") as alive,
    ):
        for program in (dead, alive):
            assert program.stdout is not None
            assert program.stdout.readline() == b"begun\n"
        with CallLog(database_url) as log:
            assert states(log) == {"dead 0": "running", "alive 0": "running"}
            os.kill(dead.pid, signal.SIGKILL)
            dead.wait(30)
            # Nobody has written that, yet all who read see it.
            assert states(log) == {"dead 0": "interrupted", "alive 0": "running"}
            assert listed(log, "interrupted") == ["dead 0"]
            assert listed(log, "running") == ["alive 0"]
        assert len(owner_files(database_url)) == 2
        with Store(database_url) as store:
            store.calls.begin_call(make_call(id="server's")).result(10)
            expected = {"dead 0": "interrupted", "alive 0": "running", "server's": "running"}
            assert states(store) == expected
            with CallLog(database_url) as log:
                assert states(log) == expected
            found = store.calls.load_call("dead 0")
            assert found is not None
            assert found.error is not None
            assert "may charge for it" in found.error.message
            path = folder_of(database_url) / "notebooks.db"
            with closing(sqlite3.connect(path)) as connection:
                written = dict(connection.execute("SELECT id, state FROM calls"))
            assert written == expected
            assert len(owner_files(database_url)) == 2, "the dead one's is gone"
            assert [call.id for call in store.calls.list_calls(CallFilter(search="hi"))] == [
                "dead 0"
            ]
        # The program that lives ends its call, whatever servers have come and gone.
        alive.communicate(b"", 30)
        assert alive.returncode == 0
    with CallLog(database_url) as log:
        assert states(log) == {**expected, "alive 0": "completed", "server's": "interrupted"}
    assert owner_files(database_url) == []


def test_one_opens_after_the_other(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(database_url).mkdir()
    other = LockFile(folder_of(database_url) / "notebooks.db.opening")
    assert other.acquire()
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "_WRITE_TIMEOUT_S", 0.05)
        for access in (CallLog(database_url), Store(database_url)):
            with pytest.raises(StorageError, match="Another process is opening the database"):
                access.open()
    timer = threading.Timer(0.1, other.release)
    timer.start()
    with CallLog(database_url) as log:
        assert log.calls.list_calls() == []
    timer.join()


def test_it_keeps_no_server_away_and_is_kept_away_by_none(
    database_url: str, make_call: MakeCall
) -> None:
    with (
        CallLog(database_url) as log,
        Store(database_url) as store,
        CallLog(database_url) as another,
    ):
        call = make_call()
        log.calls.begin_call(call).result(10)
        assert store.calls.load_call(call.id) == another.calls.load_call(call.id) == call
    assert not hasattr(log, "submit")
    with pytest.raises(StorageError, match="not open"):
        log.calls.begin_call(make_call())


def test_what_cannot_be_opened_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a text, and a rather long one. " * 200)
    with pytest.raises(StorageError, match="is not a SQLite database"):
        CallLog(f"sqlite:///{tmp_path / 'text.db'}").open()
    with pytest.raises(StorageError, match="cannot be used"):
        CallLog(f"sqlite:///{tmp_path / 'text.db' / 'a.db'}").open()
