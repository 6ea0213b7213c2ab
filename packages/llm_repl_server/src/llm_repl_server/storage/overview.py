"""What the list of notebooks shows of each, besides its name: how it is, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from llm_repl_server.storage.columns import decode_json, decode_text, decode_time, encode_text
from llm_repl_server.storage.connection import DatabaseConnection
from llm_repl_server.storage.rows import decode_staleness
from llm_repl_server.storage.schema import calls, cells, notebook_files, notebooks

__all__ = ["NotebookOverview", "OverviewStore", "StoredNotebook"]

_LEAD_CHARS = 2000

_earlier = cells.alias("earlier")


class NotebookOverview(Struct, frozen=True, kw_only=True):
    """How a notebook is.

    Attributes:
        id: Its id.
        mode: What it says of where answers come from, or None.
        lead: Its first text.
        cells: How many of its cells can be run.
        ended: How many of those have run.
        stale: How many of its cells are stale.
        failed: The number of the first cell that failed, from 1, or None.
        stale_variable: The variable that has made the first of its cells stale, or None.
        asked: For how many answers its prompts have asked: for each item one.
        recorded: How many of them are recorded.
        path: The file that it lives in, absolute, or None.
        price_usd: What its live calls have cost.
    """

    id: str
    mode: str | None
    lead: str
    cells: int
    ended: int
    stale: int
    failed: int | None
    stale_variable: str | None
    asked: int
    recorded: int
    path: str | None
    price_usd: float


class StoredNotebook(Struct, frozen=True, kw_only=True):
    """A notebook of the database.

    Attributes:
        id: Its id.
        name: What people call it.
        cells: How many cells it has.
        prompts: How many of them are prompts.
        updated_at: When it was changed.
    """

    id: str
    name: str
    cells: int
    prompts: int
    updated_at: datetime


class OverviewStore:
    """Reads how notebooks are, many at once.

    Args:
        connection: The database, which whoever opened it closes.
    """

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    def latest(self, limit: int) -> list[StoredNotebook]:
        """The notebooks that are not in the bin, the one first that was changed last.

        Args:
            limit: How many at most.

        Raises:
            StorageError: The database cannot be read.
        """
        is_prompt = cells.c.type.in_(("prompt", "PromptCell"))
        counts = (
            sa.select(
                cells.c.notebook_id,
                sa.func.count().label("cells"),
                sa.func.sum(sa.case((is_prompt, 1), else_=0)).label("prompts"),
            )
            .group_by(cells.c.notebook_id)
            .subquery()
        )
        query = (
            sa.select(
                notebooks.c.id,
                notebooks.c.name,
                sa.func.coalesce(counts.c.cells, 0),
                sa.func.coalesce(counts.c.prompts, 0),
                notebooks.c.updated_at,
            )
            .outerjoin(counts, counts.c.notebook_id == notebooks.c.id)
            .where(notebooks.c.deleted_at.is_(None))
            .order_by(notebooks.c.updated_at.desc(), notebooks.c.id)
            .limit(limit)
        )
        with self._connection.reading() as connection:
            return [
                StoredNotebook(
                    id=decode_text(row[0]),
                    name=decode_text(row[1]),
                    cells=row[2],
                    prompts=row[3],
                    updated_at=decode_time(row[4]),
                )
                for row in connection.execute(query)
            ]

    def read(self, notebook_ids: Sequence[str]) -> list[NotebookOverview]:
        """How notebooks are, in the order that is given; those that are gone are left out.

        Raises:
            StorageError: The database cannot be read.
        """
        keys = [encode_text(each) for each in notebook_ids]
        runs = cells.c.type.not_in(("markdown", "MarkdownCell"))
        is_failed = sa.and_(cells.c.status == "error", runs)
        counted = (
            sa.select(
                cells.c.notebook_id,
                sa.func.sum(sa.case((runs, 1), else_=0)),
                sa.func.sum(sa.case((sa.and_(runs, cells.c.status != "idle"), 1), else_=0)),
                sa.func.sum(sa.case((cells.c.stale, 1), else_=0)),
                sa.func.min(sa.case((is_failed, cells.c.rank))),
            )
            .where(cells.c.notebook_id.in_(keys))
            .group_by(cells.c.notebook_id)
        )
        of_variable = sa.and_(cells.c.stale, cells.c.staleness.like('%"variable":"%'))
        reason_rank = (
            sa.select(sa.func.min(_earlier.c.rank))
            .where(
                _earlier.c.notebook_id == cells.c.notebook_id,
                _earlier.c.stale,
                _earlier.c.staleness.like('%"variable":"%'),
            )
            .scalar_subquery()
        )
        reasons = sa.select(cells.c.notebook_id, cells.c.staleness).where(
            cells.c.notebook_id.in_(keys), of_variable, cells.c.rank == reason_rank
        )
        text_rank = (
            sa.select(sa.func.min(_earlier.c.rank))
            .where(
                _earlier.c.notebook_id == cells.c.notebook_id,
                _earlier.c.type.in_(("markdown", "MarkdownCell")),
            )
            .scalar_subquery()
        )
        leads = sa.select(
            cells.c.notebook_id, sa.func.substr(cells.c.content, 1, _LEAD_CHARS)
        ).where(cells.c.notebook_id.in_(keys), cells.c.rank == text_rank)
        spent = (
            sa.select(calls.c.notebook_id, sa.func.coalesce(sa.func.sum(calls.c.price_usd), 0.0))
            .where(calls.c.notebook_id.in_(keys), calls.c.source == "live")
            .group_by(calls.c.notebook_id)
        )
        place = calls.c.cell_id + "/" + sa.func.coalesce(sa.cast(calls.c.item, sa.Text), "")
        is_recorded = sa.and_(calls.c.source == "live", calls.c.state == "completed")
        on_record = (
            sa.select(
                calls.c.notebook_id,
                sa.func.count(sa.distinct(place)),
                sa.func.count(sa.distinct(sa.case((is_recorded, place)))),
            )
            .select_from(
                calls.join(
                    cells,
                    sa.and_(
                        cells.c.notebook_id == calls.c.notebook_id, cells.c.id == calls.c.cell_id
                    ),
                )
            )
            .where(calls.c.notebook_id.in_(keys))
            .group_by(calls.c.notebook_id)
        )
        files = sa.select(notebook_files.c.notebook_id, notebook_files.c.path).where(
            notebook_files.c.notebook_id.in_(keys)
        )
        with self._connection.reading() as connection:
            header = sa.select(notebooks.c.id, notebooks.c.metadata).where(
                notebooks.c.id.in_(keys), notebooks.c.deleted_at.is_(None)
            )
            own = {row[0]: row[1] for row in connection.execute(header)}
            counts = {row[0]: tuple(row[1:]) for row in connection.execute(counted)}
            texts = {row[0]: row[1] for row in connection.execute(leads)}
            prices = {row[0]: row[1] for row in connection.execute(spent)}
            answers = {row[0]: (row[1], row[2]) for row in connection.execute(on_record)}
            paths = {row[0]: decode_text(row[1]) for row in connection.execute(files)}
            variables = {row[0]: _variable(row[1]) for row in connection.execute(reasons)}
            numbers = self._numbers(connection, counts)
        return [
            NotebookOverview(
                id=decode_text(key),
                mode=_mode(own[key]),
                lead=decode_text(texts.get(key, "")),
                cells=counts[key][0] if key in counts else 0,
                ended=counts[key][1] if key in counts else 0,
                stale=counts[key][2] if key in counts else 0,
                failed=numbers.get(key),
                stale_variable=variables.get(key),
                asked=answers[key][0] if key in answers else 0,
                recorded=answers[key][1] if key in answers else 0,
                path=paths.get(key),
                price_usd=float(prices.get(key, 0.0)),
            )
            for key in keys
            if key in own
        ]

    def _numbers(
        self, connection: sa.Connection, counts: dict[str, tuple[Any, ...]]
    ) -> dict[str, int]:
        """The numbers of the first cells that failed, from 1."""
        numbers = {}
        for key, row in counts.items():
            if row[3] is not None:
                place = (
                    sa.select(sa.func.count())
                    .select_from(cells)
                    .where(cells.c.notebook_id == key, cells.c.rank <= row[3])
                )
                numbers[key] = connection.execute(place).scalar_one()
        return numbers


def _variable(column: str) -> str | None:
    """The first variable that has changed, among the reasons why a cell is stale."""
    reasons = decode_staleness(column).reasons
    changed = (reason for reason in reasons if reason.kind in ("variable", "edited"))
    return next((reason.variable for reason in changed if reason.variable), None)


def _mode(metadata: str) -> str | None:
    own = decode_json(metadata).get("llm_repl")
    mode = own.get("mode") if isinstance(own, dict) else None
    return mode if isinstance(mode, str) else None
