"""What cannot be opened is refused with one sentence, and nobody else may read what is."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_repl_core.errors import StorageError
from llm_repl_server.storage.changes import PutSetting
from llm_repl_server.storage.store import Store

NOT_POSIX = sys.platform == "win32"


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def refusal(url: str) -> str:
    with pytest.raises(StorageError) as caught:
        Store(url).open()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.skipif(NOT_POSIX, reason="modes are POSIX's")
@pytest.mark.usefixtures("open_umask")
def test_only_the_owner_may_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.db"
    with Store(url_of(path)) as store:
        store.submit(PutSetting("a", 1)).result(10)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ["a.db", "a.db-wal", "a.db-shm", "a.db.lock", "a.db.opening"], 0o600
    )
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(url_of(path)):
        assert f"Another server (process {os.getpid()}) uses" in refusal(url_of(path))
        link = tmp_path / "link.db"
        link.symlink_to(path)
        assert "Another server" in refusal(url_of(link))
    with Store(url_of(path)) as store:
        assert store.load_settings() == {}


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    code = "import sys; from llm_repl_server.storage.store import Store; Store(sys.argv[1]).open()"
    with Store(url_of(tmp_path / "a.db")):
        done = subprocess.run(
            [sys.executable, "-c", code, url_of(tmp_path / "a.db")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "Another server" in done.stderr


def test_a_program_that_outlives_the_server_does_not_keep_the_lock(tmp_path: Path) -> None:
    with Store(url_of(tmp_path / "a.db")):
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with sleeper, Store(url_of(tmp_path / "a.db")) as store:
        assert store.load_settings() == {}
        sleeper.kill()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("This is a text, and a rather long one. " * 200)
    assert "is not a SQLite database" in refusal(url_of(path))
    assert path.read_text().startswith("This is a text")


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(url_of(path)) as store:
        store.submit(PutSetting("a", "x" * 100_000)).result(10)
    content = bytearray(path.read_bytes())
    content[100:8000] = b"\xff" * 7900
    path.write_bytes(content)
    assert "is damaged" in refusal(url_of(path))


def test_a_value_that_nobody_of_ours_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(url_of(path)):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO settings VALUES ('a', '{no json')")
    with Store(url_of(path)) as store, pytest.raises(StorageError, match="cannot be read"):
        store.load_settings()


def test_another_programs_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (id)")
    assert "belongs to another program" in refusal(url_of(path))


def test_a_newer_versions_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(url_of(path)):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE llm_repl_schema SET version_num = '9999'")
    assert "newer version of LLM-REPL" in refusal(url_of(path))


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llm_repl_server.storage import sqlite

    path = tmp_path / "a.db"
    monkeypatch.setattr(sqlite, "_WRITE_TIMEOUT_S", 0.05)
    with (
        Store(url_of(path)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"Another program keeps .* locked"):
            store.submit(PutSetting("a", 1)).result(10)
        other.execute("ROLLBACK")
        store.submit(PutSetting("a", 2)).result(10)
        assert store.load_settings() == {"a": 2}


def test_a_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used" in refusal(url_of(tmp_path / "file" / "a.db"))


def test_a_path_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "is not a file" in refusal(url_of(tmp_path / "folder"))


@pytest.mark.skipif(NOT_POSIX or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    assert "cannot be used: Permission denied" in refusal(url_of(folder / "a.db"))


def test_a_failed_opening_can_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("no database, by no means. " * 200)
    store = Store(url_of(path))
    with pytest.raises(StorageError):
        store.open()
    path.unlink()
    with store:
        assert store.load_settings() == {}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "cannot be read"),
        ("", "cannot be read"),
        ("sqlite://", "in a file"),
        ("sqlite:///:memory:", "in a file"),
        ("sqlite:////tmp/a.db?mode=ro", "in a file"),
        ("nodatabase://user:secret@host/name", "cannot be used"),
    ],
)
def test_urls_that_cannot_be_used(url: str, sentence: str) -> None:
    said = refusal(url)
    assert sentence in said
    assert "secret" not in said
