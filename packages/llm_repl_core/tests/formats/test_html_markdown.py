"""Markdown, tables, links and formulas of a page: each form, and where each ends."""

from __future__ import annotations

import pytest

pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
pytest.importorskip("math_core", reason="math-core is not installed")

from llm_repl_core.formats.html._addresses import data_address, picture_address, safe_link
from llm_repl_core.formats.html._code import highlight
from llm_repl_core.formats.html._formulas import draw_formula
from llm_repl_core.formats.html._markdown import draw_markdown
from llm_repl_core.formats.html._tables import draw_table

ATTACHED = {
    "p.png": {"text/plain": "no picture", "image/png": ["QU", "JD"]},
    "odd.png": "odd",
    "none.png": {"image/png": 7},
}


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("# A *b*", "<h1>A <em>b</em></h1>\n"),
        ("~~a~~", "<p><s>a</s></p>\n"),
        ("a <b>", "<p>a &lt;b&gt;</p>\n"),
        # Code, with the name of its language and without.
        (
            "```py\nx = 1\n```",
            '<div class="fence"><div class="fence-head">py</div><pre tabindex="0"><code>x',
        ),
        ("```py extra words\nx\n```", '<div class="fence-head">py</div>'),
        (
            "```\n<b>\n```",
            '<div class="fence no-head"><pre tabindex="0"><code>&lt;b&gt;\n</code></pre></div>',
        ),
        (
            "    <b>",
            '<div class="fence no-head"><pre tabindex="0"><code>&lt;b&gt;\n</code></pre></div>',
        ),
        # Links that may be followed, and the text of those that may not.
        ("[a](https://a.example)", '<a href="https://a.example" rel="noreferrer">a</a>'),
        ('[a](#b "to <b>")', '<a href="#b" title="to &lt;b&gt;" rel="noreferrer">a</a>'),
        ("[a](javascript:x)", '<a rel="noreferrer">a</a>'),
        # Pictures that come with the cell, and those that would be fetched.
        ("![*p*](attachment:p.png)", '<img src="data:image/png;base64,QUJD" alt="p">'),
        ("![p](attachment:none.png)", '<a rel="noreferrer">[picture: p]</a>'),
        ("![](attachment:odd.png)", '<a rel="noreferrer">[picture: attachment:odd.png]</a>'),
        ("![p](data:image/png;base64,QUJD)", '<img src="data:image/png;base64,QUJD" alt="p">'),
        (
            "![p](https://a.example/p.png)",
            '<a href="https://a.example/p.png" rel="noreferrer">[picture: p]</a>',
        ),
        # Tables, with their columns to the right and in the middle.
        (
            "| a | b | c |\n|--:|:-:|:--|\n| 1 | 2 | 3 |",
            '<tr>\n<td class="number">1</td>\n<td class="centered">2</td>\n<td>3</td>\n</tr>',
        ),
        ("| a |\n|---|\n| b |", '<div tabindex="0" class="scrolls"><table class="grid"><thead>'),
        # Formulas in each of their ways.
        ("$x^2$", '<span class="formula" role="math" aria-label="x^2"><math'),
        (r"\(x^2\)", '<span class="formula" role="math" aria-label="x^2"><math'),
        (r"a \[x^2\] b", '<span class="formula is-display" role="math" aria-label="x^2"><math'),
        ("$$\nx^2\n$$", '<span class="formula is-display" role="math"'),
        ("a\n\\[\nx_1\n+ y\n\\]\nb", 'aria-label="x_1\n+ y\n"'),
        ("- a\n  \\[\n  x_1\n  \\]", 'aria-label="x_1\n"'),
        # What begins one and does not end it is text.
        (r"\(x", "<p>(x</p>"),
        (r"\( \)", "<p>( )</p>"),
        ("\\[\nx", "<p>[\nx</p>"),
        ("- \\[\n  x\n\nb \\]", "<p>b ]</p>"),
        ("    \\[\n    x\n    \\]", "\\[\nx\n\\]\n</code>"),
        ("- [x] done", 'type="checkbox"'),
    ],
)
def test_forms_of_markdown(text, drawn):
    assert drawn in draw_markdown(text, ATTACHED)


def test_what_is_very_long_is_shown_as_it_is_written():
    text = "*a* " * 25_001
    assert draw_markdown(text) == f'<pre class="stream">{text}</pre>'
    assert draw_markdown("*a* " * 10).startswith("<p><em>")


