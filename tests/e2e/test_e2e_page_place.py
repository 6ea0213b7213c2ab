"""The reader's place stays over a reload, a cut connection and a server that was started again."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

# Enough for two minutes: it has to stream whenever one looks.
WORDS = " ".join(f"word{number}" for number in range(4000))
CELLS = 60
NEAR_PX = 4
TOP = """() => {
  const edge = document.querySelector(".top")?.getBoundingClientRect().bottom;
  for (const cell of document.querySelectorAll("article.cell")) {
    const { top, bottom } = cell.getBoundingClientRect();
    if (bottom > edge) return [cell.id, top];
  }
  return [null, 0];
}"""
FOCUS = "document.activeElement.closest('.cell')?.id ?? null"


def _long_notebook(server) -> tuple[str, list[str]]:
    """A notebook whose cells are of very different heights."""
    notebook, _ = server.new_notebook()
    ids = []
    for number in range(CELLS):
        lines = "\n".join(f"line {line} of {number}" for line in range(1 + number * 7 % 23))
        kind = "markdown" if number % 3 else "code"
        text = f"# Part {number}\n\n{lines}" if kind == "markdown" else lines
        ids.append(server.new_cell(notebook, kind, text).rpartition("/")[2])
    return notebook, ids


def _steady_top(window, until) -> tuple[str, float]:
    """The cell at the top of the window and where it is, once that stays."""
    seen: list[object] = []

    def stays() -> bool:
        window.evaluate("new Promise((done) => requestAnimationFrame(done))")
        seen.append(window.evaluate(TOP))
        return len(seen) > 20 and all(one == seen[-1] for one in seen[-20:])

    until(stays, "the cells stay where they are")
    return seen[-1]


def _expect_at(window, until, cell: str, top: float) -> None:
    def is_there() -> bool:
        now, at = window.evaluate(TOP)
        return now == cell and abs(at - top) <= NEAR_PX

    window.wait_for_selector(".cell")
    try:
        until(is_there, f"{cell} is at {top}", limit_s=10)
    except AssertionError as error:
        raise AssertionError(f"{error}; it is {window.evaluate(TOP)}") from None
    now, at = _steady_top(window, until)
    assert now == cell
    assert at == pytest.approx(top, abs=NEAR_PX)


def _read_at(window, until, ids: list[str], place: int) -> tuple[str, float, str]:
    """Scroll to a cell, and choose the one below it: what is at the top, where, and what has the focus."""
    window.click(f"#cell-{ids[place + 1]} .gutter")
    window.keyboard.press("Escape")
    window.evaluate(f"document.getElementById('cell-{ids[place]}').scrollIntoView()")
    window.mouse.wheel(0, 131)
    return *_steady_top(window, until), f"cell-{ids[place + 1]}"


def test_the_cell_at_the_top_of_the_window_stays_there(stage, window, until):
    server = stage.serve()
    notebook, ids = _long_notebook(server)
    slow = {"parameters": {"delay_per_token_s": 0.03}}
    server.new_cell(notebook, "prompt", WORDS, model="mock/echo", position=2, **slow)
    window.goto(f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    window.wait_for_selector(f"#cell-{ids[-1]}")
    window.click(".template")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(".answer >> text=/word20\\b/")
    # One among the cells that are drawn at first, below the answer that grows; and one far behind them.
    for place in (4, 47):
        cell, top, focus = _read_at(window, until, ids, place)
        window.reload()
        _expect_at(window, until, cell, top)
        assert window.evaluate(FOCUS) == focus
    assert server.ask("GET", notebook)[1]["runs"], "the answer still grows"

    server.kill()
    window.wait_for_selector("text=Not connected since")
    again = stage.start("llm-repl", "serve", "--port", str(server.port), port=server.port)
    window.wait_for_selector("text=Not connected since", state="hidden")
    _expect_at(window, until, cell, top)
    assert window.evaluate(FOCUS) == focus

    window.reload()
    _expect_at(window, until, cell, top)
    assert window.evaluate(FOCUS) == focus
    # Who scrolls is not held back.
    window.mouse.wheel(0, 900)
    assert _steady_top(window, until)[0] != cell
    assert again.stop() == 0
