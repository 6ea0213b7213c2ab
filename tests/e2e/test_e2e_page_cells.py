"""The page as a document one works in: cells chosen, moved, copied, found, deleted and brought back."""

from __future__ import annotations

import json

import pytest
from page_visits import TOO_SMALL
from playwright.sync_api import expect

JUPYTER = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# From\n", "Jupyter"]},
            {"cell_type": "code", "metadata": {}, "source": "y = 1", "outputs": []},
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
)


def _open(page, server, notebook: str) -> None:
    page.goto(f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    page.wait_for_selector(".cell")


def _cells(server, notebook: str):
    return server.ask("GET", f"{notebook}/cells")[1]["cells"]


def _contents(server, notebook: str) -> list[str]:
    return [cell["content"] for cell in _cells(server, notebook)]


def _press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_several_cells_by_keys_and_all_of_it_undone(shared_server, window, until):
    notebook, _ = shared_server.new_notebook(*"abcdef")
    _open(window, shared_server, notebook)
    before = _cells(shared_server, notebook)

    def becomes(*wanted: str) -> None:
        until(lambda: _contents(shared_server, notebook) == list(wanted), f"it is {wanted}")

    _press(window, "Home", "j", "Shift+J", "Shift+ArrowDown")
    expect(window.locator(".is-chosen")).to_have_count(3)
    _press(window, "Alt+ArrowDown")
    becomes("a", "e", "b", "c", "d", "f")
    _press(window, "d", "d")
    becomes("a", "e", "f")
    assert "3 cells were deleted" in window.inner_text(".toasts")
    assert window.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "3, code"
    )
    _press(window, "Home", "Shift+M")  # with the one below
    becomes("a\ne", "f")
    _press(window, "y", "p")
    until(lambda: _cells(shared_server, notebook)[0]["type"] == "PromptCell", "it is a prompt")
    _press(window, "z", "z")
    becomes("a", "e", "f")
    _press(window, "z", "z")
    becomes(*"abcdef")
    assert [cell["id"] for cell in _cells(shared_server, notebook)] == [c["id"] for c in before]
    _press(window, "Shift+Z")
    becomes("a", "e", "b", "c", "d", "f")


def test_cells_go_through_the_clipboard_to_another_notebook(shared_server, browser, until):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    window = context.new_page()
    first, _ = shared_server.new_notebook("x = 1; print(x)")
    shared_server.new_cell(first, "prompt", "Say {x}", model="mock/echo", response_var="said")
    shared_server.ask("POST", f"{first}/execute_all", {})
    ran = _cells(shared_server, first)
    second, _ = shared_server.new_notebook("z")
    _open(window, shared_server, first)
    _press(window, "Home", "Shift+ArrowDown", "c")
    _open(window, shared_server, second)
    _press(window, "Home", "v")
    until(
        lambda: _contents(shared_server, second) == ["z", "x = 1; print(x)", "Say {x}"],
        "it is pasted",
    )
    pasted = _cells(shared_server, second)[2]
    assert (pasted["type"], pasted["response_var"]) == ("PromptCell", "said")
    # With what they gave, as a copy has it.
    assert [cell["outputs"] for cell in _cells(shared_server, second)[1:]] == [
        cell["outputs"] for cell in ran
    ]
    window.wait_for_selector(".answer >> text=Say 1")
    # From JupyterLab, by the browser's own key, and from a chat.
    window.evaluate("text => navigator.clipboard.writeText(text)", JUPYTER)
    _press(window, "End", "Control+v")
    until(
        lambda: _contents(shared_server, second)[3:] == ["# From\nJupyter", "y = 1"], "so are these"
    )
    window.evaluate("text => navigator.clipboard.writeText(text)", "Try:\n```python\nprint(1)\n```")
    _press(window, "End", "Control+v")
    until(lambda: _contents(shared_server, second)[5:] == ["Try:", "print(1)"], "and these")
    _press(window, "z", "z", "z")
    until(lambda: _contents(shared_server, second) == ["z"], "all is undone")
    context.close()


def test_what_was_deleted_comes_back_from_the_bin(shared_server, window, until):
    notebook, [kept, _] = shared_server.new_notebook("print('paid for')", "other")
    shared_server.run(kept)
    _open(window, shared_server, notebook)
    _press(window, "Home", "d", "d")
    until(lambda: _contents(shared_server, notebook) == ["other"], "it is deleted")
    window.reload()
    window.wait_for_selector(".cell")
    window.click("[aria-label=More]")
    window.click("[role=menuitem] >> text=Bin")
    window.click(".bin li:has-text('paid for') >> text=Restore")
    window.keyboard.press("Escape")
    window.wait_for_selector(".output >> text=paid for")
    assert _cells(shared_server, notebook)[0]["outputs"][0]["content"] == "paid for\n"


