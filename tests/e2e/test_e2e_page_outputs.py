"""What is read on the page: outputs of libraries, and answers while they come."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

# As the libraries give it, which need not be installed for it.
FRAME = """<div><style scoped>.dataframe tbody tr th { vertical-align: top; }</style>
<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>stars</th><th>text</th></tr></thead>
<tbody><tr><th>0</th><td>2</td><td>The tin, &lt;b&gt;dented&lt;/b&gt;</td></tr><tr><th>1</th><td>5</td><td>Lovely "smell"</td></tr></tbody></table></div>"""
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><circle cx="9" cy="9" r="5"/></svg>'
DISPLAYS: list[dict[str, object]] = [
    {"text/html": FRAME, "text/plain": "   stars  text"},
    {"image/png": DOT, "text/plain": "<Figure size 1x1>"},
    {"image/svg+xml": SVG, "text/plain": "drawing"},
    {"application/json": {"rows": [{"n": n} for n in range(250)]}, "text/plain": "JSON"},
    {"text/latex": r"$\displaystyle \frac{a}{b}$", "text/plain": "a/b"},
    {"application/vnd.plotly.v1+json": {}, "text/plain": "<plotly figure>"},
    {"application/x-thing": "data", "text/plain": "thing"},
    {"text/html": "<h4 style='height: 300px'>framed</h4>", "text/plain": "HTML"},
    {"text/html": re.sub("<tbody>.*</tbody>", "<tbody></tbody>", FRAME), "text/plain": "Empty"},
]
SHOW = f"""
import json
class Show:
    def __init__(self, data): self.data = data
    def _repr_mimebundle_(self, include=None, exclude=None): return self.data
for data in json.loads({json.dumps(json.dumps(DISPLAYS))}): display(Show(data))
"""
TERMINAL = """
import sys, time
print("\\x1b[1;31mred\\x1b[0m \\x1b[38;2;255;255;0myellow\\x1b[0m")
for n in range(101): print(f"\\r{n} %", end="")
print()
for n in range(5000): print("line", n)
"""
WRONG = "def half(x):\n    return x / 0\n\nhalf(1)"


def _open(window, server, notebook: str) -> None:
    window.goto(f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    window.wait_for_selector(".cell")


def test_outputs_are_shown_as_what_they_are(shared_server, window):
    notebook, cells = shared_server.new_notebook(SHOW, TERMINAL, WRONG)
    for cell in cells:
        shared_server.ask("POST", f"{cell}/execute")
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _open(window, shared_server, notebook)

    table = window.locator(".display").nth(0)
    table.locator("td >> text=The tin, <b>dented</b>").wait_for()
    expect(table.locator("iframe")).to_have_count(0)
    assert "number" in (table.locator("td").nth(0).get_attribute("class") or "")
    assert "2 rows, 2 columns" in table.text_content()
    window.get_by_text("0 rows, 2 columns", exact=True).wait_for()
    table.locator("text=Copy as CSV").click()
    assert window.evaluate("navigator.clipboard.readText()") == (
        'stars,text\n2,"The tin, <b>dented</b>"\n5,"Lovely ""smell"""\n'
    )
    table.hover()
    table.locator("[aria-label='Show it in another form']").click()
    window.click("[role=menuitem] >> text=As text")
    table.locator("pre >> text=stars  text").wait_for()

    window.click("[aria-label='<Figure size 1x1>: show it large']")
    window.wait_for_selector("dialog.large-picture[open] img")
    window.keyboard.press("Escape")
    window.wait_for_selector("dialog.large-picture[open]", state="detached")
    expect(window.locator(".plate img[src^='data:image/svg+xml']")).to_have_count(1)

    window.click("summary >> text=rows")
    window.wait_for_selector(".json-branch .json-branch .json-branch >> nth=99")
    expect(window.locator(".json-branch .json-branch .json-branch")).to_have_count(100)
    window.get_by_role("button", name="150 more").click()
    window.wait_for_selector(".json-branch .json-branch .json-branch >> nth=199")

    window.wait_for_selector(".formula math mfrac")
    window.wait_for_selector("text=This is an interactive Plotly figure")
    window.wait_for_selector("text=There is also application/x-thing, which this page cannot show.")
    window.frame_locator("iframe").locator("text=framed").wait_for()
    window.wait_for_function(
        "() => [...document.querySelectorAll('iframe')].some(f => f.offsetHeight >= 300)"
    )

    stream = window.locator(".stream").filter(has_text="100 %")
    assert "99 %" not in stream.text_content()
    assert stream.locator(".ansi-bold.ansi-ink-red").text_content() == "red"
    assert "4,962 lines more" in stream.text_content()
    window.get_by_role("button", name="Show all").click()
    window.wait_for_selector("text=line 2500")

    failure = window.locator(".failure")
    assert "division by zero" in failure.text_content()
    assert "half(1)" not in failure.text_content()
    failure.locator("text=Traceback").click()
    assert "half(1)" in failure.text_content()
    failure.locator(".to-line >> text=line 2").click()
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.type("#")
    window.wait_for_selector(".cm-line >> text=#return x / 0")


