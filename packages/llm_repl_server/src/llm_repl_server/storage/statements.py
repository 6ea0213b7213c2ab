"""The statements that change rows, made once."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from sqlalchemy import bindparam

from llm_repl_server.storage.schema import (
    binned_cells,
    calls,
    cells,
    media,
    notebook_files,
    notebooks,
    runs,
    settings,
)

__all__ = [
    "bin_cell",
    "bin_notebook",
    "copy_binned_notebook",
    "count_notebook",
    "delete_binned_cell",
    "delete_binned_notebook",
    "delete_cell",
    "delete_notebook",
    "delete_notebook_file",
    "hand_over_to_notebook",
    "highest_rank",
    "insert_call",
    "insert_cell",
    "insert_media",
    "insert_notebook",
    "insert_notebook_file",
    "insert_run",
    "insert_setting",
    "interrupt_calls",
    "interrupt_runs",
    "mark_file_pending",
    "mark_stale",
    "previous_rank",
    "purge_binned_cells",
    "purge_binned_notebooks",
    "purge_surplus_cells",
    "purge_surplus_notebooks",
    "rank_of_binned_cell",
    "rank_of_cell",
    "rename_binned_cell",
    "set_binned_rank",
    "set_rank",
    "sorted_cells_and_binned",
    "unbin_notebook",
    "update_call",
    "update_cell",
    "update_notebook",
    "update_notebook_file",
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

insert_notebook = sa.insert(notebooks).values(
    {
        column.name: bindparam(column.name)
        for column in notebooks.columns
        if column.name != "deleted_at"
    }
)
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
set_rank = sa.update(cells).where(_of_cell).values(rank=bindparam("rank"))

# The bin. A cell leaves its table, so that whoever reads cells need not know of it; a notebook only
# gets a mark, so that what belongs to it stays.
bin_cell = sa.insert(binned_cells).from_select(
    [*(column.name for column in cells.columns), "deleted_at"],
    sa.select(*cells.columns, bindparam("deleted_at", type_=sa.Text)).where(_of_cell),
)
_of_binned_cell = sa.and_(
    binned_cells.c.notebook_id == bindparam("for_notebook_id"),
    binned_cells.c.id == bindparam("for_id"),
)
rank_of_binned_cell = sa.select(binned_cells.c.rank).where(_of_binned_cell)
delete_binned_cell = sa.delete(binned_cells).where(_of_binned_cell)
rename_binned_cell = sa.update(binned_cells).where(_of_binned_cell).values(id=bindparam("new_id"))
set_binned_rank = sa.update(binned_cells).where(_of_binned_cell).values(rank=bindparam("rank"))
sorted_cells_and_binned = sa.union_all(
    sa.select(
        cells.c.id, cells.c.rank, sa.literal_column("0", sa.Integer).label("is_binned")
    ).where(_of_notebook),
    sa.select(binned_cells.c.id, binned_cells.c.rank, sa.literal_column("1", sa.Integer)).where(
        binned_cells.c.notebook_id == bindparam("for_binned_of")
    ),
).order_by("rank", "is_binned", "id")

_binned = notebooks.c.deleted_at.is_not(None)
bin_notebook = (
    sa.update(notebooks)
    .where(notebooks.c.id == bindparam("for_id"), notebooks.c.deleted_at.is_(None))
    .values(deleted_at=bindparam("deleted_at"))
)
unbin_notebook = (
    sa.update(notebooks)
    .where(notebooks.c.id == bindparam("for_id"), _binned)
    .values(deleted_at=sa.null())
)
copy_binned_notebook = sa.insert(notebooks).from_select(
    [column.name for column in notebooks.columns],
    sa.select(
        bindparam("new_id", type_=sa.Text),
        *(column for column in notebooks.columns if column.name != "id"),
    ).where(notebooks.c.id == bindparam("for_id"), _binned),
)
hand_over_to_notebook = tuple(
    sa.update(table)
    .where(table.c.notebook_id == bindparam("for_id"))
    .values(notebook_id=bindparam("new_id"))
    for table in (cells, binned_cells, runs, notebook_files)
)
_of_file = notebook_files.c.notebook_id == bindparam("for_id")
insert_notebook_file = sa.insert(notebook_files).values(
    {column.name: bindparam(column.name) for column in notebook_files.columns}
)
update_notebook_file = (
    sa.update(notebook_files)
    .where(_of_file)
    .values(
        {
            column.name: bindparam(column.name)
            for column in notebook_files.columns
            if column.name != "notebook_id"
        }
    )
)
mark_file_pending = sa.update(notebook_files).where(_of_file).values(is_pending=sa.true())
delete_notebook_file = sa.delete(notebook_files).where(_of_file)
delete_binned_notebook = sa.delete(notebooks).where(notebooks.c.id == bindparam("for_id"), _binned)
purge_binned_notebooks = sa.delete(notebooks).where(
    notebooks.c.deleted_at < bindparam("for_deleted_before")
)
purge_binned_cells = sa.delete(binned_cells).where(
    binned_cells.c.deleted_at < bindparam("for_deleted_before")
)
_ranked_notebooks = (
    sa.select(
        notebooks.c.id,
        sa.func.row_number()
        .over(order_by=(notebooks.c.deleted_at.desc(), notebooks.c.id))
        .label("place"),
    )
    .where(_binned)
    .subquery()
)
purge_surplus_notebooks = sa.delete(notebooks).where(
    notebooks.c.id.in_(
        sa.select(_ranked_notebooks.c.id).where(_ranked_notebooks.c.place > bindparam("for_limit"))
    )
)
_ranked_cells = sa.select(
    binned_cells.c.notebook_id,
    binned_cells.c.id,
    sa.func.row_number()
    .over(
        partition_by=binned_cells.c.notebook_id,
        order_by=(binned_cells.c.deleted_at.desc(), binned_cells.c.rank, binned_cells.c.id),
    )
    .label("place"),
).subquery()
purge_surplus_cells = sa.delete(binned_cells).where(
    sa.exists().where(
        _ranked_cells.c.notebook_id == binned_cells.c.notebook_id,
        _ranked_cells.c.id == binned_cells.c.id,
        _ranked_cells.c.place > bindparam("for_limit"),
    )
)

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
