"""Full text over calls by SQLite's FTS5: words of messages and answers, without their accents.

Triggers keep the index, so that every program that writes calls keeps it. A call is put in when it
has ended: once, since that is what costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from llm_repl_server.storage.backend import changing
from llm_repl_server.storage.schema import calls

__all__ = ["prepare_search", "search_condition"]

# The texts themselves stay in `calls`; to take one out of the index, FTS5 has to be told it again.
_TABLE = """
    CREATE VIRTUAL TABLE call_search USING fts5(
        messages, text, content = 'calls', content_rowid = 'number', columnsize = 0,
        tokenize = "unicode61 remove_diacritics 2"
    )
"""
_INSERTION = """
    INSERT INTO call_search (rowid, messages, text)
    SELECT NEW.number, NEW.messages, NEW.text WHERE NEW.state <> 'running';
"""
_DELETION = """
    INSERT INTO call_search (call_search, rowid, messages, text)
    SELECT 'delete', OLD.number, OLD.messages, OLD.text WHERE OLD.state <> 'running';
"""
_TRIGGERS = {
    "call_search_insert": f"AFTER INSERT ON calls BEGIN {_INSERTION} END",
    "call_search_update": f"AFTER UPDATE ON calls BEGIN {_DELETION} {_INSERTION} END",
    "call_search_delete": f"AFTER DELETE ON calls BEGIN {_DELETION} END",
}
_FILL = """
    INSERT INTO call_search (rowid, messages, text)
    SELECT number, messages, text FROM calls WHERE state <> 'running'
"""


def prepare_search(engine: sa.Engine) -> bool:
    """Make the index, fill it where it is new, and see whether it works.

    Where this build of SQLite has no FTS5, or none that can use the index that is there, the
    triggers are dropped, which would make every call fail; a build that has it makes all anew.

    Returns:
        Whether there is an index.
    """
    with engine.connect() as connection:
        found = _find(connection)
        works = _works(connection, "SELECT rowid FROM call_search LIMIT 0")
    if works and found == {"call_search", *_TRIGGERS}:
        return True
    with changing(engine) as connection:
        for name in _find(connection) & set(_TRIGGERS):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        if "call_search" in found:
            if not works:
                return False
            connection.exec_driver_sql("DROP TABLE call_search")
        if not _works(connection, _TABLE):
            return False
        for name, trigger in _TRIGGERS.items():
            connection.exec_driver_sql(f"CREATE TRIGGER {name} {trigger}")
        connection.exec_driver_sql(_FILL)
    return True


def search_condition(words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Which calls have all words, or words that begin with them, in messages or answer.

    Args:
        words: Any text; what has a meaning in FTS5's language has none here.
    """
    quoted = ('"' + word.replace('"', '""') + '"*' for word in words)
    matching = sa.text("SELECT rowid FROM call_search WHERE call_search MATCH :call_search_query")
    matching = matching.bindparams(call_search_query=" ".join(quoted))
    return calls.c.number.in_(matching.columns(sa.column("rowid", sa.Integer)))


def _find(connection: sa.Connection) -> set[str]:
    names = connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE name IN "
        "('call_search', 'call_search_insert', 'call_search_update', 'call_search_delete')"
    )
    return set(names.scalars())


def _works(connection: sa.Connection, statement: str) -> bool:
    try:
        connection.exec_driver_sql(statement)
    except sa.exc.OperationalError:
        return False
    return True
