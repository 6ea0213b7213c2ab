"""Cells as HTML: what is written, what came of it, and of an answer who gave it and what it cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from llm_repl_core.formats.html._addresses import safe_link
from llm_repl_core.formats.html._code import highlight
from llm_repl_core.formats.html._markdown import draw_markdown
from llm_repl_core.formats.html._markup import Markup, element, join, scrolling
from llm_repl_core.formats.html._outputs import draw_folded, draw_json, draw_output
from llm_repl_core.model.cell import Cell, PromptCell
from llm_repl_core.model.output import Output

__all__ = ["AnswerPrice", "draw_cell", "format_usd"]

AnswerPrice = Callable[[Output], float | None]
"""What an answer cost, in US dollars; None where it is not known."""

_FIELD = re.compile(r"\{\{|\}\}|(\{[^{}\n]{1,500}\})")
_SEPARATOR = " · "
_MOST_FIELDS = 12
_WORDS = {"error": "Failed", "interrupted": "Stopped", "running": "Running", "queued": "Waiting"}


def draw_cell(
    cell: Cell, *, number: int, language: str, answer_price_usd: AnswerPrice, anchor: str = "cell"
) -> Markup:
    """A cell with what came of it.

    Args:
        cell: The cell.
        number: Its place, from 1.
        language: Of the notebook's code.
        answer_price_usd: What an answer cost.
        anchor: By which, and its number, a link leads to it.
    """
    match cell:
        case PromptCell():
            kind, parts = "is-prompt", _prompt(cell, answer_price_usd)
        case _ if cell.type == "markdown":
            kind, parts = "is-md", [_prose(cell)]
        case _ if cell.type == "memory":
            kind, parts = "is-memory", [_source(cell, language), *_memory(cell)]
        case _ if cell.type == "code":
            kind, parts = "is-code", [_source(cell, language), *_outputs(cell.outputs)]
        case _:
            kind, parts = "is-foreign", [_source(cell, "text"), *_outputs(cell.outputs)]
    name = f"{anchor}-{number}"
    return element(
        "article",
        element("a", str(number), class_="gutter", href=f"#{name}"),
        element("div", class_="lane"),
        element("div", *parts, class_="body"),
        id=name,
        class_=f"cell {kind}",
        aria_label=f"Cell {number}, {cell.type or 'other'}",
    )


def format_usd(usd: float) -> str:
    """An amount of money, as precisely as it matters.

    Args:
        usd: In US dollars.
    """
    if usd == 0:
        return "$0"
    return f"${usd:,.2f}" if usd >= 0.1 else f"${usd:.2g}" if usd >= 0.0001 else f"${usd:.6f}"


def _source(cell: Cell, language: str) -> Markup:
    code = highlight(cell.content, language)
    return join(
        element("div", scrolling("pre", element("code", code)), class_="block"), _state(cell)
    )


def _prose(cell: Cell) -> Markup:
    unknown = cell.extra.get("ipynb")
    attachments = unknown.get("attachments") if isinstance(unknown, dict) else None
    pictures = attachments if isinstance(attachments, dict) else None
    return element("div", draw_markdown(cell.content, pictures), class_="prose")


def _outputs(outputs: list[Output]) -> list[Markup]:
    return [element("div", draw_output(output), class_="output") for output in outputs]


def _state(cell: Cell) -> Markup:
    word = _WORDS.get(cell.status)
    words = [word] if word and not any(output.type == "error" for output in cell.outputs) else []
    if cell.stale:
        words.append("Stale: what it depends on has changed since it ran")
    if not words:
        return Markup("")
    return element("p", element("b", *words[:1]), *words[1:], class_="state-line warns")


def _memory(cell: Cell) -> list[Markup]:
    parts = []
    for output in cell.outputs:
        values = output.fields.get("updated_state")
        if output.type != "memory_update" or not isinstance(values, dict):
            parts += _outputs([output])
            continue
        rows = [
            element("div", element("dt", name), element("dd", str(value)))
            for name, value in values.items()
        ]
        parts.append(element("dl", *rows, class_="memory-values"))
    return parts


def _prompt(cell: PromptCell, answer_price_usd: AnswerPrice) -> list[Markup]:
    ask = element(
        "div",
        element("div", f"System: {cell.system}", class_="system") if cell.system else "",
        element("div", _template(cell.content), class_="template"),
        element("p", _SEPARATOR.join(_options(cell)), class_="status-line"),
        class_="ask",
    )
    answers = [output for output in cell.outputs if output.type == "llm_response"]
    before = [output for output in cell.outputs if output.type not in ("llm_response", "error")]
    errors = [output for output in cell.outputs if output.type == "error"]
    parts = [ask, _state(cell), *_outputs(before)]
    if cell.for_each is not None and answers:
        parts += [_facts(cell, answers, answer_price_usd), _items(answers)]
    elif answers:
        parts += [_facts(cell, answers, answer_price_usd), *map(_answer, answers)]
    return [*parts, *_outputs(errors)]


def _template(text: str) -> Markup:
    pieces: list[str] = []
    at = 0
    for found in _FIELD.finditer(text):
        if found[1] is None:
            continue
        pieces += [text[at : found.start()], element("span", found[1], class_="field")]
        at = found.end()
    return join(*pieces, text[at:])


def _options(cell: PromptCell) -> list[str]:
    words = [cell.model or "the notebook's model"]
    if cell.provider:
        words[0] = f"{cell.provider}/{words[0]}"
    if cell.temperature is not None:
        words.append(f"temperature {cell.temperature:g}")
    if cell.reasoning_effort:
        words.append(f"reasoning {cell.reasoning_effort}")
    words.append(
        {"isolated": "sent alone", "above": "sends all above"}.get(
            cell.context if isinstance(cell.context, str) else "", "sends chosen cells"
        )
    )
    if cell.for_each:
        words.append(f"each of {cell.for_each}")
    if cell.has_schema:
        words.append(f"answers as {cell.schema}" if isinstance(cell.schema, str) else "a schema")
    if cell.tools:
        words.append(f"tools {', '.join(cell.tools)}")
    if cell.attachments:
        words.append(f"attached {', '.join(cell.attachments)}")
    return words


def _facts(cell: PromptCell, answers: list[Output], answer_price_usd: AnswerPrice) -> Markup:
    """The variable, and who answered for how much."""
    names = dict.fromkeys(
        str(answer.fields["model"]) for answer in answers if answer.fields.get("model")
    )
    facts = [", ".join(names)] if names else []
    if any(isinstance(answer.fields.get("edited"), dict) for answer in answers):
        facts.append("edited by hand")
    recorded = sum(answer.fields.get("source") == "reuse" for answer in answers)
    if recorded:
        facts.append("from record" if len(answers) == 1 else f"{recorded} from record")
    tokens = [_tokens(answer) for answer in answers]
    counted = [pair for pair in tokens if pair is not None]
    if counted:
        read, written = (sum(pair[side] for pair in counted) for side in (0, 1))
        facts.append(f"{read:,} → {written:,} tokens")
    prices = [price for price in map(answer_price_usd, answers) if price is not None]
    if prices:
        facts.append(format_usd(sum(prices)))
    if any(answer.fields.get("finish_reason") == "length" for answer in answers):
        facts.append("cut off")
    name = answers[0].fields.get("response_var") or cell.response_var
    kind = f"list of {len(answers)}" if cell.for_each is not None else ""
    return element(
        "div",
        element("span", element("code", str(name or ""), class_="variable"), " ", kind),
        element("span", _SEPARATOR.join(facts), class_="cost"),
        class_="state-line",
    )


def _tokens(answer: Output) -> tuple[int, int] | None:
    usage = answer.fields.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = usage.get("input_tokens"), usage.get("output_tokens")
    if not all(isinstance(count, int) and not isinstance(count, bool) for count in counts):
        return None
    return counts  # type: ignore[return-value]  # both are numbers


def _answer(output: Output) -> Markup:
    reasoning = output.fields.get("reasoning")
    thought: Markup | str = ""
    if isinstance(reasoning, str) and reasoning.strip():
        thought = element(
            "details",
            element("summary", "Reasoning"),
            element("div", draw_markdown(reasoning), class_="prose"),
            class_="reasoning",
        )
    return element("div", thought, _answer_itself(output), _sources(output), class_="answer")


def _answer_itself(output: Output) -> Markup:
    if "value" not in output.fields:
        return element("div", draw_markdown(output.content), class_="prose")
    value = output.fields["value"]
    if not isinstance(value, dict):
        return draw_json(value)
    rows = [
        element("div", element("dt", element("code", name)), element("dd", _plain(held)))
        for name, held in value.items()
    ]
    return element("dl", *rows, class_="answer-form")


def _plain(value: Any) -> Markup | str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return draw_json(value)
    return str(value)


def _sources(output: Output) -> Markup:
    citations = output.fields.get("citations")
    found: dict[str, str] = {}
    for citation in citations if isinstance(citations, list) else []:
        url = citation.get("url") if isinstance(citation, dict) else None
        if isinstance(url, str) and isinstance(citation, dict):
            found.setdefault(url, str(citation.get("title") or url))
    if not found:
        return Markup("")
    links = [
        element("li", element("a", title, href=safe_link(url), rel="noreferrer"))
        for url, title in found.items()
    ]
    return element("div", element("p", "Sources"), element("ul", *links), class_="sources")


def _items(answers: list[Output]) -> Markup:
    """The answers of a prompt over items: a row each."""
    fields: list[str] = []
    for output in answers:
        value = output.fields.get("value")
        if isinstance(value, dict):
            fields += [name for name in value if name not in fields]
    fields = fields[:_MOST_FIELDS]
    head = [element("th"), *(element("th", name) for name in fields or ["answer"])]
    rows = []
    for at, output in enumerate(answers):
        item = output.fields.get("item")
        number = element("th", str(item if isinstance(item, int) else at), scope="row")
        value = output.fields.get("value")
        if fields and isinstance(value, dict):
            cells = [element("td", _plain(value.get(name))) for name in fields]
        else:
            span = str(len(fields)) if len(fields) > 1 else None
            shown = draw_json(value) if "value" in output.fields else _text(output.content)
            cells = [element("td", shown, colspan=span)]
        rows.append(element("tr", number, *cells))
    table = element(
        "table", element("thead", element("tr", *head)), element("tbody", *rows), class_="grid"
    )
    return scrolling("div", table, class_="output scrolls")


def _text(content: str) -> Markup:
    is_long = content.count("\n") > 1 or len(content) > 300
    return (
        element("div", draw_markdown(content), class_="prose")
        if is_long
        else draw_folded(content, "item")
    )
