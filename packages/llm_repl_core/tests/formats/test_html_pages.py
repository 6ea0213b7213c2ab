"""A notebook as a page: all that it holds is there, and nothing of it runs or is loaded."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import (
    Application,
    CodeCell,
    InvalidNotebook,
    Notebook,
    Output,
    PromptCell,
    Settings,
)
from llm_repl_core.formats.html.format import HtmlFormat
from llm_repl_core.settings import ModelPrice

pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
pytest.importorskip("math_core", reason="math-core is not installed")

_WITHOUT_END = {"meta", "img", "br", "hr", "input"}
_RUNS = {"script", "object", "embed", "form", "base", "link", "frame", "applet"}
_HARMLESS = ("http://", "https://", "mailto:", "#")


class _Page(HTMLParser):
    """Reads a page as a browser does, and refuses what would run, load or break out."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert tag not in _RUNS
        for name, value in attributes:
            self.attributes.append((tag, name, value))
            assert not name.startswith("on")
            if name == "href":
                assert value is not None
                assert value.startswith(_HARMLESS)
            if name == "src":
                assert value is not None
                assert value.startswith("data:")
            if name == "sandbox":
                assert value == ""
        if tag == "iframe":
            assert "sandbox" in dict(attributes)
        if tag not in _WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def values(self, tag: str, name: str) -> list[str | None]:
        return [value for at, key, value in self.attributes if (at, key) == (tag, name)]


def _page(*cells: Any, **options: Any) -> _Page:
    return _Page(HtmlFormat().encode(Notebook("N", cells=cells, **options)).decode())


def _display(**data: Any) -> _Page:
    bundle = {name.replace("_", "/", 1): value for name, value in data.items()}
    return _page(CodeCell(content="", outputs=[Output.display(bundle)]))


HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</pre></div></style><script>",
        '"><img src=x onerror=alert(1)>',
        "[a](javascript:alert(1))",
        "![a](http://127.0.0.1/a.png)",
        "![a](data:text/html;base64,aaaa)",
        '![a](data:image/svg+xml;base64,"onload=)',
        "<javascript:x>",
        "$<b>$",
        r"\(\text{<img src=x>}\)",
        r"$\href{javascript:x}{y}$",
        "\x1b[31m<b>\x1b[38;5;999m\x1b]8;;javascript:x\x07",
        "\x1b[38;2;1;2m",
        "\ud800\x00",
        "| a |\n|--:|\n| <b> |",
        "```<b>\nx\n```",
        "    <b>",
        "{{a}} {<b>}",
        "- [ ] <i>\n- > ```\n",
        '<a href="#"',
        "<!--",
    ]
)
TEXTS = st.lists(HOSTILE | st.text(max_size=8), max_size=4).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
TYPES = st.sampled_from(
    [
        "text/plain",
        "text/html",
        "text/latex",
        "text/markdown",
        "image/svg+xml",
        "image/png",
        "audio/wav",
        "video/mp4",
        "application/json",
        "application/vnd.plotly.v1+json",
        "x/y<",
    ]
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "model",
            "usage",
            "value",
            "item",
            "reasoning",
            "citations",
            "edited",
            "data",
            "ename",
            "evalue",
            "traceback",
            "updated_state",
            "response_var",
            "name",
            "metadata",
        ]
    ),
    JSON,
    max_size=4,
)
OUTPUTS = st.lists(
    st.builds(
        Output,
        st.sampled_from(
            ["stdout", "error", "llm_response", "tool_call", "memory_update", "display", "new"]
        ),
        TEXTS,
        FIELDS,
    )
    | st.builds(Output.display, st.dictionaries(TYPES, TEXTS | JSON, max_size=3)),
    max_size=3,
)  # fmt: skip


@given(
    name=TEXTS,
    texts=st.lists(TEXTS, min_size=4, max_size=4),
    outputs=OUTPUTS,
    metadata=st.dictionaries(st.sampled_from(["llm_repl", "kernelspec"]), JSON, max_size=2),
)
@settings(max_examples=60)
def test_whatever_a_notebook_holds_nothing_runs_and_nothing_breaks_out(
    name, texts, outputs, metadata
):
    notebook = Notebook(name, metadata=metadata)
    notebook.add_markdown(texts[0]).extra = {"ipynb": {"attachments": {"a.png": texts[3]}}}
    for cell in (
        notebook.add_code(texts[1]),
        notebook.add_prompt(texts[2]),
        notebook.add_memory(""),
    ):
        cell.outputs = list(outputs)
    notebook.add_prompt(texts[3], for_each="x", system=texts[0]).outputs = list(outputs)
    _Page(HtmlFormat().encode(notebook).decode())


def test_a_page_is_not_read_again():
    assert not HtmlFormat.is_readable
    with pytest.raises(InvalidNotebook, match="is for reading"):
        HtmlFormat().decode(b"<html>")


def test_an_answer_has_its_model_tokens_and_price():
    answer = Output.llm_response(
        "p",
        "**Yes**",
        model="m",
        usage={"input_tokens": 1000, "output_tokens": 50},
        provider="own",
        response_var="check",
        reasoning="Hm.",
        citations=[{"url": "https://a.example/", "title": "A"}, {"url": "javascript:x"}],
    )
    notebook = Notebook("N", cells=[PromptCell(content="Ask {x}", outputs=[answer])])
    application = Application(
        Settings(prices={"own/m": ModelPrice(input=1, output=2)}), entry_points=False
    )
    html = application.format_for("a.html").encode(notebook).decode()
    text = _Page(html).text
    assert "m · 1,000 → 50 tokens · $0.0011" in text
    assert "1 answer · $0.0011 in all" in text
    assert "check" in text
    assert "<strong>Yes</strong>" in html
    assert '<span class="field">{x}</span>' in html
    assert "Reasoning" in text
    assert _Page(html).values("a", "href")[1:] == ["https://a.example/"]


