"""The migrations make the tables that the program expects, and come with the package."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import llm_repl_server.storage
from llm_repl_core.errors import StorageError
from llm_repl_server.storage.migrate import migrate
from llm_repl_server.storage.schema import SCHEMA_VERSION, metadata, version_table_name
from llm_repl_server.storage.store import Store

FOLDER = Path(llm_repl_server.storage.__file__).parent
PACKAGE = Path(__file__).parents[2]


def config(connection: sa.Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", "llm_repl_server.storage:migrations")
    made.attributes["connection"] = connection
    return made


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = sa.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    yield made
    made.dispose()


def test_the_migrations_make_the_tables_of_the_schema(engine: sa.Engine) -> None:
    migrate(engine, "here")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": version_table_name, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
        assert context.get_current_heads() == (SCHEMA_VERSION,)
        names = {fk["name"] for fk in sa.inspect(connection).get_foreign_keys("cells")}
        assert names == {"fk_cells_notebook_id"}


def test_there_is_one_newest_migration_and_the_program_names_it() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [SCHEMA_VERSION]


def test_migrating_twice_is_migrating_once(engine: sa.Engine) -> None:
    migrate(engine, "here")
    migrate(engine, "here")
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {
            version_table_name,
            *metadata.tables,
        }


def test_every_migration_can_be_taken_back(engine: sa.Engine) -> None:
    migrate(engine, "here")
    with engine.begin() as connection:
        command.downgrade(config(connection), "base")
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == [version_table_name]
    migrate(engine, "here")


def test_a_failed_migration_leaves_nothing_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise sa.exc.OperationalError("CREATE TABLE", {}, Exception("no more"))

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", fail)
        with pytest.raises(StorageError, match="no more"):
            Store(database_url).open()
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()
    with Store(database_url) as store:
        assert store.list_notebooks() == []


def test_opening_a_current_database_does_not_load_alembic(database_url: str) -> None:
    with Store(database_url):
        pass
    code = (
        "import sys; from llm_repl_server.storage.store import Store\n"
        "with Store(sys.argv[1]): assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, database_url], check=True, timeout=60)


def test_the_migrations_are_in_the_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=PACKAGE,
        check=True,
        capture_output=True,
        timeout=60,
    )
    [wheel] = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    here = {
        f"llm_repl_server/storage/{path.relative_to(FOLDER)}"
        for path in (FOLDER / "migrations").rglob("*")
        if path.suffix in {".py", ".mako"}
    }
    assert len(here) >= 4
    assert here <= packed


def test_one_file_alone_knows_sqlite() -> None:
    told = {
        path.name: sorted(set(re.findall(r"(?i)\bPRAGMA\b|\w*sqlite\w*", path.read_text())))
        for path in FOLDER.rglob("*.py")
        if path.name != "sqlite.py"
    }
    told = {name: words for name, words in told.items() if words}
    # The URL in docstrings and messages, and the one place that picks a backend.
    assert told == {
        "backends.py": ["SQLiteBackend", "sqlite"],
        "store.py": ["sqlite"],
    }
