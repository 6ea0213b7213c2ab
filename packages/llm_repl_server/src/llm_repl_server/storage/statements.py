"""The statements that change rows, made once."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from sqlalchemy import bindparam

from llm_repl_server.storage.schema import cells, notebooks, settings

__all__ = [
    "count_notebook",
    "delete_cell",
    "delete_notebook",
    "highest_rank",
    "insert_cell",
    "insert_notebook",
    "insert_setting",
    "previous_rank",
    "rank_of_cell",
    "set_rank",
    "sorted_cell_ids",
    "update_cell",
    "update_notebook",
    "update_setting",
]

# Parameters of conditions start with `for_`, since those of values take the columns' names.

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
