"""The statements that change rows, made once."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from sqlalchemy import bindparam

from llm_repl_server.storage.schema import calls, cells, media, notebooks, runs, settings

__all__ = [
    "count_notebook",
    "delete_cell",
    "delete_notebook",
    "highest_rank",
    "insert_call",
    "insert_cell",
    "insert_media",
    "insert_notebook",
    "insert_run",
    "insert_setting",
    "interrupt_calls",
    "interrupt_runs",
    "mark_stale",
    "previous_rank",
    "rank_of_cell",
    "set_rank",
    "sorted_cell_ids",
    "update_call",
    "update_cell",
    "update_notebook",
    "update_run",
    "update_setting",
]

# Parameters of conditions start with `for_`, since those of values take the columns' names.

# Words of ours are written out: every parameter of these statements is the caller's.
_queued = sa.literal_column("'queued'", sa.Text)
_running = sa.literal_column("'running'", sa.Text)
_interrupted = sa.literal_column("'interrupted'", sa.Text)

_of_notebook = cells.c.notebook_id == bindparam("for_notebook_id")
_of_cell = sa.and_(_of_notebook, cells.c.id == bindparam("for_id"))

insert_notebook = sa.insert(notebooks)
delete_notebook = sa.delete(notebooks).where(notebooks.c.id == bindparam("for_id"))
count_notebook = sa.select(sa.func.count()).where(notebooks.c.id == bindparam("for_id"))


@cache
def update_notebook(columns: tuple[str, ...]) -> sa.Update:
    """Write some columns of a notebook."""
    condition = notebooks.c.id == bindparam("for_id")
    return sa.update(notebooks).where(condition).values({name: bindparam(name) for name in columns})


insert_cell = sa.insert(cells)
update_cell = (
    sa.update(cells)
    .where(_of_cell)
    .values(
        {
            column.name: bindparam(column.name)
            for column in cells.columns
            if column.name not in ("notebook_id", "id", "rank")
        }
    )
)
mark_stale = (
    sa.update(cells)
    .where(_of_cell)
    .values(stale=bindparam("stale"), staleness=bindparam("staleness"))
)
delete_cell = sa.delete(cells).where(_of_cell)

rank_of_cell = sa.select(cells.c.rank).where(_of_cell)
highest_rank = sa.select(sa.func.max(cells.c.rank)).where(_of_notebook)
previous_rank = highest_rank.where(cells.c.rank < bindparam("for_rank"))
sorted_cell_ids = sa.select(cells.c.id).where(_of_notebook).order_by(cells.c.rank)
set_rank = sa.update(cells).where(_of_cell).values(rank=bindparam("rank"))

update_setting = (
    sa.update(settings)
    .where(settings.c.key == bindparam("for_key"))
    .values(value=bindparam("value"))
)
insert_setting = sa.insert(settings)

update_run = (
    sa.update(runs)
    .where(runs.c.id == bindparam("for_id"))
    .values({column.name: bindparam(column.name) for column in runs.columns if column.name != "id"})
)
insert_run = sa.insert(runs)
interrupt_runs = (
    sa.update(runs)
    .where((runs.c.state == _queued) | (runs.c.state == _running))
    .values(state=_interrupted, error=bindparam("error"), ended_at=bindparam("ended_at"))
)

insert_call = sa.insert(calls).values(
    {column.name: bindparam(column.name) for column in calls.columns if column.name != "number"}
)
update_call = (
    sa.update(calls)
    .where(calls.c.id == bindparam("for_id"))
    .values(
        {
            column.name: bindparam(column.name)
            for column in calls.columns
            if column.name not in ("number", "id", "owner")
        }
    )
)
interrupt_calls = (
    sa.update(calls)
    .where(calls.c.state == _running, calls.c.owner == bindparam("for_owner"))
    .values(state=_interrupted, error=bindparam("error"))
)

# Only where it is not there: there is one writer, so that nobody can come in between.
insert_media = sa.insert(media).from_select(
    ["sha256", "data"],
    sa.select(bindparam("sha256", type_=sa.Text), bindparam("data", type_=sa.LargeBinary)).where(
        ~sa.exists().where(media.c.sha256 == bindparam("for_sha256"))
    ),
)