def test_find_and_replace_in_all_cells_is_one_step(shared_server, window, until):
    notebook, _ = shared_server.new_notebook("cat = 1", "Cat + cat", "dog", "a = " * 20)
    _open(window, shared_server, notebook)
    window.keyboard.press("Control+h")
    window.keyboard.type("cat")
    window.wait_for_selector(".find >> text=3 matches in 2 cells")
    window.click("text=Regular expression")
    window.click("text=Match case")
    window.fill("[aria-label='Find in all cells']", r"c(a)t")
    window.wait_for_selector(".find >> text=2 matches in 2 cells")
    window.fill("[aria-label='Replace with']", "b$1t")
    window.wait_for_selector(".find ins >> text=bat >> nth=0")
    window.click("text=Replace all")
    until(
        lambda: _contents(shared_server, notebook)[:3] == ["bat = 1", "Cat + bat", "dog"],
        "replaced",
    )
    window.fill("[aria-label='Find in all cells']", "(")
    window.wait_for_selector(".find >> text=no regular expression")
    # One that takes years: it is given up, and the page goes on meanwhile.
    window.fill("[aria-label='Find in all cells']", r"^(?:[\w =]+)+!$")
    window.wait_for_selector(".find >> text=takes too long")
    window.fill("[aria-label='Find in all cells']", "d.g")
    window.wait_for_selector(".find >> text=1 match in 1 cell")
    window.keyboard.press("Escape")
    window.keyboard.press("z")
    until(lambda: _contents(shared_server, notebook)[0] == "cat = 1", "undone")


def test_a_cell_is_split_folded_and_dragged(shared_server, window, until):
    notebook, _ = shared_server.new_notebook("one\ntwo", "last")
    _open(window, shared_server, notebook)
    _press(window, "Home", "Enter")
    window.wait_for_selector(".cm-content:focus")
    _press(window, "Control+Home", "End", "Control+Shift+Minus")
    until(lambda: _contents(shared_server, notebook) == ["one", "two", "last"], "it is split")
    window.wait_for_selector(".cm-content:focus")
    _press(window, "Escape", "f")
    window.wait_for_selector(".folded >> text=two")
    until(
        lambda: (
            _cells(shared_server, notebook)[1]["metadata"] == {"jupyter": {"source_hidden": True}}
        ),
        "it stays folded",
    )
    _press(window, "f")
    articles = window.locator("article.cell")
    articles.nth(2).locator(".type").drag_to(articles.nth(0), target_position={"x": 300, "y": 2})
    until(lambda: _contents(shared_server, notebook) == ["last", "one", "two"], "it is dragged")


def test_a_template_is_prose_that_does_not_move_when_one_edits_it(shared_server, window):
    notebook, _ = shared_server.new_notebook()
    text = "Of `orders`, `{item}` and {x}:\n\n{y}\n\n\nIn `pandas`, for `a"
    shared_server.new_cell(notebook, "prompt", text, model="mock/echo")
    _open(window, shared_server, notebook)
    window.click(".number >> nth=0")
    window.wait_for_selector(".status-line.is-open")
    marked = ".template :is(.field, code), .status-line"
    where = f"[...document.querySelectorAll('{marked}')].map(one => [one.textContent, one.getBoundingClientRect().x, one.getBoundingClientRect().y])"
    window.wait_for_selector(".template code >> text=orders")
    at_rest = window.evaluate(where)
    lines = window.evaluate(
        "[...document.querySelectorAll('.template > div')].map(one => one.offsetHeight)"
    )
    assert lines == [24, 8, 24, 24, 24, 24]
    assert window.inner_text(".template").count("`") == 7
    window.keyboard.press("Enter")
    window.wait_for_selector(".cm-content:focus")
    assert window.evaluate(where)[:-1] == at_rest[:-1]
    assert window.locator(".cm-line.template-gap").count() == 1