PASSAGES = (
    "# Answer\n\nA *paragraph* with `code` and $x^2$.\n\n1. one\n   - below\n2. two\n\n"
    "| a | b |\n|---|--:|\n| 1 |  |\n| 2 | 3 |\n\n```python\nx = 1  # note\n```\n\n> quoted\n\n- [x] done\n\n"
)
WATCH = """
() => {
  window.touched = [];
  const finished = new WeakMap();
  new MutationObserver((records) => {
    for (const { target, removedNodes } of records) {
      const block = (target.nodeType === 1 ? target : target.parentElement)?.closest(".passage > *");
      if (!block) continue;
      // What two later blocks follow was finished before.
      if (block.dataset === undefined || !finished.get(block)) continue;
      window.touched.push(block.outerHTML.slice(0, 200));
    }
    for (const block of document.querySelectorAll(".answer .passage > *")) {
      if (block.nextElementSibling?.nextElementSibling) finished.set(block, true);
    }
  }).observe(document.querySelector(".document"), { subtree: true, childList: true, characterData: true });
}
"""


def test_what_has_been_read_of_an_answer_is_never_touched_again(shared_server, window, until):
    notebook, _ = shared_server.new_notebook()
    options = {"parameters": {"delay_per_token_s": 0.004}}
    cell = shared_server.new_cell(notebook, "prompt", PASSAGES * 6, model="mock/echo", **options)
    shared_server.new_cell(notebook, "markdown", PASSAGES * 6)
    _open(window, shared_server, notebook)
    window.wait_for_selector("math")  # what draws formulas is there
    window.click(".template", position={"x": 4, "y": 4})
    window.evaluate(WATCH)
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(".answer h1")
    window.evaluate("document.querySelector('.answer h1').chosen = true")
    until(lambda: shared_server.ask("GET", cell)[1]["status"] == "completed", "it is answered")
    window.wait_for_selector(".prose.is-growing", state="detached")
    assert window.evaluate("window.touched") == []
    assert window.evaluate("document.querySelector('.answer h1').chosen") is True
    # It looks as the same text does that never grew.
    looks = """selector => [...document.querySelectorAll(`${selector} .passage`)].map(p => p.innerHTML
      .replace(/<button.*?<\\/button>/g, "")).join("")"""
    assert window.evaluate(looks, ".answer") == window.evaluate(looks, ".is-md")
    # A paragraph of several parts is one: no line ends where they meet.
    shared_server.new_cell(notebook, "markdown", "Words of a paragraph. " * 400)
    window.wait_for_selector(".is-md >> text=Words of a paragraph")
    own, plain = window.evaluate("""() => {
      const paragraph = [...document.querySelectorAll(".is-md p")].at(-1);
      const copy = paragraph.cloneNode();
      copy.textContent = paragraph.textContent;
      paragraph.after(copy);
      return [paragraph.offsetHeight, copy.offsetHeight];
    }""")
    assert own == plain > 0
