"""Variables and the editor in the page: names in prompts, completion of code, values by page."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

STATE = """
import pandas as pd
most = "packing"
messages = pd.DataFrame({"day": ["Mon", "Tue"] * 60, "stars": range(120)})
order = {"sku": "TIN-1", "lines": [1, 2, 3]}

def send(letter, *, copies=1):
    "Send it to the team."
"""


def _open(page, server, notebook: str) -> None:
    page.goto(f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    page.wait_for_selector(".cell")


def _content(server, cell: str) -> str:
    return server.ask("GET", cell)[1]["content"]


def _edit(page, selector: str) -> None:
    page.click(selector)
    page.wait_for_selector(".cm-content:focus")
    page.keyboard.press("Control+End")


def _take(page, until, text: str) -> None:
    """Press Tab until the choice is taken: in the first moment it is not, as it may be meant otherwise."""

    def is_there() -> bool:
        lines = page.locator(".cm-line").all_inner_texts()
        if "\n".join(lines).endswith(text):
            return True
        page.keyboard.press("Tab")
        return False

    until(is_there, "the choice is taken")


def test_a_brace_offers_names_with_their_values_and_cells(shared_server, window, until):
    notebook, [code] = shared_server.new_notebook(STATE)
    prompt = shared_server.new_cell(notebook, "prompt", "Customers write about ")
    shared_server.run(code)
    _open(window, shared_server, notebook)
    _edit(window, ".template")
    window.keyboard.type("{mo")
    chosen = window.locator(".cm-tooltip-autocomplete [aria-selected]")
    chosen.wait_for()
    assert chosen.locator(".cm-completionLabel").inner_text() == "most"
    assert chosen.locator(".short").inner_text() == "'packing'"
    assert chosen.locator(".number").inner_text() == "1"
    window.wait_for_selector(".keys-hint >> text=insert")
    window.keyboard.press("Enter")
    window.keyboard.type(" and {order.")
    window.wait_for_selector(".cm-tooltip-autocomplete >> text=sku")
    window.keyboard.type("sk")
    window.keyboard.press("Enter")
    window.keyboard.type(", {mess")
    window.wait_for_selector(".cm-tooltip-autocomplete >> text=DataFrame, 120 × 2")
    # Escape closes the names, and the cell is still edited.
    window.keyboard.press("Escape")
    window.wait_for_selector(".cm-tooltip-autocomplete", state="detached")
    window.keyboard.type("ages}")
    window.keyboard.type(" {mos")
    window.wait_for_selector(".cm-tooltip-autocomplete >> text=most")
    window.keyboard.type(":>9")
    text = "Customers write about {most} and {order['sku']}, {messages} {most:>9}"
    until(lambda: _content(shared_server, prompt) == text, "the server has the text")


def test_code_is_completed_from_the_kernel_and_shows_what_a_function_takes(
    shared_server, window, until
):
    notebook, [first] = shared_server.new_notebook(STATE)
    cell = shared_server.new_cell(notebook, "code", "unsaved = 1\n")
    shared_server.run(first)
    _open(window, shared_server, notebook)
    _edit(window, f"#cell-{cell.rpartition('/')[2]} .source")
    window.keyboard.type("messages.grou")
    window.wait_for_selector(".cm-tooltip-autocomplete >> text=groupby")
    _take(window, until, "messages.groupby")
    window.keyboard.type("('day')\nunsa")
    window.wait_for_selector(".cm-tooltip-autocomplete >> text=unsaved")
    _take(window, until, "\nunsaved")
    window.keyboard.type("\nsend(1, ")
    window.keyboard.press("Shift+Tab")
    window.wait_for_selector(".signature >> text=Send it to the team.")
    assert window.locator(".signature b").inner_text() == "copies=1"
    window.keyboard.press("Escape")
    window.wait_for_selector(".signature", state="detached")
    window.keyboard.type("copies=2)")
    text = "unsaved = 1\nmessages.groupby('day')\nunsaved\nsend(1, copies=2)"
    until(lambda: _content(shared_server, cell) == text, "the server has the text")
    # Several places at once, comments, and an indented line.
    window.keyboard.press("Control+/")
    until(lambda: _content(shared_server, cell).endswith("\n# send(1, copies=2)"), "a comment")
    # Nothing runs while an input method composes.
    window.evaluate(
        """() => document.activeElement.dispatchEvent(
            new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true}))"""
    )
    assert shared_server.ask("GET", cell)[1]["status"] == "idle"
    window.keyboard.press("Escape")
    window.wait_for_selector(".cm-content", state="detached")


def test_variables_are_listed_found_opened_and_paged(shared_server, window, until):
    notebook, [code] = shared_server.new_notebook(STATE)
    shared_server.new_cell(notebook, "prompt", "Say {most}.", model="mock/mock")
    busy = shared_server.new_cell(notebook, "code", "import time\nwhile True: time.sleep(0.05)")
    shared_server.run(code)
    _open(window, shared_server, notebook)
    window.keyboard.press("2")
    row = window.locator(".variables tr", has=window.locator("code", has_text="messages"))
    row.wait_for()
    assert row.locator("td").all_inner_texts()[:3] == ["DataFrame, 120 × 2", "day, stars", "1"]
    row.locator("button.name").click()
    window.wait_for_selector(".frame >> text=int64")
    window.wait_for_selector(".pager >> text=1 to 20 of 120")
    window.click("[aria-label='Next page']")
    window.wait_for_selector(".pager >> text=21 to 40 of 120")
    assert window.locator(".frame tbody th").first.inner_text() == "20"
    window.fill("[aria-label='Find a name']", "ORD")
    window.wait_for_selector(".variables >> text=messages", state="detached")
    window.click(".variables button.name")
    window.click(".part >> text=lines")
    window.wait_for_selector(".part >> text=3")
    window.fill("[aria-label='Find a name']", "")
    # What runs is not waited for, and what was there is still shown, and can be opened.
    shared_server.ask("POST", f"{busy}/execute", {}, Prefer="respond-async")
    window.wait_for_selector(".inspector >> text=The kernel is busy")
    window.click(".variables >> text=messages")
    window.wait_for_selector(".pager >> text=1 to 20 of 120")
    shared_server.ask("POST", f"{busy}/interrupt", {})
    window.wait_for_selector(".inspector >> text=The kernel is busy: what", state="detached")
    window.locator(".variables .used .cell-link").first.click()
    window.wait_for_selector("article.has-focus[aria-label^='2,']")
