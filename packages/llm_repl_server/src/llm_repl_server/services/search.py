"""Search over all notebooks and calls, and what the list of notebooks says of each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from llm_repl_core import InvalidInput
from llm_repl_core.ledger.record import CallRecord
from llm_repl_server.services.answers import Time
from llm_repl_server.services.encoding import time_on_wire
from llm_repl_server.services.file_status import shown_path
from llm_repl_server.services.run_registry import RunRegistry
from llm_repl_server.storage.call_filter import CallFilter, search_words
from llm_repl_server.storage.call_rows import request_texts
from llm_repl_server.storage.notebook_search import NotebookHits, NotebookSearch, word_pattern
from llm_repl_server.storage.overview import NotebookOverview, OverviewStore
from llm_repl_server.storage.store import Store

__all__ = ["OverviewList", "SearchResult", "SearchService"]

_SNIPPET_CHARS: Final = 160
_LEAD_CHARS: Final = 160
_AT_ONCE: Final = 2
"""How many searches look through the database at the same time."""

_MARKUP: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)|[*_`]{1,3}|^>\s?", re.MULTILINE)


class Snippet(Struct, frozen=True, kw_only=True):
    """A piece of a text around the words that were found in it."""

    text: str
    marks: Annotated[
        list[tuple[int, int]],
        Meta(description="Where the words begin and end in it, in characters (code points)."),
    ]


class FoundCell(Struct, frozen=True, kw_only=True):
    """A cell that has all words."""

    cell_id: str
    number: Annotated[int, Meta(description="Its place in the notebook, from 1.")]
    type: str
    place: Annotated[
        Literal["source", "output"], Meta(description="Where the snippet is taken from.")
    ]
    snippet: Snippet


class FoundNotebook(Struct, frozen=True, kw_only=True):
    """A notebook that has all words: in its name, or together in a cell."""

    notebook_id: str
    name: Snippet
    cells: Annotated[list[FoundCell], Meta(description="The first three that have them.")]
    more: Annotated[bool, Meta(description="Whether further cells have them.")]


class FoundCall(Struct, frozen=True, kw_only=True):
    """A call that has all words, in what was sent or in its answer."""

    call_id: str
    notebook_id: str
    cell_id: str
    model: str
    started_at: Time
    place: Annotated[
        Literal["request", "answer"], Meta(description="Where the snippet is taken from.")
    ]
    snippet: Snippet


class SearchResult(Struct, frozen=True, kw_only=True):
    """What was found."""

    notebooks: Annotated[list[FoundNotebook], Meta(description="The latest edited first.")]
    calls: Annotated[
        list[FoundCall],
        Meta(description="The ten latest; on the first page only. All: `/api/calls?search=`."),
    ]
    next: Annotated[
        str | None,
        Meta(description="The `cursor` of the next page; null: all has been looked through."),
    ]


class OverviewEntry(Struct, frozen=True, kw_only=True):
    """How a notebook is."""

    notebook_id: str
    state: Annotated[
        Literal["done", "empty", "failed", "not_run", "queued", "replay", "running", "stale"],
        Meta(description="The first of these that holds, the more urgent first."),
    ]
    lead: Annotated[str, Meta(description="Its first text, without the heading.")]
    cells: Annotated[int, Meta(description="How many of its cells can be run.")]
    ended: Annotated[int, Meta(description="How many of those, or of those of the run, have run.")]
    stale: int
    stale_variable: Annotated[
        str | None,
        Meta(description="A variable that has changed, so that its cells are stale; null: none."),
    ]
    recorded: Annotated[
        int, Meta(description="How many answers of its prompts are recorded: of each item one.")
    ]
    asked: Annotated[
        int, Meta(description="For how many answers its prompts have asked: for each item one.")
    ]
    file: Annotated[
        str | None,
        Meta(description="The file that it lives in, relative to the root folder; null: in none."),
    ]
    failed: Annotated[int | None, Meta(description="The first cell that failed, from 1.")]
    spent_usd: float


class OverviewList(Struct, frozen=True, kw_only=True):
    """How notebooks are."""

    notebooks: list[OverviewEntry]


class SearchService:
    """Looks through notebooks and calls.

    Args:
        store: Where they are kept.
        runs: Knows what runs.
        root: The folder of notebook files, resolved.
    """

    def __init__(self, store: Store, runs: RunRegistry, root: Path) -> None:
        self._root = root
        self._calls = store.calls
        self._notebooks = NotebookSearch(store.connection)
        self._overviews = OverviewStore(store.connection)
        self._runs = runs
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def search(self, query: str, *, cursor: str | None, limit: int) -> SearchResult:
        """A page of the notebooks that have all words of a query, and the latest such calls.

        Args:
            query: Words; capital letters do not matter.
            cursor: Where the page before ended.
            limit: How many notebooks at most.

        Raises:
            InvalidInput: There is no word, or there are too many.
        """
        words = search_words(query)
        if not words:
            raise InvalidInput("A search takes at least one word in `q`.")
        async with self._free:
            return await asyncio.to_thread(self._search, query.split(), query, cursor, limit)

    async def overview(self, notebook_ids: Sequence[str]) -> OverviewList:
        """How notebooks are, in the order that is given; those that are gone are left out."""
        found = await asyncio.to_thread(self._overviews.read, notebook_ids)
        return OverviewList(notebooks=[self._entry(each) for each in found])

    def _search(
        self, words: Sequence[str], query: str, cursor: str | None, limit: int
    ) -> SearchResult:
        page = self._notebooks.find(words, after=cursor, limit=limit)
        found = [] if cursor else self._calls.list_calls(CallFilter(search=query, limit=10))
        pattern = word_pattern(words)
        return SearchResult(
            notebooks=[_found_notebook(each, pattern) for each in page.notebooks],
            calls=[_found_call(record, pattern) for record in found],
            next=page.after,
        )

    def _entry(self, found: NotebookOverview) -> OverviewEntry:
        state, cells, ended = _state(found), found.cells, found.ended
        for run in self._runs.open_runs():
            if run.notebook_id == found.id:
                if run.state == "running":
                    state, cells, ended = "running", run.total, run.completed
                    break
                state = "queued"
        return OverviewEntry(
            notebook_id=found.id,
            state=state,
            lead=_lead(found.lead),
            cells=cells,
            ended=ended,
            stale=found.stale,
            stale_variable=found.stale_variable,
            recorded=found.recorded,
            asked=found.asked,
            file=None if found.path is None else shown_path(Path(found.path), self._root),
            failed=found.failed,
            spent_usd=found.price_usd,
        )


def _state(
    found: NotebookOverview,
) -> Literal["done", "empty", "failed", "not_run", "queued", "replay", "running", "stale"]:
    if found.failed is not None:
        return "failed"
    if found.stale:
        return "stale"
    if found.mode == "replay":
        return "replay"
    if not found.cells:
        return "empty"
    return "done" if found.ended else "not_run"


def _lead(text: str) -> str:
    """The first paragraph, without what is markup."""
    for line in text.splitlines():
        plain = _MARKUP.sub(lambda match: match[1] or "", line).strip()
        if plain and not plain.startswith(("#", "|", "-", "=", "!", "<", "$$")):
            return plain if len(plain) <= _LEAD_CHARS else plain[: _LEAD_CHARS - 1] + "…"
    return ""


def _found_notebook(found: NotebookHits, pattern: re.Pattern[str]) -> FoundNotebook:
    cells = []
    for cell in found.cells:
        in_source = pattern.search(cell.text) is not None
        cells.append(
            FoundCell(
                cell_id=cell.cell_id,
                number=cell.number,
                type=cell.type,
                place="source" if in_source else "output",
                snippet=_snippet(cell.text if in_source else cell.output, pattern),
            )
        )
    return FoundNotebook(
        notebook_id=found.id,
        name=_snippet(found.name, pattern),
        cells=cells,
        more=found.more,
    )


def _found_call(record: CallRecord, pattern: re.Pattern[str]) -> FoundCall:
    sent = "\n".join(request_texts(record.request))
    in_answer = pattern.search(record.text) is not None
    return FoundCall(
        call_id=record.id,
        notebook_id=record.notebook_id,
        cell_id=record.place.cell_id,
        model=record.model,
        started_at=time_on_wire(record.started_at),
        place="answer" if in_answer else "request",
        snippet=_snippet(record.text if in_answer else sent, pattern),
    )


def _snippet(text: str, pattern: re.Pattern[str]) -> Snippet:
    """The piece around the first word, on one line, with all words in it marked."""
    first = pattern.search(text)
    start = max(0, (first.start() if first else 0) - _SNIPPET_CHARS // 4)
    piece = text[start : start + 3 * _SNIPPET_CHARS]
    shown = " ".join(piece.split())
    end = shown[:_SNIPPET_CHARS]
    shown = ("…" if start else "") + end + ("…" if len(end) < len(shown) else "")
    return Snippet(text=shown, marks=[match.span() for match in pattern.finditer(shown)])
