"""Settings in the page: who answers, keys, servers under names of their own, and what is kept."""

from __future__ import annotations

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer, Reply

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

KEY = "sk-a-key-that-nobody-may-see-0123456789"


def _provider(page, name: str):
    return page.locator(f'article[aria-label="{name}"]')


def test_a_server_is_added_tried_chosen_used_and_removed(server, window):
    with OpenAIServer(
        reply=Reply(text="Hello from the lab."), models=["embed-a", "a"], key=KEY
    ) as lab:
        window.goto(server.base)
        window.get_by_label("Settings").click()
        window.get_by_text("Add a provider").click()
        window.keyboard.type("lab")
        window.get_by_label("Address").fill(lab.base_url)
        window.keyboard.press("Enter")
        lab_row = _provider(window, "lab")
        lab_row.get_by_text("Enter key").click()
        window.get_by_label("Key for lab").fill(KEY)
        window.keyboard.press("Enter")
        lab_row.get_by_text("Works: 2 models").wait_for()
        lab_row.get_by_text("Key from the file").wait_for()
        lab_row.get_by_text("By default: a").wait_for()  # as nobody named one
        window.get_by_label("Provider", exact=True).select_option("lab")
        lab_row.get_by_text("in use").wait_for()
        assert KEY not in window.content()
        window.keyboard.press("Escape")
        window.get_by_role("button", name="lab, a").wait_for()  # the default, in the bar
        notebook, _ = server.new_notebook()
        cell = server.new_cell(notebook, "prompt", "Hi")
        assert server.run(cell)["outputs"][0]["content"] == "Hello from the lab."
        window.get_by_label("Settings").click()
        lab_row.get_by_label("More for lab").click()
        window.get_by_text("Remove lab").click()
        lab_row.get_by_text("choose another provider first").wait_for()
        window.get_by_label("Provider", exact=True).select_option("mock")
        lab_row.get_by_label("More for lab").click()
        window.get_by_text("Remove lab").click()
        lab_row.wait_for(state="detached")


def test_a_wrong_address_gets_a_sentence_and_a_missing_key_says_what_to_do(server, window):
    window.goto(server.base)
    window.get_by_label("Settings").click()
    openai = _provider(window, "openai")
    openai.get_by_text("No key yet: enter one, or set OPENAI_API_KEY").wait_for()
    window.get_by_text("Add a provider").click()
    window.keyboard.type("Away From Home")
    window.get_by_label("Address").fill("http://127.0.0.1:9/v1")
    window.keyboard.press("Enter")
    window.get_by_text("small letters").wait_for()
    window.get_by_label("Name", exact=True).fill("away")
    window.keyboard.press("Enter")
    _provider(window, "away").get_by_text("Nobody answers at http://127.0.0.1:9/v1").wait_for()


def test_the_kernels_that_run_and_what_is_stored(server, window, until):
    notebook, [cell] = server.new_notebook("kept = 1")
    server.run(cell)
    window.goto(server.base)
    window.get_by_label("Settings").click()
    window.get_by_role("button", name="Kernels").click()
    row = window.locator("#kernels .setting", has_text="Test")
    row.get_by_text("Python 3").wait_for()
    row.get_by_role("button", name="Restart").click()
    until(lambda: server.ask("GET", f"{notebook}/state")[1]["state"] == {}, "it is a new one")
    window.locator("#storage").get_by_text("llm-repl.db").wait_for()
    window.locator("#storage").get_by_text("1 notebook,").wait_for()


def test_theme_size_and_the_budget_of_new_notebooks_are_kept_in_the_browser(server, window, until):
    window.goto(server.base)
    window.get_by_label("Settings").click()
    window.get_by_role("radio", name="Dark").click()
    window.get_by_role("radio", name="Dark").press("ArrowLeft")

    def dataset():
        return window.evaluate("({...document.documentElement.dataset})")

    until(lambda: dataset()["theme"] == "light", "the light theme is chosen")
    window.get_by_role("radio", name="Large").click()
    window.get_by_role("radio", name="Reuse").click()
    window.get_by_label("Budget").press_sequentially("0.5")
    window.get_by_label("Budget").press("Tab")
    window.keyboard.press("Escape")
    window.reload()
    assert dataset() == {"theme": "light", "size": "large"}  # from the first moment on
    window.get_by_text("New notebook").click()
    window.wait_for_selector(".cell")
    [made] = server.ask("GET", "/api/notebooks")[1]["notebooks"]
    metadata = server.ask("GET", f"/api/notebooks/{made['id']}")[1]["metadata"]
    assert metadata["llm_repl"] == {"mode": "reuse", "budget": {"usd": 0.5}}
