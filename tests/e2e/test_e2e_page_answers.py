"""The answers of prompts in the page: versions, edits, forms, tables of items, tools that ask."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


def _notebook(server, window, *cells: dict[str, object]) -> tuple[str, list[str]]:
    """A notebook of these cells, run once and open in the window: its path, and those of the cells."""
    _, made = server.ask("POST", "/api/notebooks", {"name": "Answers"})
    path = f"/api/notebooks/{made['id']}"
    paths = []
    for fields in cells:
        status, cell = server.ask("POST", f"{path}/cells", {"type": "prompt"} | fields)
        assert status == 201, cell
        paths.append(f"{path}/cells/{cell['id']}")
    window.goto(f"{server.base}/#/notebooks/{made['id']}")
    window.wait_for_selector(".cell")
    return path, paths


def _cell(path: str) -> str:
    return f"#cell-{path.rpartition('/')[2]}"


def _shown(server, cell: str) -> str:
    return server.ask("GET", cell)[1]["outputs"][-1]["content"]


def test_versions_by_keys_and_by_pointer_and_an_edit_with_its_original(
    shared_server, window, browser, until
):
    path, [prompt, code] = _notebook(
        shared_server,
        window,
        {
            "content": "How many?",
            "model": "mock/list:one **red** lamp|two lamps|three lamps",
            "response_var": "lamps",
        },
        {"type": "code", "content": "print(lamps.upper())"},
    )
    for _ in range(3):
        shared_server.ask("POST", f"{path}/execute_all", {})
    cell = _cell(prompt)
    window.wait_for_selector(f"{cell} >> text=3 of 3")
    window.click(f"{cell} .number")
    window.keyboard.press("[")
    window.wait_for_selector(f"{cell} >> text=2 of 3")
    until(lambda: _shown(shared_server, prompt) == "two lamps", "the variable follows")
    window.wait_for_selector(f"{_cell(code)} >> text=Stale")
    window.keyboard.press("]")
    window.wait_for_selector(f"{cell} >> text=3 of 3")

    window.keyboard.press("5")
    inspector = window.locator(".inspector")
    inspector.locator("text=Answers of cell 1").wait_for()
    inspector.locator(".version").last.click()
    inspector.locator("text=1 compared with 3, in use").wait_for()
    assert inspector.locator("del").last.inner_text() == "one red lamp"
    assert inspector.locator("del b").inner_text() == "red"
    inspector.locator("[aria-label='Use answer 1']").click()
    window.wait_for_selector(f"{cell} >> text=1 of 3")
    until(lambda: _shown(shared_server, prompt).startswith("one"), "the first is in use")

    other = browser.new_page()
    other.goto(window.url)
    window.click(f"{cell} .number")
    window.keyboard.press("e")
    window.wait_for_selector(f"{cell} textarea:focus")
    window.keyboard.press("Control+a")
    window.keyboard.type("one green lamp")
    window.keyboard.press("Escape")  # discards nothing
    window.keyboard.press("e")
    window.wait_for_selector(f"{cell} textarea:focus")
    assert window.input_value(f"{cell} textarea") == "one green lamp"
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(f"{cell} >> text=Edited by you")
    other.wait_for_selector(f"{cell} >> text=Edited by you")
    other.wait_for_selector(f"{cell} >> text=one green lamp")
    other.close()
    window.reload()
    window.wait_for_selector(f"{cell} >> text=4 of 4")
    window.click(f"{cell} >> role=button[name=Original]")
    window.wait_for_selector(f"{cell} >> text=1 of 4")
    until(lambda: _shown(shared_server, prompt) == "one **red** lamp", "the original is back")


def test_a_structured_answer_is_a_form_and_is_edited_by_it(shared_server, window, until):
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "description": "in years"},
            "sure": {"type": "string", "enum": ["low", "high"]},
        },
        "required": ["name", "age", "sure"],
        "additionalProperties": False,
    }
    path, [prompt] = _notebook(
        shared_server,
        window,
        {
            "content": '{"name": "Ada", "age": 36, "sure": "low"}',
            "schema": schema,
            "model": "mock/echo",
            "response_var": "who",
        },
    )
    shared_server.ask("POST", f"{prompt}/execute", {})
    cell = _cell(prompt)
    window.wait_for_selector(f"{cell} >> text=3 fields, as asked")
    form = window.locator(f"{cell} dl.answer-form")
    assert "whole number, in years" in form.inner_text()
    window.click(f"{cell} >> role=radio[name=JSON]")
    window.wait_for_selector(f"{cell} pre.answer-json")
    window.click(f"{cell} >> role=radio[name=Form]")
    window.click(f"{cell} .number")
    window.click(f"{cell} >> role=button[name=Edit]")
    window.fill(f"{cell} input[aria-label=age]", "37")
    window.select_option(f"{cell} select[aria-label=sure]", "high")
    window.click(f"{cell} >> role=button[name=Save]")
    window.wait_for_selector(f"{cell} >> text=Edited by you")

    def value() -> object:
        return shared_server.ask("GET", f"{path}/state")[1]["state"]["who"]

    until(lambda: value() == {"name": "Ada", "age": 37, "sure": "high"}, "the variable follows")
    window.click(f"{cell} >> role=radio[name=JSON]")
    window.keyboard.press("Escape")
    window.click(f"{cell} .number")
    window.keyboard.press("e")
    window.fill(f"{cell} textarea", '{"name": 1}')
    window.keyboard.press("Control+Enter")
    window.wait_for_selector("role=status >> text=does not fit")
    assert value() == {"name": "Ada", "age": 37, "sure": "high"}


def test_items_are_a_table_that_is_sorted_and_whose_failed_ones_are_asked_again(
    shared_server, window, until
):
    path, [texts, prompt] = _notebook(
        shared_server,
        window,
        {"type": "code", "content": "texts = ['{\"n\": 1}', 'no', '{\"n\": 3}']"},
        {
            "content": "{item}",
            "for_each": "texts",
            "schema": "n int",
            "model": "mock/echo",
            "response_var": "all",
        },
    )
    shared_server.ask("POST", f"{path}/execute_all", {})
    cell = _cell(prompt)
    rows = window.locator(f"{cell} .items tbody tr")
    window.wait_for_selector(f"{cell} >> text=Retry 1")
    expect(rows).to_have_count(3)
    # Once the run's end is drawn, which moves what stands below it.
    expect(window.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    window.click(f"{cell} .items .sort")
    until(lambda: rows.first.locator("th").inner_text().strip() == "1", "the failed one is first")
    rows.first.locator("text=not JSON").wait_for()
    shared_server.ask(
        "PUT", texts, {"content": "texts = ['{\"n\": 1}', '{\"n\": 2}', '{\"n\": 3}']"}
    )
    shared_server.ask("POST", f"{texts}/execute", {})
    calls = len(shared_server.ask("GET", "/api/calls")[1]["calls"])
    window.click(f"{cell} >> text=Retry 1")
    window.wait_for_selector(f"{cell} >> text=Retry 1", state="detached")
    window.wait_for_selector(f"{cell} td[data-name=n] >> text=2")
    assert len(shared_server.ask("GET", "/api/calls")[1]["calls"]) == calls + 1
    edit = rows.nth(1).locator("[aria-label^='Edit item']")

    def is_offered():
        rows.nth(1).hover()  # again, where the rows have moved below the pointer
        return edit.is_visible()

    until(is_offered, "the row's own buttons are there")
    edit.click()
    window.fill(f"{cell} input[aria-label=n]", "20")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(f"{cell} >> text=edited")
    wanted = [{"n": 1}, {"n": 20}, {"n": 3}]
    until(
        lambda: shared_server.ask("GET", f"{path}/state")[1]["state"].get("all") == wanted,
        "the variable follows",
    )
    rows.first.locator(".row-open").click()  # what was edited stands before what was asked
    window.wait_for_selector(".inspector >> text=item 1 of 3")
    window.wait_for_selector(".inspector >> text=written by you")
    # While they are asked each says how far it is, and all that runs is counted in them.
    shared_server.ask("PUT", prompt, {"model": "mock/echo+delay=1.2"})
    one_by_one = {"mode": "live", "concurrency": 1}
    shared_server.ask("POST", f"{prompt}/execute", one_by_one, Prefer="respond-async")
    window.wait_for_selector(f"{cell} .how >> text=place 2")
    window.click(f"{cell} .items .sort")
    window.wait_for_selector(".progress >> text=/^[01] of 3 prompts/")
    window.wait_for_selector(f"{cell} .state-line >> text=1 of 3")
    expect(rows.nth(0).locator("td[data-name=n]")).to_have_text("1")
    window.wait_for_selector(".waves >> text=/all, [12] of 3/")
    window.reload()
    window.wait_for_selector(f"{cell} .state-line >> text=2 of 3")
    window.wait_for_selector(f"{cell} >> text=list of 3")


def test_a_tool_that_asks_is_allowed_for_the_run_and_shown_folded(shared_server, window):
    path, [_, prompt] = _notebook(
        shared_server,
        window,
        {"type": "code", "content": "def add(n: int) -> int:\n    return n + 1"},
        {
            "content": "Add",
            "model": 'mock/call:add {"n": 1}|add {"n": 2}',
            "tools": ["add"],
            "approve_tools": True,
        },
    )
    shared_server.ask("POST", f"{path}/execute_all", {}, Prefer="respond-async")
    cell = _cell(prompt)
    window.wait_for_selector(f"{cell} >> text=Needs you")
    window.click(f"{cell} >> text=This run")
    window.wait_for_selector(f"{cell} .tool-call >> nth=1")
    expect(window.locator(f"{cell} .tool-call")).to_have_count(2)


def test_several_answers_side_by_side_of_which_one_is_used(shared_server, window, until):
    path, [prompt] = _notebook(
        shared_server,
        window,
        {"content": "Hello", "model": "mock/list:one|two|two|two", "response_var": "said"},
    )
    shared_server.ask("POST", f"{prompt}/execute", {})
    cell = _cell(prompt)
    window.wait_for_selector(f"{cell} >> text=text, 1 word")
    window.click(f"{cell} .number")
    window.keyboard.press("5")
    window.click("role=radio[name='Several times']")
    window.wait_for_selector("role=heading[name=/Ask several times: cell 1/]")
    window.keyboard.press("Escape")
    window.keyboard.press("Shift+E")
    window.wait_for_selector("role=heading[name=/Ask several models: cell 1/]")
    columns = window.locator(".several-columns article")
    expect(columns).to_have_count(1)
    window.click("role=button[name='Several times']")
    window.click("role=menuitem >> text=3 times")
    window.wait_for_selector(".several >> text=3 alike")
    expect(columns).to_have_count(2)
    window.click("role=button[name='Add a model']")
    window.click("role=menuitem >> text=mock/mock")
    window.wait_for_selector(".several >> text=You asked: Hello")
    # What the answer in use does not say is underlined.
    said = "[...(CSS.highlights.get('only-here') ?? [])].map(String).join('|')"
    until(lambda: "This is the mock model" in window.evaluate(said), "it is underlined")
    assert "two" not in window.evaluate(said), "a short word says nothing"
    assert _shown(shared_server, prompt) == "one"  # nothing changes until one is used
    columns.last.locator("text=Use this").click()
    until(lambda: _shown(shared_server, prompt).endswith("Hello"), "it is in use")
    window.keyboard.press("Escape")
    window.wait_for_selector(f"{cell} >> text=5 of 5")
    assert shared_server.ask("GET", f"{path}/state")[1]["state"]["said"].endswith("Hello")


# The trees of what is parsed, which only that may hold which reads them.
_TREES = "import('/static/lezer.js').then(({ Tree }) => Tree.prototype)"


def test_of_an_answer_that_is_there_nothing_is_kept_of_how_it_was_read(shared_server, window):
    sections = "\n\n".join(f"## Part {number}\n\n*Text* `x`\n\n- 1\n- 2" for number in range(100))
    _, [prompt] = _notebook(shared_server, window, {"model": "mock/echo", "content": sections})
    shared_server.ask("POST", f"{prompt}/execute", {})
    expect(window.locator(".answer h2")).to_have_count(100)
    expect(window.locator(".prose.is-growing")).to_have_count(0)
    session = window.context.new_cdp_session(window)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    prototype = session.send("Runtime.evaluate", {"expression": _TREES, "awaitPromise": True})
    of_it = {"prototypeObjectId": prototype["result"]["objectId"]}
    trees = session.send("Runtime.queryObjects", of_it)["objects"]["objectId"]
    count = {"objectId": trees, "functionDeclaration": "function () { return this.length; }"}
    assert session.send("Runtime.callFunctionOn", count)["result"]["value"] < 10
