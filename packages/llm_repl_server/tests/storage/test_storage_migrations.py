"""The migrations make the tables that the program expects, and come with the package."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

import llm_repl_server.storage
from llm_repl_core.errors import StorageError
from llm_repl_core.model.cell import CodeCell, ForeignCell, PromptCell
from llm_repl_server.storage import statements
from llm_repl_server.storage.backend import Backend
from llm_repl_server.storage.call_filter import CallFilter, conditions_of
from llm_repl_server.storage.migrate import migrate
from llm_repl_server.storage.schema import SCHEMA_VERSION, calls, metadata, version_table_name
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


def by_migrations(engine: sa.Engine, revision: str = SCHEMA_VERSION) -> None:
    with engine.begin() as connection:
        command.upgrade(config(connection), revision)


def made_tables(engine: sa.Engine) -> dict[str, object]:
    """All that the system says of the tables, in no order."""
    made: dict[str, object] = {}
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for name in inspector.get_table_names():
            columns = [dict(column) for column in inspector.get_columns(name)]
            for column in columns:
                column["type"] = str(column["type"])
                if (name, column["name"]) == ("runs", "number"):
                    del column["default"]  # a migration of a table that has rows needs one
            [text] = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)
            ).scalars()
            made[name] = (
                sorted(columns, key=str),
                inspector.get_pk_constraint(name),
                sorted(inspector.get_indexes(name), key=str),
                inspector.get_foreign_keys(name),
                inspector.get_unique_constraints(name),
                inspector.get_check_constraints(name),
                "AUTOINCREMENT" in text,
                "WITHOUT ROWID" in text,
            )
    return made


def test_a_new_database_is_what_the_migrations_make(engine: sa.Engine, tmp_path: Path) -> None:
    migrate(engine, "here")
    other = sa.create_engine(f"sqlite:///{tmp_path / 'b.db'}")
    by_migrations(other)
    assert made_tables(engine) == made_tables(other)
    with engine.connect() as new, other.connect() as upgraded:
        query = sa.text(f"SELECT * FROM {version_table_name}")
        assert new.execute(query).all() == upgraded.execute(query).all() == [(SCHEMA_VERSION,)]
    other.dispose()


@pytest.mark.parametrize("make", [lambda engine: migrate(engine, "here"), by_migrations])
def test_the_migrations_make_the_tables_of_the_schema(
    engine: sa.Engine, make: Callable[[sa.Engine], None]
) -> None:
    make(engine)
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


def test_a_database_of_the_first_version_keeps_all(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        time = "2026-01-31T10:00:00.000005Z+02:00"
        connection.exec_driver_sql(
            "INSERT INTO notebooks VALUES ('n', 'Old', ?, ?, '{\"a\":1}', '{}', '[\"x\"]', '{}')",
            (time, time),
        )
        prompt = (
            '{"model":"m","temperature":0.5,"response_var":"r","provider":null,"parameters":{}}'
        )
        for rank, (cell_id, kind, options) in enumerate(
            [("a", "code", "{}"), ("b", "prompt", prompt), ("c", "unheard-of", None)]
        ):
            connection.exec_driver_sql(
                "INSERT INTO cells VALUES ('n', ?, ?, ?, 'x = 1', '[]', 'completed', 3, ?, '{}', "
                "'{}', ?)",
                (cell_id, rank, kind, options, time),
            )
        connection.exec_driver_sql("INSERT INTO settings VALUES ('k', '[1]')")
    engine.dispose()

    for _ in range(2):  # the second opening finds it up to date
        with Store(url) as store:
            loaded = store.load_notebook("n")
            assert loaded is not None
            assert loaded.name == "Old"
            assert loaded.metadata == {"a": 1}
            assert loaded.cells == (
                CodeCell(id="a", content="x = 1", status="completed", execution_count=3),
                PromptCell(
                    id="b",
                    content="x = 1",
                    status="completed",
                    execution_count=3,
                    model="m",
                    temperature=0.5,
                    response_var="r",
                ),
                ForeignCell(
                    id="c",
                    content="x = 1",
                    status="completed",
                    execution_count=3,
                    foreign_type="unheard-of",
                ),
            )
            assert store.load_settings() == {"k": [1]}
            assert store.calls.list_calls() == []
            assert store.runs.list_runs("n") == []


def test_calls_from_before_reasoning_was_kept_are_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config(connection), "0002")
        columns = sa.inspect(connection).get_columns("calls")
        given = {column["name"]: 0 if "INT" in str(column["type"]) else "x" for column in columns}
        given |= dict.fromkeys(column["name"] for column in columns if column["nullable"])
        given |= {"id": "c", "state": "completed", "started_at": "2026-01-31T10:00:00.000005Z"}
        given |= {"attempts": "[]", "tool_calls": "[]", "request": "{}", "body": "{}"}
        given |= {"source": "live", "number": 1}
        names = ", ".join(f'"{name}"' for name in given)
        marks = ", ".join("?" for _ in given)
        connection.exec_driver_sql(
            f"INSERT INTO calls ({names}) VALUES ({marks})", tuple(given.values())
        )
    engine.dispose()
    with Store(url) as store:
        [call] = store.calls.list_calls()
        assert (call.id, call.text, call.reasoning, call.provider_data) == ("c", "x", "", {})


def test_runs_from_before_they_were_numbered_keep_their_order(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config(connection), "0003")
        connection.exec_driver_sql(
            "INSERT INTO notebooks VALUES ('n', 'Old', ?, ?, '{}', '{}', '[]', '{}')",
            ("2026-01-31T10:00:00.000000Z", "2026-01-31T10:00:00.000000Z"),
        )
        for run_id, hour in (("late", 12), ("early", 10), ("middle", 11)):
            connection.exec_driver_sql(
                "INSERT INTO runs VALUES (?, 'n', 'completed', 'cells', '[]', 'live', 0, 0, NULL, "
                "NULL, ?, NULL, NULL)",
                (run_id, f"2026-01-31T{hour}:00:00.000000Z"),
            )
    engine.dispose()
    with Store(url) as store:
        assert [run.id for run in store.runs.list_runs("n")] == ["late", "middle", "early"]
        assert store.runs.last_run_number() == 3


def test_tables_and_statements_can_be_said_to_other_databases() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # it has no types
    for table in metadata.sorted_tables:
        assert ("SERIAL" in str(CreateTable(table).compile(dialect=dialect))) == (table is calls)
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))
    for name in statements.__all__:
        statement = getattr(statements, name)
        if isinstance(statement, sa.sql.ClauseElement):
            # The writer hands statements to the driver as they are compiled.
            assert "POSTCOMPILE" not in str(statement.compile(dialect=dialect))
    wanted = CallFilter(search="two words", state="interrupted", notebook_id="n")
    search = Backend(sa.make_url("sqlite://")).search_condition
    for condition in conditions_of(wanted, ["gone"], search):
        assert str(condition.compile(dialect=dialect))


def refuse(*arguments: object, **options: object) -> None:
    raise sa.exc.OperationalError("CREATE TABLE", {}, Exception("no more"))


def test_tables_that_cannot_be_made_leave_nothing_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.sql.dml.Insert.values", refuse)  # of the version, the last step
        with pytest.raises(StorageError, match="no more"):
            Store(database_url).open()
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()
    with Store(database_url) as store:
        assert store.list_notebooks() == []


def test_a_failed_migration_leaves_the_earlier_version(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(database_url.removeprefix("sqlite:///")).parent.mkdir()
    engine = sa.create_engine(database_url)
    by_migrations(engine, "0001")
    before = made_tables(engine)
    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", refuse)
        with pytest.raises(StorageError, match="no more"):
            Store(database_url).open()
    assert made_tables(engine) == before
    engine.dispose()
    with Store(database_url) as store:
        assert store.list_notebooks() == []


@pytest.mark.parametrize("is_new", [True, False])
def test_opening_a_current_database_does_not_load_alembic(
    database_url: str, *, is_new: bool
) -> None:
    if not is_new:
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


def test_two_files_alone_know_sqlite() -> None:
    told = {
        path.name: sorted(set(re.findall(r"(?i)\bPRAGMA\b|\w*sqlite\w*", path.read_text())))
        for path in FOLDER.rglob("*.py")
        if path.name not in ("sqlite.py", "sqlite_search.py")
    }
    told = {name: words for name, words in told.items() if words}
    # The URL in docstrings and messages, and the one place that picks a backend.
    assert told == {
        "connection.py": ["SQLiteBackend", "sqlite"],
        "call_log.py": ["sqlite"],
        "store.py": ["sqlite"],
    }
