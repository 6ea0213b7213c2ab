"""A notebook that comes with its answers and has not run here: said, replayed by pointer, run by keys."""

from __future__ import annotations

import platform

import pytest
from playwright.sync_api import expect

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PYTHON = "Python " + ".".join(platform.python_version_tuple()[:2])


def _shown_kernel(window) -> str:
    return window.locator('[aria-label^="Kernel:"]').get_attribute("aria-label")


def test_a_notebook_of_before_says_so_until_it_is_replayed(stage, window, until):
    server = stage.serve()
    notebook, [code, other] = server.new_notebook("shop = 'teas'\nshop", "1 + 1")
    prompts = [
        server.new_cell(notebook, "prompt", text, model="mock/mock", response_var=name)
        for text, name in (("Sell {shop}", "offer"), ("Shorten {offer}", "short"))
    ]
    server.ask("POST", f"{notebook}/execute_all", {})
    page = f"/#/notebooks/{notebook.rpartition('/')[2]}"
    window.goto(server.base + page)
    window.wait_for_selector(".cell")
    until(lambda: _shown_kernel(window) == f"Kernel: {PYTHON}, idle", "the kernel is idle")
    expect(window.get_by_text("Not run here yet")).to_have_count(0)
    assert server.stop() == 0

    again = stage.serve()
    window.goto("about:blank")
    window.goto(again.base + page)
    window.get_by_text("Not run here yet.").wait_for()
    window.get_by_text("All 2 are on record.").wait_for()
    # It lives in no file: nothing is said of one.
    window.get_by_text("Answers are those saved with it").wait_for()
    window.get_by_text("saved with the notebook").first.wait_for()
    assert window.get_by_text("in the file").count() == 0
    assert _shown_kernel(window) == "Kernel: starts with a run"
    for path in (code, other, *prompts):
        label = window.locator(f"#cell-{path.rpartition('/')[2]}").get_attribute("aria-label")
        assert label.endswith("not run here yet")

    # One cell by keys: the others are still as they came.
    window.click(f"#cell-{other.rpartition('/')[2]} .number")
    window.keyboard.press("Control+Enter")
    window.get_by_text("Not run here yet.").wait_for(state="detached")
    until(lambda: _shown_kernel(window) == f"Kernel: {PYTHON}, idle", "it has run")
    rings = window.locator('.gutter .state[title="Not run here yet"]')
    until(lambda: rings.count() == 3, "the others have not run here")
    assert again.stop() == 0

    third = stage.serve()
    window.goto("about:blank")
    window.goto(third.base + page)
    with window.expect_request("**/execute_all") as asked:
        window.get_by_role("button", name="Replay, no key needed").click()
    assert asked.value.post_data_json == {"mode": "replay"}
    window.get_by_text("Not run here yet.").wait_for(state="detached")
    until(lambda: rings.count() == 0, "all have run here")

    def statuses():
        return {cell["status"] for cell in third.ask("GET", notebook)[1]["cells"]}

    until(lambda: statuses() == {"completed"}, "all have completed")
    assert third.stop() == 0
