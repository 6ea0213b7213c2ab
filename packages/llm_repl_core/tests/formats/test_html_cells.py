"""Cells of a page: what is said of each, and what only some have."""

from __future__ import annotations

import re
from html import unescape

import pytest

from llm_repl_core import CodeCell, MarkdownCell, MemoryCell, Notebook, Output, PromptCell
from llm_repl_core.formats.html._cells import draw_cell, format_usd
from llm_repl_core.formats.html._outputs import draw_output
from llm_repl_core.formats.html.report import ReportedNotebook, draw_report
from llm_repl_core.model.cell import ForeignCell

pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")


def draw(cell, price_usd=None) -> str:
    return draw_cell(
        cell, number=3, language="python", answer_price_usd=lambda _: price_usd, anchor="c"
    )


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def answer(content: str = "", **fields) -> Output:
    return Output("llm_response", content, fields)


@pytest.mark.parametrize(
    ("cell", "kind", "label"),
    [
        (CodeCell(content="x = 1"), "is-code", "code"),
        (MarkdownCell(content="x = 1"), "is-md", "markdown"),
        (MemoryCell(content="x = 1"), "is-memory", "memory"),
        (PromptCell(content="x = 1"), "is-prompt", "prompt"),
        (ForeignCell(content="x = 1", foreign_type="Chart"), "is-foreign", None),
    ],
)
def test_each_kind_of_cell(cell, kind, label):
    html = draw(cell)
    assert html.startswith(
        f'<article id="c-3" class="cell {kind}" aria-label="Cell 3, {label or cell.type or "other"}">'
    )
    assert '<a class="gutter" href="#c-3">3</a>' in html
    assert "x = 1" in text_of(html).replace("x =  1", "x = 1")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "error"}, "Failed"),
        ({"status": "interrupted"}, "Stopped"),
        ({"status": "running"}, "Running"),
        ({"status": "queued"}, "Waiting"),
        ({"status": "interrupted", "stale": True}, "Stopped Stale: what it depends on has changed"),
        ({"stale": True}, "Stale: what it depends on has changed"),
    ],
)
def test_the_state_of_a_cell_is_said(fields, said):
    html = draw(CodeCell(content="", **fields))
    assert said in text_of(html)
    assert "state-line warns" in html


def test_an_error_says_itself_that_the_cell_failed():
    cell = CodeCell(content="", status="error", outputs=[Output.error("E", "no")])
    assert text_of(draw(cell)) == "3 Failed E: no"
    assert "state-line" not in draw(CodeCell(content="", status="completed"))


def test_memory_has_its_values_and_whatever_else_came_of_it():
    outputs = [
        Output.stdout("printed"),
        Output.memory_update(["visits"], {"visits": "<3>"}),
        Output("memory_update", "as text", {"updated_state": "odd"}),
    ]
    html = draw(MemoryCell(content="", outputs=outputs))
    assert "<div><dt>visits</dt><dd>&lt;3&gt;</dd></div>" in html
    assert text_of(html) == "3 printed visits <3> as text"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "the notebook's model · sent alone"),
        ({"model": "m", "provider": "own"}, "own/m · sent alone"),
        ({"provider": "own"}, "own/the notebook's model · sent alone"),
        ({"temperature": 0.0}, "the notebook's model · temperature 0 · sent alone"),
        ({"reasoning_effort": "high"}, "the notebook's model · reasoning high · sent alone"),
        ({"context": "above"}, "the notebook's model · sends all above"),
        ({"context": ["a"]}, "the notebook's model · sends chosen cells"),
        ({"for_each": "orders"}, "the notebook's model · sent alone · each of orders"),
        ({"schema": "Order"}, "the notebook's model · sent alone · answers as Order"),
        ({"schema": {"type": "object"}}, "the notebook's model · sent alone · a schema"),
        ({"tools": ["f", "g"]}, "the notebook's model · sent alone · tools f, g"),
        ({"attachments": ["a"]}, "the notebook's model · sent alone · attached a"),
    ],
)
def test_how_a_prompt_is_asked(fields, said):
    fields = {"context": "isolated", **fields}
    html = draw(PromptCell(content="Ask.", **fields))
    assert f"Ask. {said}" == text_of(html).removeprefix("3 ")


def test_fields_of_a_template_are_marked_and_escaped_braces_are_not():
    html = draw(PromptCell(content="{a} {{b}} {c} and <d>", system="Be {kind}."))
    assert (
        '<span class="field">{a}</span> {{b}} <span class="field">{c}</span> and &lt;d&gt;' in html
    )
    assert '<div class="system">System: Be {kind}.</div>' in html


