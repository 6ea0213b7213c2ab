"""The whole page: what it may do, its styles, its head and its cells."""

from __future__ import annotations

from importlib import resources

from llm_repl_core.formats.html._cells import AnswerPrice, draw_cell, format_usd
from llm_repl_core.formats.html._markup import Markup, element, join
from llm_repl_core.model.language import notebook_language
from llm_repl_core.model.notebook import Notebook

__all__ = ["draw_cells", "draw_document", "draw_page"]

_POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
"""Of the page and of the frames in it: nothing runs, and nothing is loaded from elsewhere."""


def draw_page(notebook: Notebook, answer_price_usd: AnswerPrice) -> str:
    """A notebook as a page.

    Args:
        notebook: The notebook.
        answer_price_usd: What an answer cost.
    """
    main = element("main", *draw_cells(notebook, answer_price_usd))
    return draw_document(notebook.name, main)


def draw_cells(
    notebook: Notebook, answer_price_usd: AnswerPrice, *, anchor: str = "cell"
) -> list[Markup]:
    """A notebook's header and its cells.

    Args:
        notebook: The notebook.
        answer_price_usd: What an answer cost.
        anchor: By which, and its number, a link leads to a cell.
    """
    language = notebook_language(notebook.metadata)
    cells = [
        draw_cell(
            cell,
            number=number,
            language=language,
            answer_price_usd=answer_price_usd,
            anchor=anchor,
        )
        for number, cell in enumerate(notebook, start=1)
    ]
    return [_header(notebook, answer_price_usd), *cells]


def draw_document(title: str, *content: Markup) -> str:
    """A page around what is in it.

    Args:
        title: Of the page.
        content: What is in it.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", http_equiv="x-dns-prefetch-control", content="off"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content="LLM-REPL"),
        element("title", title),
        element("style", Markup(_styles())),
    )
    body = element("body", *content)
    return join(Markup("<!doctype html>\n"), element("html", head, "\n", body, lang="en"), "\n")


def _header(notebook: Notebook, answer_price_usd: AnswerPrice) -> Markup:
    answers = [
        output
        for cell in notebook
        if cell.type == "prompt"
        for output in cell.outputs
        if output.type == "llm_response"
    ]
    facts = [f"{len(notebook)} cells" if len(notebook) != 1 else "1 cell"]
    if answers:
        facts.append(f"{len(answers)} answers" if len(answers) != 1 else "1 answer")
    prices = [price for answer in answers if (price := answer_price_usd(answer)) is not None]
    if prices:
        facts.append(f"{format_usd(sum(prices))} in all")
    model, system = notebook.preference("model"), notebook.preference("system")
    facts += [model] if model else []
    return element(
        "header",
        element("p", element("b", notebook.name), " · " + " · ".join(facts)),
        element("p", f"System: {system}") if system else "",
    )


def _styles() -> str:
    return (resources.files(__package__) / "page.css").read_text(encoding="utf-8")
