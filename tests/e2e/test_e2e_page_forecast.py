"""What will be sent and what it costs, in the page: before it is sent, by pointer and by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

ECHO = {"model": "mock/echo"}


def _open(page, server, notebook: str) -> None:
    page.goto(f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    page.wait_for_selector(".cell.is-prompt")


def _cells(server, notebook: str):
    return server.ask("GET", f"{notebook}/cells")[1]["cells"]


def _choose(server, notebook: str, **choices) -> None:
    assert server.ask("PUT", notebook, {"metadata": {"llm_repl": choices}})[0] == 200


@pytest.fixture
def shop(shared_server):
    """A notebook whose code has run, with two prompts that need each other."""
    notebook, [code] = shared_server.new_notebook("shop = 'a tea shop'\norders = [1, 2]")
    shared_server.run(code)
    shared_server.new_cell(notebook, "markdown", "# Notes of the week")
    shared_server.new_cell(notebook, "prompt", "Of {shop}", response_var="check", **ECHO)
    shared_server.new_cell(notebook, "prompt", "So {check}", response_var="letter", **ECHO)
    _choose(shared_server, notebook, mode="reuse", system="You work for {shop}.")
    return notebook


def test_a_wrong_name_is_said_while_one_types_and_mended_by_a_button(
    shared_server, shop, window, until
):
    _open(window, shared_server, shop)
    window.click(".template >> nth=0")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.press("Control+i")
    window.wait_for_selector(".inspector >> text=You work for a tea shop.")
    window.keyboard.press("End")
    window.keyboard.type(", which of {order}?")
    window.wait_for_selector(".field-says >> text=No variable order.")
    window.wait_for_selector(".price >> text=would not be sent")
    # The rest of the request is shown all the same, from the text that is being typed.
    assert "Of a tea shop, which of {order}?" in window.inner_text(".inspector")
    window.click("text=Use orders")
    window.wait_for_selector(".inspector >> text=which of [1, 2]?")
    until(lambda: _cells(shared_server, shop)[2]["content"].endswith("{orders}?"), "it is mended")
    window.wait_for_selector(".price >> text=free")
    expect(window.locator(".field-says")).to_have_count(0)


def test_the_plan_says_what_is_asked_and_then_it_is_asked(shared_server, shop, window, until):
    _open(window, shared_server, shop)
    window.wait_for_selector(".plan-button >> text=2 new, free")
    window.keyboard.press("Control+Shift+Enter")
    plan = window.locator(".plan")
    plan.get_by_role("heading", name="2 prompts: 0 on record, 2 new").wait_for()
    assert "Wave 2" in plan.inner_text()
    window.keyboard.press("ArrowDown")
    window.keyboard.press("ArrowDown")
    plan.get_by_role("radio", name=re.compile("Replay"), checked=True).wait_for()
    assert "Stops at cell 3, which is not on record" in plan.inner_text()
    window.keyboard.press("ArrowUp")
    window.keyboard.press("ArrowUp")
    window.keyboard.press("Enter")
    window.wait_for_selector(".answer >> text=So Of a tea shop")
    window.wait_for_selector(".plan-button >> text=2 on record, free")
    window.wait_for_selector(".price >> text=on record: free")
    # An edit is a new question, and what needs it is asked again.
    window.click(".template >> nth=0")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.press("End")
    window.keyboard.type(" again")
    window.keyboard.press("Escape")
    window.wait_for_selector(".plan-button >> text=2 new, free")
    window.click(".plan-button")
    assert "the text was edited" in plan.inner_text()
    assert "needs cell 3" in plan.inner_text()
    window.keyboard.press("Escape")
    expect(plan).to_have_count(0)
    # Each choice of mode says what it means at once.
    window.get_by_role("radio", name="Replay").click()
    window.wait_for_selector(".plan-button >> text=stops at cell 3")
    window.get_by_role("radio", name="Live").click()
    window.wait_for_selector(".plan-button >> text=2 calls, free")
    until(
        lambda: shared_server.ask("GET", shop)[1]["metadata"]["llm_repl"]["mode"] == "live",
        "it is kept",
    )


def test_what_may_cost_opens_the_plan_first(shared_server, shop, window):
    _choose(shared_server, shop, model="openai/gpt-4o", budget={"usd": 2})
    for cell in _cells(shared_server, shop)[2:]:
        shared_server.ask("PUT", f"{shop}/cells/{cell['id']}", {"model": None})
    _open(window, shared_server, shop)
    window.wait_for_selector(".gauge >> text=$0 of $2.00")
    window.wait_for_selector(".price >> text=/≤ \\$0\\.\\d/")
    window.get_by_role("button", name="Run all").click()
    window.wait_for_selector(".plan")
    assert window.get_by_role("radio", name=re.compile("Live")).first.is_visible()
    window.get_by_label("Limit of this run in US dollars").fill("0.01")
    assert window.get_by_label("Stop this run before").is_checked()
    window.keyboard.press("Escape")


def test_what_is_sent_along_is_chosen_at_the_left(shared_server, shop, window, until):
    _open(window, shared_server, shop)
    prompt = window.locator(".cell.is-prompt").first
    prompt.locator(".template").click()
    window.wait_for_selector(".cm-content:focus")
    # Nothing is sent along yet, so that nothing is faded as left out.
    assert window.locator(".sent-weight").count() == 0
    before = prompt.bounding_box()
    window.locator(".sent-button >> text=not sent").nth(1).click()
    window.wait_for_selector("text=Cell 3 now sends chosen cells, no longer alone.")
    assert prompt.bounding_box()["y"] == before["y"]
    ids = [cell["id"] for cell in _cells(shared_server, shop)]
    until(lambda: _cells(shared_server, shop)[2]["context"] == [ids[1]], "it is chosen")
    window.wait_for_selector(".sent-button.is-sent >> text=sent,")
    window.wait_for_selector(".choice >> text=sends 2")
    # While the text is edited, and else with the request beside it: a prompt in focus alone leaves
    # the cells above as they are.
    window.keyboard.press("Escape")
    window.wait_for_selector(".sent-button", state="detached")
    window.keyboard.press("1")
    window.wait_for_selector(".sent-button.is-sent")
    # By keys: pinned and skipped, and along with the prompt below.
    window.keyboard.press("ArrowUp")
    window.keyboard.press("ArrowUp")
    window.keyboard.press("Shift+P")
    until(lambda: _cells(shared_server, shop)[0]["pinned"], "it is pinned")
    window.keyboard.press("ArrowDown")
    window.keyboard.press("s")
    window.wait_for_selector("text=Cell 2 is not sent with cell 3.")
    until(lambda: _cells(shared_server, shop)[2]["context"] == [], "it is left out")
    window.keyboard.press("ArrowDown")
    window.wait_for_selector(".sent-button.is-pinned >> text=pinned,")
    # All above, by the choice itself.
    window.get_by_role("button", name="What is sent along").click()
    window.get_by_role("radio", name=re.compile("All above")).click()
    until(lambda: _cells(shared_server, shop)[2]["context"] == "above", "all above")


def test_every_choice_of_a_prompt_has_its_field(shared_server, shop, window, until):
    _open(window, shared_server, shop)

    def kept():
        return _cells(shared_server, shop)[2]

    window.locator(".cell.is-prompt").first.locator(".template").click()
    window.keyboard.press("Escape")
    window.get_by_role("button", name=re.compile("^Model:")).click()
    search = window.get_by_role("combobox")
    search.fill("mock/an-echo")
    window.wait_for_selector(".model >> text=as typed")
    window.wait_for_selector(".model >> text=free")
    search.press("Enter")
    until(lambda: kept()["model"] == "mock/an-echo", "the model")
    window.get_by_role("button", name="Temperature").click()
    window.get_by_role("spinbutton").fill("0.2")
    window.keyboard.press("Escape")
    until(lambda: kept()["temperature"] == 0.2, "the temperature")
    window.get_by_role("button", name=re.compile("^System text, form")).click()
    more = window.locator(".more-choices")
    for label, text, field, value in (
        ("System text", "Be brief.", "system", "Be brief."),
        ("Form of the answer", "name, age int, tags[]", "schema", "name, age int, tags[]"),
        ("For each", "orders", "for_each", "orders"),
        ("Tools", "len, sum", "tools", ["len", "sum"]),
        ("Attachments", "./a.csv", "attachments", ["./a.csv"]),
        ("Variable", "found", "response_var", "found"),
        ("Parameters", '{"max_tokens": 7}', "parameters", {"max_tokens": 7}),
    ):
        more.get_by_label(label, exact=True).fill(text)
        until(lambda field=field, value=value: kept()[field] == value, field)
    assert "list of texts" in more.inner_text()
    more.get_by_label("Variable", exact=True).fill("not a name")
    more.get_by_text("A name: letters, digits and _").wait_for()
    assert kept()["response_var"] == "found"
    more.get_by_role("combobox").last.select_option("low")
    until(lambda: kept()["reasoning_effort"] == "low", "the effort")
    window.keyboard.press("Escape")
    expect(more).to_have_count(0)
    window.get_by_role("button", name="Budget of this notebook").click()
    window.get_by_label("In all").fill("5")
    window.keyboard.press("Enter")
    window.wait_for_selector("text=$5.00 in all")
    window.get_by_role("button", name="System text of all prompts").click()
    window.get_by_role("textbox", name="System text of all prompts").fill("Be kind.")
    until(
        lambda: shared_server.ask("GET", shop)[1]["metadata"]["llm_repl"]["system"] == "Be kind.",
        "the system text",
    )


def test_a_strangers_notebook_is_looked_at_without_running_it(shared_server, window):
    """Neither opening it nor choosing its prompt evaluates what its template calls."""
    notebook, [code] = shared_server.new_notebook("seen = []")
    shared_server.new_cell(notebook, "prompt", "{seen.append(1)} {len(seen)}", **ECHO)
    shared_server.run(code)
    _open(window, shared_server, notebook)
    window.click(".cell.is-prompt .number")
    window.keyboard.press("Control+i")
    window.wait_for_selector(".inspector >> text=It is filled when the prompt is run.")
    assert shared_server.ask("GET", f"{notebook}/state")[1]["state"]["seen"] == []
    window.click("text=Fill in what calls something")
    window.wait_for_selector(".inspector >> text=None 1")
