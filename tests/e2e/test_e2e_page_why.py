"""Why cells are stale, what waits, what was called and what needs what, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


def _cell(server, notebook, cell_type, content, **fields):
    body = {"type": cell_type, "content": content, **fields}
    status, made = server.ask("POST", f"{notebook}/cells", body)
    assert status in (200, 201)
    return f"{notebook}/cells/{made['id']}"


def _id(path: str) -> str:
    return path.rpartition("/")[2]


def _open(page, server, notebook: str) -> None:
    page.goto(f"{server.base}/#/notebooks/{_id(notebook)}")
    page.wait_for_selector(".cell")


def _line(cell: str) -> str:
    return f"#cell-{_id(cell)} .state-line"


def _type_into(page, cell: str, text: str) -> None:
    page.click(f"#cell-{_id(cell)} .source")
    page.wait_for_selector(".cm-content:focus")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def test_a_stale_cell_says_why_and_is_run_from_there(shared_server, window):
    notebook, [city] = shared_server.new_notebook("city = 'Oslo'")
    prompt = _cell(
        shared_server, notebook, "prompt", "What to see in {city}?", response_var="sights"
    )
    shared_server.ask("POST", f"{notebook}/execute_all", {})
    _open(window, shared_server, notebook)
    _type_into(window, city, "city = 'Bergen'")
    window.wait_for_selector(f"{_line(prompt)} >> text=was edited")
    # Back by keys: the cell, then run it.
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(f"{_line(prompt)} >> text=was Oslo, is Bergen")
    said = window.get_attribute(f"#cell-{_id(prompt)}", "aria-label")
    assert said == "2, prompt, stale"
    window.reload()
    window.wait_for_selector(f"{_line(prompt)} >> text=was Oslo, is Bergen")
    window.click(f"{_line(prompt)} >> text=Run this")
    window.wait_for_selector("text=You asked: What to see in Bergen?")
    assert window.query_selector("text=Stale") is None


def test_what_waits_says_what_for_and_is_taken_out_of_the_run(shared_server, window, until):
    notebook, [start] = shared_server.new_notebook("who = 'you'")
    ask = _cell(
        shared_server,
        notebook,
        "prompt",
        "Hi {who}",
        response_var="city",
        model="mock/echo+delay=3",
    )
    uses = _cell(shared_server, notebook, "code", "here = city")
    other = _cell(shared_server, notebook, "code", "other = 1")
    _open(window, shared_server, notebook)
    window.get_by_role("button", name="Run all").click()
    window.wait_for_selector(f"{_line(uses)} >> text=Waiting")
    assert "for cell 2 city" in window.inner_text(_line(uses)).replace("\n", " ")
    window.wait_for_selector(f"{_line(other)} >> text=place 2")
    window.wait_for_selector(f"{_line(ask)} >> text=/thinks/")
    window.wait_for_selector(".waves >> text=2 city, answering")
    window.click(f"{_line(other)} >> text=Remove")
    window.wait_for_selector(f"#cell-{_id(other)}[aria-label='4, code, not run yet']")
    window.click(f"{_line(ask)} >> text=Stop")
    window.wait_for_selector(f"{_line(ask)} >> text=Stopped by you")
    until(lambda: window.query_selector(".waves") is None, "the strip goes with the run")
    assert shared_server.ask("GET", other)[1]["status"] == "idle"
    assert shared_server.ask("GET", start)[1]["status"] == "completed"


def test_what_a_budget_refuses_says_so(shared_server, window):
    notebook, _ = shared_server.new_notebook()
    shared_server.ask(
        "PUT", notebook, {"metadata": {"llm_repl": {"budget": {"calls": 0, "usd": 1.0}}}}
    )
    prompt = _cell(shared_server, notebook, "prompt", "Hi")
    _open(window, shared_server, notebook)
    window.click(f"{_line(prompt)} button:has-text('Run')")
    window.wait_for_selector(f"{_line(prompt)} >> text=Not sent")
    window.wait_for_selector(f"{_line(prompt)} >> text=Raise")


def test_the_calls_take_the_documents_place(shared_server, window, until):
    notebook, _ = shared_server.new_notebook()
    first = _cell(shared_server, notebook, "prompt", "one", response_var="first")
    _cell(shared_server, notebook, "prompt", "two {first}", response_var="second")
    shared_server.ask("POST", f"{notebook}/execute_all", {})
    shared_server.ask("POST", f"{notebook}/execute_all", {"mode": "reuse"})
    _open(window, shared_server, notebook)
    window.click("[aria-label=More]")
    window.click("[role=menuitem] >> text=Calls")
    window.wait_for_selector(".call-table tbody tr >> nth=1")
    expect(window.locator(".call-table tbody tr")).to_have_count(2)
    assert not window.is_visible(".document")
    window.click("[aria-label^='Of which run']")
    window.click(".menu >> text=All runs")
    window.wait_for_selector(".call-table tbody tr >> nth=3")
    expect(window.locator(".axis .bar-record")).to_have_count(2)
    window.focus(".call-table tbody tr >> nth=0")
    window.keyboard.press("ArrowDown")
    window.wait_for_selector(".call-detail >> text=two This is the mock model.")
    window.click(".costs >> text=1 first")
    window.wait_for_selector(".calls-head >> text=cell 1")
    expect(window.locator(".call-table tbody tr")).to_have_count(2)
    window.keyboard.press("Escape")
    window.wait_for_selector(f"#cell-{_id(first)}")
    assert window.is_visible(".document")
    # A call becomes a cell that asks the same, and is compared with the answer in use.
    window.click("[aria-label=More]")
    window.click("[role=menuitem] >> text=Calls")
    window.click(".call-table tbody tr >> text=second")
    window.click(".call-detail >> text=Compare")
    window.wait_for_selector("text=Answers of cell 2, second")
    window.wait_for_selector(".versions-list .is-chosen")
    window.keyboard.press("3")
    window.click("text=All calls, with their times and costs")
    window.click(".call-table tbody tr >> text=second")
    window.click(".call-detail >> text=Open as a cell")
    window.wait_for_selector(".cell.has-focus .template >> text=two This is the mock model.")
    until(lambda: len(shared_server.ask("GET", f"{notebook}/cells")[1]["cells"]) == 3, "it is made")
    made = shared_server.ask("GET", f"{notebook}/cells")[1]["cells"][2]
    assert (made["type"], made["model"]) == ("PromptCell", "mock/mock")


def test_what_needs_what_is_drawn_beside_the_cells(shared_server, window):
    notebook, [source] = shared_server.new_notebook(
        "shop = 'tea'\nmost = 1\ndef find(what):\n    return what"
    )
    prompt = _cell(
        shared_server, notebook, "prompt", "{shop} {most}", response_var="check", tools=["find"]
    )
    shared_server.ask("POST", f"{notebook}/execute_all", {})
    free = _cell(shared_server, notebook, "code", "exec('y = 1')")
    alone = _cell(shared_server, notebook, "prompt", "Alone")
    _open(window, shared_server, notebook)
    window.click(f"#cell-{_id(prompt)} .number")
    window.keyboard.press("4")
    window.wait_for_selector(".arcs .is-strong path", state="attached")
    window.wait_for_selector(".needs-lists >> text=find, most, shop")
    assert "most, shop" in window.text_content(".arcs")
    window.wait_for_selector(".wave-table .figures >> text=/^\\d+\\.\\d s$/")
    window.wait_for_selector("text=Times are those of the last answers.")
    note = window.locator(".barrier-note")
    expect(note).to_contain_text("It may call find, which may change any variable.")
    expect(note).to_contain_text("and 4 waits for it, though it needs nothing of it.")
    expect(note).to_contain_text("Without the tool, 2 and 4 are asked together: 1 wave")
    expect(window.locator(".wave-table tr").first).to_contain_text("check, alone")
    window.click(".barrier-note >> text=Show the tool")
    window.wait_for_selector(f"#cell-{_id(source)}.has-focus")
    window.click(f"#cell-{_id(free)} .number")
    window.wait_for_selector(".barrier-note >> text=Cell 3 is a barrier")
    window.wait_for_selector(".arcs .is-barrier path", state="attached")
    window.click("text=Folded")
    window.wait_for_selector(".document.is-folded")
    expect(window.locator(f"#cell-{_id(prompt)} .folded-result")).to_have_text(
        re.compile(r"^\d+ words?$")
    )
    expect(window.locator(f"#cell-{_id(alone)} .folded-result")).to_have_count(0)
    window.set_viewport_size({"width": 1040, "height": 800})
    window.wait_for_selector(".arcs path", state="detached")
    assert window.is_visible(".wave-table"), "there is no margin, but there are the lists"
