"""``/api/search`` and ``/api/overview``: all notebooks and calls at once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from llm_repl_server.api.resource import Resource, services
from llm_repl_server.services.search import OverviewList, SearchResult

__all__ = ["search"]

search = Resource("search")


class SearchQuery(Struct):
    """What to look for."""

    q: Annotated[
        str,
        Meta(
            pattern=r"\S",
            max_length=200,
            description="Words; all of them have to be there. Capital letters do not matter.",
            examples=["ice cream"],
        ),
    ]
    cursor: Annotated[
        str | None, Meta(description="The `next` of the page before; not given: the first page.")
    ] = None
    limit: Annotated[int, Meta(ge=1, le=100, description="The most notebooks on a page.")] = 20


class OverviewQuery(Struct):
    """Of which notebooks."""

    ids: Annotated[
        str,
        Meta(
            # What an address has room for, each character written as three.
            pattern=r"^[A-Za-z0-9_.~!$&'()*+;=:@,-]*$",
            max_length=2500,
            description="Ids of notebooks with commas between them: some 60 of them.",
        ),
    ] = ""


@search.operation("GET", "/api/search")
def search_all(query: SearchQuery) -> SearchResult:
    """Find words in the names, cells and outputs of all notebooks, and in calls."""
    return services().loop.call(
        services().search.search(query.q, cursor=query.cursor, limit=query.limit)
    )


@search.operation("GET", "/api/overview")
def show_overview(query: OverviewQuery) -> OverviewList:
    """Tell how notebooks are: what runs, failed or is stale, their first text, and what they cost."""
    ids = list(dict.fromkeys(filter(None, query.ids.split(","))))[:100]
    return services().loop.call(services().search.overview(ids))