@pytest.mark.parametrize(
    ("answers", "price_usd", "said"),
    [
        ([answer()], None, ""),
        ([answer(model="m")], 0.25, "m · $0.25"),
        ([answer(model="m"), answer(model="n"), answer(model="m")], 0.25, "m, n · $0.75"),
        ([answer(source="reuse")], None, "from record"),
        ([answer(source="reuse"), answer(), answer(source="reuse")], None, "2 from record"),
        ([answer(edited={"at": "today"})], None, "edited by hand"),
        ([answer(finish_reason="length")], None, "cut off"),
        ([answer(usage={"input_tokens": 1200, "output_tokens": 5})] * 2, None, "2,400 → 10 tokens"),
        ([answer(usage={"input_tokens": True, "output_tokens": 5})], None, ""),
        ([answer(usage={"input_tokens": 5})], None, ""),
        ([answer(usage="odd")], None, ""),
    ],
)
def test_what_is_said_of_answers(answers, price_usd, said):
    html = draw(PromptCell(content="", outputs=answers), price_usd)
    assert f'<span class="cost">{said}</span>' in html


def test_the_variable_of_an_answer_is_that_which_it_was_given():
    cell = PromptCell(content="", response_var="now", outputs=[answer(response_var="then")])
    assert '<code class="variable">then</code>' in draw(cell)
    cell.outputs = [answer()]
    assert '<code class="variable">now</code>' in draw(cell)


def test_what_came_before_an_answer_and_what_went_wrong():
    outputs = [
        Output.warning("Be careful."),
        Output("tool_call", "f(1)", {"name": "f"}),
        answer("**Yes**", reasoning="*Hm*"),
        Output.error("E", "no"),
    ]
    said = text_of(draw(PromptCell(content="Ask", outputs=outputs)))
    assert said.index("careful") < said.index("Tool f f(1)") < said.index("Reasoning Hm")
    assert said.index("Reasoning Hm") < said.index("Yes") < said.index("Failed E: no")
    assert "Reasoning" not in draw(PromptCell(content="", outputs=[answer("a", reasoning="  ")]))
    assert "Reasoning" not in draw(PromptCell(content="", outputs=[answer("a", reasoning=["b"])]))


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        ({"a": None}, "<dd>–</dd>"),
        ({"a": True}, "<dd>yes</dd>"),
        ({"a": False}, "<dd>no</dd>"),
        ({"a": 1.5}, "<dd>1.5</dd>"),
        ({"a": "<b>"}, "<dd>&lt;b&gt;</dd>"),
        ({"<a>": 1}, "<code>&lt;a&gt;</code>"),
        ({"a": {"b": [1]}}, '<pre class="stream">{\n  &quot;b&quot;: [\n    1\n  ]\n}</pre>'),
        (["é"], '<pre class="stream">[\n  &quot;é&quot;\n]</pre>'),
        (7, '<pre class="stream">7</pre>'),
    ],
)
def test_values_of_answers(value, drawn):
    assert drawn in draw(PromptCell(content="", outputs=[answer("raw", value=value)]))


def test_sources_are_listed_once_and_only_those_that_can_be_followed_are_links():
    citations = [
        {"url": "https://a.example/", "title": "A"},
        {"url": "https://a.example/", "title": "again"},
        {"url": "https://b.example/"},
        {"url": "javascript:x", "title": "C"},
        {"url": 7},
        "odd",
    ]
    html = draw(PromptCell(content="", outputs=[answer("a", citations=citations)]))
    assert re.findall(r"<li>(.*?)</li>", html) == [
        '<a href="https://a.example/" rel="noreferrer">A</a>',
        '<a href="https://b.example/" rel="noreferrer">https://b.example/</a>',
        '<a rel="noreferrer">C</a>',
    ]
    for odd in (None, [], "odd", [{}]):
        assert "Sources" not in draw(PromptCell(content="", outputs=[answer(citations=odd)]))