def test_by_the_keyboard_alone(shared_server, window, until):
    notebook, _ = shared_server.new_notebook("print('by keys')")
    _open(window, shared_server, notebook)

    def focus() -> str:
        return window.evaluate(
            "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText)"
        )

    _press(window, "ArrowDown")
    assert focus() == "1, code, not run yet"
    _press(window, "Control+Enter")
    window.wait_for_selector("text=by keys")
    _press(window, "b")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.type("kept")
    # The first may close a list of names; none discards anything.
    _press(window, "Escape", "Escape")
    until(lambda: _contents(shared_server, notebook)[1] == "kept", "it is kept")
    until(lambda: focus().startswith("2, code"), "the cell has the focus again")
    _press(window, "Control+o")
    window.wait_for_selector(".drawer-list a[aria-current=page]")
    window.keyboard.type("Test")
    _press(window, "Escape")
    window.wait_for_selector(".drawer", state="detached")
    _press(window, "?")
    window.wait_for_selector(".keys")
    window.fill("[aria-label='Find an action']", "fold")
    assert window.locator(".keys dt").all_inner_texts() == ["Fold the source, the answer"]
    # Another key for a command: not one that is taken, and the first one is free then.
    window.fill("[aria-label='Find an action']", "delete")
    window.click("text=Change keys")
    changed = window.locator(".change-key")
    changed.click()
    _press(window, "Control+o")
    window.wait_for_selector("text=Those keys are for “Notebooks”.")
    _press(window, "g")
    expect(changed).to_have_text("GG")
    changed.click()
    _press(window, "Escape")  # leaves the key as it is, and the table open
    expect(changed).to_have_text("GG")
    _press(window, "Escape", "d", "d", "g", "g")
    until(lambda: len(_contents(shared_server, notebook)) == 1, "the new key deletes, once")
    window.reload()  # it is kept
    window.wait_for_selector(".cell")
    _press(window, "Home", "g", "g")
    until(lambda: not _contents(shared_server, notebook), "the new key deletes")
    window.click(".toasts >> text=Undo")
    until(lambda: len(_contents(shared_server, notebook)) == 1, "it is back")
    _press(window, "?")
    window.click("text=Change keys")
    window.click("text=As at first")
    window.click("text=Single keys")
    _press(window, "Escape", "ArrowUp", "d", "d", "b")
    _press(window, "ArrowDown")
    assert len(_contents(shared_server, notebook)) == 1
    # Every control is reached by Tab, and the first is not the last.
    reached = []
    for _ in range(12):
        window.keyboard.press("Tab")
        reached.append(focus())
    assert len(set(reached)) > 6


def test_a_thousand_cells_stay_workable(shared_server, window, until):
    notebook, _ = shared_server.new_notebook()
    edits = [
        {
            "do": "create",
            "cell_id": f"00000000-0000-4000-8000-{number:012d}",
            "type": "code",
            "content": f"n{number} = {number}",
        }
        for number in range(1000)
    ]
    assert shared_server.ask("POST", f"{notebook}/edit", {"edits": edits})[0] == 200
    _open(window, shared_server, notebook)
    window.wait_for_selector("text=n999")
    _press(window, "End", "Alt+ArrowUp", "Control+a")
    expect(window.locator(".is-chosen")).to_have_count(1000)
    until(lambda: _contents(shared_server, notebook)[998] == "n999 = 999", "it is moved")
    _press(window, "d", "d")
    until(lambda: _contents(shared_server, notebook) == [], "all are deleted")
    _press(window, "z")
    until(lambda: len(_contents(shared_server, notebook)) == 1000, "all are back")
    assert _contents(shared_server, notebook)[-1] == "n998 = 998"
    window.keyboard.press("Control+h")
    window.keyboard.type("n99")
    window.wait_for_selector(".find >> text=11 matches in 11 cells")


@pytest.mark.parametrize("width", [360, 768])
def test_the_narrow_page_does_not_scroll_sideways(shared_server, browser, until, width):
    notebook, _ = shared_server.new_notebook(f"long_name = '{'x' * 300}'")
    shared_server.new_cell(notebook, "prompt", f"Say hello to {'everybody ' * 30}{{long_name}}")
    context = browser.new_context(
        viewport={"width": width, "height": 740}, has_touch=True, is_mobile=width < 600
    )
    page = context.new_page()
    _open(page, shared_server, notebook)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width == 360:
        page.locator(".template").tap()
        page.wait_for_selector(".cm-content:focus")
        page.keyboard.type(" kept")
        page.tap("text=Done")
        until(lambda: "kept" in _contents(shared_server, notebook)[1], "it is kept")
        page.tap(".bottom-bar [aria-label=Inspect]")
        page.wait_for_selector(".inspector")
        assert page.evaluate(TOO_SMALL) == []
    context.close()
