"""Words in names, cells and outputs of notebooks: read when they are looked for, without an index.

An index would have to be kept by every run of every cell, which would take longer than a search does:
some 0.1 s for 1,000 notebooks of 20 cells, 43 MB. What is looked at is bounded by bytes and by time.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import sqlalchemy as sa
from msgspec import Struct

from llm_repl_server.storage.columns import decode_json, decode_text, encode_text
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.schema import cells, notebooks

__all__ = ["CellHit", "NotebookHits", "NotebookSearch", "SearchPage", "word_pattern"]

_AT_ONCE: Final = 100
"""How many notebooks a query looks at."""

_MOST_CHARS: Final = 1_000_000
"""Of a cell's text or outputs: what is behind is not looked at."""

_earlier = cells.alias("earlier")
_number_of_cell = (
    sa.select(sa.func.count())
    .select_from(_earlier)
    .where(_earlier.c.notebook_id == cells.c.notebook_id, _earlier.c.rank <= cells.c.rank)
    .scalar_subquery()
)
_headers = (
    sa.select(notebooks.c.id, notebooks.c.name, notebooks.c.updated_at)
    .where(notebooks.c.deleted_at.is_(None))
    .order_by(notebooks.c.updated_at.desc(), notebooks.c.id)
)


class CellHit(Struct, frozen=True, kw_only=True):
    """A cell that has all words.

    Attributes:
        cell_id: Its id.
        number: Its place, from 1.
        type: Its type.
        text: Its source.
        output: What its outputs say as plain text.
    """

    cell_id: str
    number: int
    type: str
    text: str
    output: str


class NotebookHits(Struct, kw_only=True):
    """A notebook that has all words, in its name or in one of its cells.

    Attributes:
        id: Its id.
        name: Its name.
        cells: The first cells that have them.
        more: Whether there are further ones.
    """

    id: str
    name: str
    cells: list[CellHit]
    more: bool


class SearchPage(Struct, frozen=True, kw_only=True):
    """A page of what was found.

    Attributes:
        notebooks: The latest edited first.
        after: The id of the notebook up to which was looked, where there are more; else None.
    """

    notebooks: list[NotebookHits]
    after: str | None


class NotebookSearch:
    """Looks for words in notebooks.

    Args:
        connection: The database, which whoever opened it closes.
    """

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    def find(
        self,
        words: Sequence[str],
        *,
        after: str | None = None,
        limit: int = 20,
        cells_each: int = 3,
        time_limit_s: float = 2.0,
    ) -> SearchPage:
        """A page of the notebooks that have all words, in the name or together in a cell.

        Args:
            words: As typed; capital letters do not matter.
            after: A notebook's id: only those that come behind it.
            limit: How many notebooks at most.
            cells_each: How many cells of each at most.
            time_limit_s: After it, the page ends where the search has got to.

        Raises:
            StorageError: The database cannot be read.
        """
        deadline_s = time.monotonic() + time_limit_s
        patterns = [word_pattern([word]) for word in words]
        found: list[NotebookHits] = []
        with self._connection.reading() as connection:
            headers = [(row[0], decode_text(row[1])) for row in connection.execute(_headers)]
            if after is not None:
                ids = [notebook_id for notebook_id, _ in headers]
                key = encode_text(after)
                headers = headers[ids.index(key) + 1 :] if key in ids else []
            for start in range(0, len(headers), _AT_ONCE):
                chunk = headers[start : start + _AT_ONCE]
                hits = self._cells(
                    connection, words, patterns, [each[0] for each in chunk], cells_each
                )
                for position, (notebook_id, name) in enumerate(chunk, start=start + 1):
                    in_cells = hits.get(notebook_id, [])
                    if not in_cells and not _has_all(patterns, name):
                        continue
                    found.append(
                        NotebookHits(
                            id=decode_text(notebook_id),
                            name=name,
                            cells=in_cells[:cells_each],
                            more=len(in_cells) > cells_each,
                        )
                    )
                    if len(found) == limit:
                        is_last = position == len(headers)
                        return SearchPage(notebooks=found, after=None if is_last else found[-1].id)
                if time.monotonic() > deadline_s and start + _AT_ONCE < len(headers):
                    return SearchPage(notebooks=found, after=decode_text(chunk[-1][0]))
        return SearchPage(notebooks=found, after=None)

    def _cells(
        self,
        connection: sa.Connection,
        words: Sequence[str],
        patterns: Sequence[re.Pattern[str]],
        notebook_ids: Sequence[str],
        cells_each: int,
    ) -> dict[str, list[CellHit]]:
        """By the notebook, the cells that have all words: one more than are shown, at most."""
        query = (
            sa.select(
                cells.c.notebook_id,
                cells.c.id,
                cells.c.type,
                sa.func.substr(cells.c.content, 1, _MOST_CHARS),
                sa.func.substr(cells.c.outputs, 1, _MOST_CHARS),
                _number_of_cell,
            )
            .where(cells.c.notebook_id.in_(notebook_ids), *map(self._has_word, words))
            .order_by(cells.c.notebook_id, cells.c.rank)
        )
        hits: dict[str, list[CellHit]] = {}
        for notebook_id, cell_id, kind, content, outputs, number in connection.execute(query):
            so_far = hits.setdefault(notebook_id, [])
            if len(so_far) > cells_each:
                continue
            text, output = decode_text(content), "\n".join(_texts(outputs))
            # The database also finds what is a name in JSON.
            if _has_all(patterns, f"{text}\n{output}"):
                so_far.append(
                    CellHit(
                        cell_id=decode_text(cell_id),
                        number=number,
                        type=kind,
                        text=text,
                        output=output,
                    )
                )
        return hits

    def _has_word(self, word: str) -> sa.ColumnElement[bool]:
        # Some databases know the capitals of ASCII alone.
        forms = {word}
        if not word.isascii():
            forms |= {word.lower(), word.upper(), word.capitalize()}
        return sa.or_(
            *(
                column.like(f"%{_literal(form)}%", escape="\\")
                if self._connection.backend.like_ignores_case
                else column.ilike(f"%{_literal(form)}%", escape="\\")
                for shown in sorted(forms)
                for column, form in (
                    (cells.c.content, encode_text(shown)),
                    (cells.c.outputs, encode_text(json.dumps(shown, ensure_ascii=False)[1:-1])),
                )
            )
        )


def word_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern of any of the words, capital letters aside."""
    return re.compile("|".join(map(re.escape, words)), re.IGNORECASE)


def _has_all(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    return all(pattern.search(text) for pattern in patterns)


def _literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _texts(outputs: str) -> Iterator[str]:
    """What outputs say; where they are cut off, what of it is there."""
    try:
        documents = decode_json(outputs)
    except ValueError:
        yield decode_text(outputs)
        return
    for document in documents if isinstance(documents, list) else []:
        content = document.get("content") if isinstance(document, dict) else None
        if isinstance(content, str):
            yield content