def test_answers_over_items_are_rows():
    outputs = [
        answer(value={"a": 1, "b": None}, item=0),
        answer(value={"c": "x"}, item=4),
        answer("as *text*", item=5),
        answer(value=[1]),
        answer("long\n\nand *longer*\n"),
    ]
    html = draw(PromptCell(content="", for_each="orders", outputs=outputs))
    assert "<tr><th></th><th>a</th><th>b</th><th>c</th></tr>" in html
    assert '<th scope="row">0</th><td>1</td><td>–</td><td>–</td>' in html
    assert '<th scope="row">4</th><td>–</td><td>–</td><td>x</td>' in html
    assert '<th scope="row">5</th><td colspan="3"><pre class="item">as *text*</pre>' in html
    # Without a number of its own, by its place.
    assert '<th scope="row">3</th><td colspan="3">' in html
    assert "<em>longer</em>" in html
    assert "list of 5" in html
    texts = draw(PromptCell(content="", for_each="orders", outputs=[answer("a")]))
    assert "<tr><th></th><th>answer</th></tr>" in texts
    assert '<th scope="row">0</th><td><pre class="item">a</pre></td>' in texts


def test_a_table_of_answers_has_as_many_columns_as_can_be_read():
    wide = answer(value={f"field{number}": number for number in range(30)}, item=0)
    html = draw(PromptCell(content="", for_each="orders", outputs=[wide]))
    assert "field11" in html
    assert "field12" not in html


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0, "$0"), (1234.5, "$1,234.50"), (0.1, "$0.10"), (0.01234, "$0.012"), (0.0001, "$0.0001"),
     (0.0000123, "$0.000012")],
)  # fmt: skip
def test_money_is_as_precise_as_it_matters(usd, text):
    assert format_usd(usd) == text


# Outputs that few cells have -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "drawn"),
    [
        (Output.markdown("*a*"), '<div class="prose"><p><em>a</em></p>'),
        (Output.warning("<careful>"), '<p class="warning">&lt;careful&gt;</p>'),
        (Output("tool_call", "f()"), "<summary>Tool <code></code></summary>"),
        (Output("of_a_plugin", "<a>"), '<pre class="stream">&lt;a&gt;</pre>'),
        (Output("error", "in a line"), "<b>Failed</b> in a line"),
        (Output("display", "a", {"data": "odd"}), '<pre class="stream">a</pre>'),
        (Output.display({"text/plain": "a", "x/y": "b"}), "There is also x/y"),
        (Output.display({"text/x-thing": "<a>"}), '<pre class="stream">&lt;a&gt;</pre>'),
        (Output.display({"text/markdown": ["*a*\n", "b"]}), "<em>a</em>\nb"),
        (Output.display({"application/json": {"a": 1}}), "&quot;a&quot;: 1"),
        (Output.display({"image/png": "QUJD"}, {"image/png": {"width": 40.5}}), 'width="40"'),
        (Output.display({"image/png": "QUJD"}, {"width": 40}), 'width="40"'),
        (Output.display({"image/svg+xml": "PHN2Zy8+"}), 'src="data:image/svg+xml;base64,PHN2Zy8+"'),
    ],
)
def test_other_outputs(output, drawn):
    assert drawn in draw_output(output)


@pytest.mark.parametrize(
    "metadata", [{"width": 0}, {"width": 10**9}, {"width": "4"}, {"image/png": "odd"}, {}]
)
def test_a_width_that_is_none_is_left_out(metadata):
    assert "width" not in draw_output(Output.display({"image/png": "QUJD"}, metadata))


def test_html_that_shows_nothing_without_its_script_leaves_the_text():
    html = draw_output(
        Output.display({"text/html": "<div></div><style>a{}</style>", "text/plain": "a"})
    )
    assert html == '<pre class="stream">a</pre>'
    assert "iframe" in draw_output(Output.display({"text/html": "<hr>"}))
    high = draw_output(Output.display({"text/html": '<svg width="4" height="300"></svg>'}))
    assert 'height="426"' in high


# Reports -------------------------------------------------------------------------------------


def test_a_report_links_to_the_notebooks_that_could_be_read():
    notebook = Notebook("N", cells=[CodeCell(content="x = 1")])
    html = draw_report(
        "2 of 2 <failed>",
        [
            ReportedNotebook("a.llmn", "failed", lambda _: None, notebook),
            ReportedNotebook("<b>.llmn", "not read", lambda _: None),
        ],
    )
    assert "<title>2 of 2 &lt;failed&gt;</title>" in html
    assert '<li><a href="#notebook-1">a.llmn</a> · failed</li>' in html
    assert "<li><b>&lt;b&gt;.llmn</b> · not read</li>" in html
    assert '<section id="notebook-1"><header><p><b>a.llmn</b> · failed</p></header>' in html
    # Two notebooks of a page may have cells of the same number.
    assert 'id="notebook-1-cell-1"' in html
    assert "notebook-2" not in html