def test_a_structured_answer_is_a_form_and_items_are_rows():
    value = {"action": "Pack", "urgent": True, "more": [1]}
    one = Output.llm_response("p", "{}", value=value)
    page = _page(PromptCell(content="", outputs=[one]))
    assert "actionPackurgentyesmore[\n  1\n]" in page.text
    items = [Output.llm_response("p", "", value={"a": at}, item=at) for at in range(3)]
    page = _page(PromptCell(content="", for_each="x", outputs=items))
    assert page.tags.count("tr") == 4
    assert "list of 3" in page.text


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"image_png": "QUJD\n", "text_plain": "<Figure>"}, ("img", "src", "data:image/png;base64,QUJD")),
        ({"image_svg+xml": "<svg/>"}, ("img", "src", "data:image/svg+xml;charset=utf-8,%3Csvg/%3E")),
        ({"audio_wav": "QUJD"}, ("audio", "src", "data:audio/wav;base64,QUJD")),
        ({"text_latex": r"$\frac12$"}, ("span", "role", "math")),
        ({"text_html": "<table><tr><td>1</td></tr></table>"}, ("table", "class", "grid of-data")),
        ({"text_html": "<b>bold</b>"}, ("iframe", "sandbox", "")),
    ],
)  # fmt: skip
def test_forms_of_displays(data, shown):
    assert shown in _display(**data).attributes


def test_what_needs_scripts_is_named_and_its_text_shown():
    html = "<div id='a'></div><script>Plotly.newPlot('a')</script>"
    page = _display(text_html=html, text_plain="Figure()", **{"application_vnd.plotly.v1+json": {}})
    assert "Figure()" in page.text
    assert "This is interactive" in page.text


def test_a_frame_of_pandas_is_a_table_with_numbers_at_the_right():
    html = (
        "<div><style scoped>.dataframe th {}</style><table border='1' class='dataframe'><thead>"
        "<tr style='text-align: right;'><th></th><th>by</th><th>n</th></tr></thead><tbody>"
        "<tr><th>0</th><td>mail &lt;b&gt;</td><td>2</td></tr></tbody></table>"
        "<p>1 rows × 2 columns</p></div>"
    )
    page = _display(text_html=html)
    assert "iframe" not in page.tags
    assert "by" in page.text
    assert "mail <b>" in page.text
    assert "1 rows × 2 columns" in page.text
    assert page.values("td", "class") == ["number"]
    assert "iframe" in _display(text_html=html.replace("<td>2", "<td onclick=x>2")).tags
    assert "iframe" in _display(text_html=html + html).tags


def test_streams_errors_and_long_texts():
    long = "".join(f"line {at}\n" for at in range(500))
    page = _page(
        CodeCell(
            content="x",
            stale=True,
            outputs=[
                Output.stdout("a\r\x1b[1;31mb\x1b[0m c\n"),
                Output.stderr(long),
                Output.error("E", "no", ["Traceback", "\x1b[31mE\x1b[0m: no"]),
            ],
        )
    )
    assert "b c" in page.text
    assert ("span", "class", "ansi-bold ansi-ink-red") in page.attributes
    assert "460 more lines" in page.text
    assert "line 499" in page.text
    assert "Failed E: no" in page.text
    assert "Stale" in page.text
    # Also where its lines are few: a million letters take a browser seconds to lay out.
    one = "x" * 9_990 + "\x1b[38;2;1;2;3m" + "y" * 200_000
    folded = _page(CodeCell(content="x", outputs=[Output.stdout(one)]))
    assert "200,013 more characters" in folded.text
    assert "x" * 9_990 in folded.text
    assert "y" * 200_000 in folded.text
    assert "38;2" not in folded.text


def test_markdown_with_its_pictures_and_formulas():
    notebook = Notebook("N")
    text = "# A\n\n$x^2$ costs $5 or $6, \\(y\\)\n\n\\[\na\n+ b\n\\]\n\n![p](attachment:p.png) ![q](https://a.example/q.png)"
    cell = notebook.add_markdown(text)
    cell.extra = {"ipynb": {"attachments": {"p.png": {"image/png": "QUJD"}}}}
    page = _Page(HtmlFormat().encode(notebook).decode())
    assert page.tags.count("math") == 3
    assert "costs $5 or $6" in page.text
    assert page.values("img", "src") == ["data:image/png;base64,QUJD"]
    assert "[picture: q]" in page.text


@pytest.mark.parametrize(
    "formula",
    [
        "{" * 2000,
        "{" * 400 + "}" * 400,
        r"\sqrt" * 900,
        r"\left(" * 300,
        "^" * 900,
        "x" * 6000,
        r"\begin{matrix}" * 100,
        r"\def\a{\a\a}\a",
        r"\unknown",
        "\ud800",
    ],
)
def test_a_formula_that_cannot_be_drawn_is_shown_as_it_is_written(formula):
    page = _page(CodeCell(content="", outputs=[Output.display({"text/latex": formula})]))
    assert "math" not in page.tags
    assert formula.replace("\ud800", "\ufffd") in page.text


def test_hostile_markdown_ends_soon():
    for text in (
        "$ " * 9_000,
        "\\[\n" * 9_000,
        "\\(" * 9_000,
        "[" * 5_000,
        "> " * 9_000,
        "[" * 10**6,
    ):
        _page(CodeCell(content="", outputs=[Output.markdown(text)]))


def test_the_same_notebook_gives_the_same_page():
    notebook = Notebook("N", cells=[CodeCell(content="1", outputs=[Output.stdout("1")])])
    assert HtmlFormat().encode(notebook) == HtmlFormat().encode(notebook)