@pytest.mark.parametrize(
    ("address", "followed"),
    [
        ("https://a.example", True),
        ("MAILTO:a@a.example", True),
        ("#here", True),
        ("javascript:x", False),
        ("file:///etc/passwd", False),
        ("relative/path", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_which_links_may_be_followed(address, followed):
    assert safe_link(address) == (address if followed else None)


@pytest.mark.parametrize(
    "address",
    ["data:text/html;base64,QUJD", "data:image/png,<b>", 'data:image/png;base64,"', "a.png"],
)
def test_only_pictures_that_come_along_are_shown(address):
    assert picture_address(address, {}) is None


def test_a_drawing_is_an_address_as_text_or_in_base64():
    assert (
        data_address("image/svg+xml", "<svg>\ud800")
        == "data:image/svg+xml;charset=utf-8,%3Csvg%3E%3F"
    )
    assert data_address("image/svg+xml", "PHN2\nZy8+") == "data:image/svg+xml;base64,PHN2Zy8+"


def test_code_in_colours_is_all_there():
    drawn = highlight("def f(): return 'a'  # note\r\n", "python")
    for css_class, word in (("word", "def"), ("text", "&#x27;"), ("note", "# note")):
        assert f'<span class="code-{css_class}">{word}' in drawn
    assert drawn.endswith("\n")
    assert highlight("<b>", "no such language") == "&lt;b&gt;"
    assert highlight("x = 1\n" * 40_000, "python") == "x = 1\n" * 40_000


def test_a_formula_with_its_delimiters_or_without():
    for source in ("x^2", "$x^2$", "$$x^2$$", r"\(x^2\)", r" \[x^2\] "):
        assert "<msup>" in draw_formula(source, is_display=False)
    assert "<code>$$</code>" not in draw_formula("$$", is_display=True)


# Tables that libraries write -----------------------------------------------------------------


def cells(html: str) -> str | None:
    drawn = draw_table(html)
    if drawn is None:
        return None
    return drawn.removeprefix(
        '<div tabindex="0" class="scrolls"><table class="grid of-data">'
    ).removesuffix("</table></div>")


@pytest.mark.parametrize(
    ("html", "drawn"),
    [
        # Numbers stand at the right, where all of a column are some.
        (
            "<table><tr><td>1<td>a<tr><td>-2.5%<td>3</table>",
            (
                '<tbody><tr><td class="number">1</td><td>a</td></tr>'
                '<tr><td class="number">-2.5%</td><td>3</td></tr></tbody>'
            ),
        ),
        ("<table><tr><td>nan<td>…</table>", "<tbody><tr><td>nan</td><td>…</td></tr></tbody>"),
        # Cells over several columns and rows, as far as a page can bear.
        (
            "<table><tr><th colspan=2 rowspan=99999>a<th colspan=x>b</table>",
            '<tbody><tr><th colspan="2" rowspan="1000">a</th><th>b</th></tr></tbody>',
        ),
        # Without rows of their own, and with lines within.
        ("<table><td>a<br>b</table>", "<tbody><tr><td>a\nb</td></tr></tbody>"),
        (
            (
                "<table><caption> A <small>b</small></caption><colgroup><col></colgroup>"
                "<thead><th>x</thead><tbody><tr><td>y</tbody></table>"
            ),
            (
                "<caption>A b</caption><thead><tr><th>x</th></tr></thead>"
                "<tbody><tr><td>y</td></tr></tbody>"
            ),
        ),
        ("<table><tr><td>&lt;b&gt;</table>", "<tbody><tr><td>&lt;b&gt;</td></tr></tbody>"),
        ("<table><tr><td>a</td></b></tr></table>", "<tbody><tr><td>a</td></tr></tbody>"),
        # What is more than a table.
        ("<table></table>", None),
        ("<table><thead><tr><td>a</thead></table>", None),
        ("text <table><tr><td>a</table>", None),
        ("<!doctype html><table><tr><td>a</table>", None),
        ("<table><tr><td><a href=x>a</a></table>", None),
        ("<table><tr><td style='color:red'>a</table>", None),
        ("<table><tr><td><table><tr><td>a</table></table>", None),
        ("<style>td {}</style><table><tr><td>a</table>", None),
        ("<p>none</p>", None),
        ("<table><tr><td>a</table>" + " " * 2_000_000, None),
    ],
)
def test_tables_of_libraries(html, drawn):
    assert cells(html) == drawn


def test_a_note_below_a_table_stays():
    html = "<table><tr><td style='text-align: right;'>a</table><p>2 rows</p>"
    assert str(draw_table(html)).endswith('</div><p class="note">2 rows</p>')
    styled = "<style> .dataframe td {} </style><table><tr><td>a</table>"
    assert "dataframe" not in str(draw_table(styled))
