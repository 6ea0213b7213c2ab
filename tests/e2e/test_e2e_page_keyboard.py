"""A whole job without a pointer: the focus is never lost, and always seen."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

MOST_STEPS = 40
# A cell in focus has its spine, and an editor its caret and its frame.
FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  const isCell = at.matches('article.cell.has-focus, .cm-content');
  return {
    name: at.getAttribute('aria-label') ?? at.innerText.replace(/\\s+/g, " ").trim(),
    isSeen: isCell || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2),
    isInWindow: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    isNowhere: at === document.body,
  };
}"""


def _focus(window) -> dict[str, object]:
    found = window.evaluate(FOCUS)
    assert not found["isNowhere"], "nothing has the focus"
    assert found["isSeen"], f"the focus is not seen: {found['name']}"
    assert found["isInWindow"], f"the focus is out of sight: {found['name']}"
    return found


def _reach(window, name: str) -> None:
    """Press Tab until a control of this name has the focus; "Model: " is that of any model."""
    for _ in range(MOST_STEPS):
        window.keyboard.press("Tab")
        found = _focus(window)["name"]
        if found == name or (name.endswith(" ") and found.startswith(name)):
            return
    raise AssertionError(f"no Tab leads to {name}")


def _cell(window, until, name: str) -> None:
    until(lambda: window.evaluate(FOCUS)["name"].startswith(name), f"the focus is at {name}")
    _focus(window)


def test_a_whole_job(shared_server, window, until):
    window.goto(shared_server.base)
    window.get_by_text("New notebook").wait_for()
    _reach(window, "New notebook")
    window.keyboard.press("Enter")
    window.wait_for_selector(".cm-content:focus")  # who made it writes at once
    window.keyboard.type("city = 'Oslo'")
    window.keyboard.press("Control+Enter")
    _cell(window, until, "1, code")
    window.keyboard.press("b")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.press("Escape")
    _cell(window, until, "2, code")
    window.keyboard.press("p")
    _cell(window, until, "2, prompt")
    window.keyboard.press("Enter")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.type("Say {city}")
    window.keyboard.press("Escape")
    window.keyboard.press("Escape")  # the first may close a list of names
    _cell(window, until, "2, prompt")

    _reach(window, "Model: ")
    window.keyboard.press("Enter")
    window.wait_for_selector(".picker input:focus")
    window.keyboard.type("mock/echo")
    window.keyboard.press("Enter")
    _cell(window, until, "Model: echo")
    window.keyboard.press("Escape")  # from a button to its cell
    _cell(window, until, "2, prompt")

    window.keyboard.press("Control+i")
    window.wait_for_selector(".inspector >> text=Say Oslo")
    _reach(window, "Request")
    window.keyboard.press("ArrowRight")
    _cell(window, until, "Variables")
    window.get_by_role("tab", name="Variables", selected=True).wait_for()
    _reach(window, "Variables")  # what the tab shows can be scrolled
    for _ in range(2):
        window.keyboard.press("Shift+Tab")
    assert _focus(window)["name"] == "Variables"
    _reach(window, "Close the inspector")
    window.keyboard.press("Enter")
    window.wait_for_selector(".inspector", state="detached")
    _cell(window, until, "2, prompt")
    _reach(window, "Run")  # in the gutter
    _reach(window, "Run")  # of the state, which goes with it
    window.keyboard.press("Enter")
    window.wait_for_selector(".answer >> text=Say Oslo")
    _cell(window, until, "2, prompt")

    window.keyboard.press("b")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.type("import time; time.sleep(600)")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(".state-line >> text=Running")
    window.keyboard.press("Control+.")
    window.wait_for_selector(".state-line >> text=Stopped by you")
    _cell(window, until, "3, code")
    window.keyboard.press("d")
    window.keyboard.press("d")
    _cell(window, until, "2, prompt")
    window.keyboard.press("z")
    window.wait_for_selector("text=time.sleep")
    _focus(window)
