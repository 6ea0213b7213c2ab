"""Several notebooks that were run as one page: what became of each, and then the notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from llm_repl_core.formats.html._cells import AnswerPrice
from llm_repl_core.formats.html._markup import Markup, element
from llm_repl_core.formats.html._page import draw_cells, draw_document
from llm_repl_core.model.notebook import Notebook

__all__ = ["ReportedNotebook", "draw_report"]


class ReportedNotebook(NamedTuple):
    """A notebook of a report.

    Attributes:
        name: What it is called there: its file.
        outcome: How its run went, in a few words.
        answer_price_usd: What an answer of its cost.
        notebook: The notebook; None: it could not be read.
    """

    name: str
    outcome: str
    answer_price_usd: AnswerPrice
    notebook: Notebook | None = None


def draw_report(title: str, parts: Sequence[ReportedNotebook]) -> str:
    """The page.

    Args:
        title: What is said of all of them, in a line.
        parts: The notebooks, in order.
    """
    names = {number: f"notebook-{number}" for number in range(1, len(parts) + 1)}
    rows = [
        element("li", _link(part, names[number]), f" · {part.outcome}")
        for number, part in enumerate(parts, start=1)
    ]
    overview = element("header", element("p", element("b", title)), element("ul", *rows))
    sections = [
        element(
            "section",
            element("header", element("p", element("b", part.name), f" · {part.outcome}")),
            *draw_cells(part.notebook, part.answer_price_usd, anchor=f"{names[number]}-cell"),
            id=names[number],
        )
        for number, part in enumerate(parts, start=1)
        if part.notebook is not None
    ]
    return draw_document(title, element("main", overview, *sections))


def _link(part: ReportedNotebook, anchor: str) -> Markup:
    if part.notebook is None:
        return element("b", part.name)
    return element("a", part.name, href=f"#{anchor}")
