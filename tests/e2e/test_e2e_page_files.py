"""Notebooks that live in files, in a browser: chosen, written, and changed by other programs meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
jupytext = pytest.importorskip("jupytext")


def _notebook_file(path: Path, *sources: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        for number, source in enumerate(sources)
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"owner": {"team": "tea"}}), path)
    return path


def _by_another_program(path: Path, number: int, source: str) -> None:
    """Read and write it as nbformat and papermill do."""
    node = nbformat.read(path, as_version=4)
    node.cells[number].source = source
    nbformat.write(node, path)


def _sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def _type(window, number: int, text: str) -> None:
    window.locator("article.cell").nth(number).locator(".source.block").click()
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.press("Control+a")
    window.keyboard.insert_text(text)
    window.keyboard.press("Escape")


@pytest.fixture
def open_page(shared_server, window):
    def open_file(path: str) -> str:
        status, opened = shared_server.ask("POST", "/api/notebooks/open", {"path": path})
        assert status == 200, opened
        window.goto(f"{shared_server.base}/#/notebooks/{opened['id']}")
        window.wait_for_selector(".cell")
        return f"/api/notebooks/{opened['id']}"

    return open_file


def test_a_file_is_chosen_by_keys_and_written_from_then_on(shared_server, window, until):
    root = shared_server.stage.root
    path = _notebook_file(root / "reports" / "week 47.ipynb", "print('tins')", "b = 2")
    (root / "reports" / "orders.csv").write_text("a,b\n")
    (root / "reports" / "text.py").write_text("# %%\na = 1\n")
    window.goto(shared_server.base)
    window.get_by_role("button", name="Open a file").click()
    field = window.get_by_role("combobox", name="Find in this folder")
    options = window.get_by_role("option")
    window.get_by_role("option", name="reports").wait_for()
    window.keyboard.type("rep")
    window.keyboard.press("Enter")
    window.get_by_role("option", name="week 47").wait_for()
    names = [text.split("\n")[0] for text in options.all_inner_texts()]
    assert names == ["week 47.ipynb", "text.py", "orders.csv"]
    assert options.nth(2).get_attribute("aria-disabled") == "true"
    for key in ("End", "ArrowDown", "ArrowDown", "Enter"):  # nothing happens: it is no notebook
        window.keyboard.press(key)
    window.keyboard.press("Backspace")
    window.get_by_role("option", name="reports").wait_for()
    window.get_by_role("option", name="reports").click()
    window.keyboard.type("47")
    until(lambda: options.count() == 1, "one is left")
    assert field.get_attribute("aria-activedescendant") == "browse-0"
    window.keyboard.press("Enter")
    window.get_by_role("button", name="Saved in week 47.ipynb").wait_for()
    before = path.read_bytes()
    _type(window, 1, "b = 22")
    window.get_by_role("button", name="Saving").wait_for()
    window.get_by_role("button", name="Saved in week 47.ipynb").wait_for()
    assert _sources(path) == ["print('tins')", "b = 22"]
    assert path.read_bytes() != before
    window.get_by_role("button", name="Run all").click()
    until(lambda: nbformat.read(path, as_version=4).cells[0].outputs, "what it gave is in the file")
    assert nbformat.read(path, as_version=4).metadata.owner.team == "tea"
    window.get_by_role("button", name="Notebooks", exact=True).click()
    window.get_by_text("open here, in reports/week 47.ipynb").wait_for()


def test_what_other_programs_write_is_shown_merged_or_to_be_chosen(
    shared_server, window, open_page, until
):
    path = _notebook_file(shared_server.stage.root / "shared.ipynb", "a = 1", "b = 2", "c = 3")
    open_page("shared.ipynb")
    _by_another_program(path, 0, "a = 'silently'")
    window.wait_for_selector(".source.block >> text=silently")
    assert window.locator(".toast").count() == 0

    _type(window, 1, "b = 'from the page'")
    _by_another_program(path, 2, "c = 'from the file'")
    window.wait_for_selector(".source.block >> text=from the file")
    wanted = ["a = 'silently'", "b = 'from the page'", "c = 'from the file'"]
    until(lambda: _sources(path) == wanted, "the file has both")
    window.get_by_role("button", name="Saved in shared.ipynb").wait_for()

    refused: list[str] = []
    window.on("response", lambda answer: answer.status == 409 and refused.append(answer.url))
    _type(window, 1, "b = 'mine'")
    _by_another_program(path, 1, "b = 'theirs'")
    merge = window.get_by_role("group", name="Two versions of cell 2")
    merge.wait_for()
    assert "b = 'from the pagemine'" in merge.locator("section").nth(0).inner_text()
    assert "The file" in merge.locator("section").nth(1).inner_text()
    window.get_by_role("button", name="1 conflict, cell 2").wait_for()
    window.get_by_role("button", name="Run all").click()  # nothing of it runs, and nobody is asked
    window.get_by_text("Cell 2 has both texts of a merge: choose one, then run all.").wait_for()
    assert refused == []
    merge.get_by_role("button", name="Take this").click()
    merge.wait_for(state="detached")
    window.get_by_role("button", name="Undo").last.click()
    merge.wait_for()
    merge.get_by_label("Together").fill("b = 'both'")
    merge.get_by_role("button", name="Save together").click()
    until(lambda: _sources(path)[1] == "b = 'both'", "the file has what was chosen")
    window.wait_for_selector(".plan-button:not(.is-old):not([disabled])")
    assert refused == []  # nothing is planned before the server has what was chosen
    assert "merge_conflict" not in path.read_text()


def test_a_text_notebook_is_edited_here_and_by_jupytext(shared_server, window, open_page, until):
    path = shared_server.stage.root / "plain.py"
    path.write_bytes(b"# %%\r\na = 1\r\n\r\n# %% [markdown]\r\n# # Title\r\n")
    open_page("plain.py")
    _type(window, 0, "a = 11")
    until(lambda: b"a = 11\r\n" in path.read_bytes(), "it is written with the file's line ends")
    node = jupytext.read(path)
    node.cells.append(nbformat.v4.new_markdown_cell("By *jupytext*"))
    jupytext.write(node, path, fmt="py:percent")
    window.wait_for_selector("text=By jupytext")
    assert window.locator("article.cell").count() == 3


def test_a_file_of_the_command_line_goes_away_and_is_written_again(stage, window, until):
    path = _notebook_file(stage.root / "mine.ipynb", "a = 1")
    stage.serve("--no-open", "mine.ipynb")
    address = re.search(r"mine\.ipynb is open at (\S+)", stage.log.read_text())
    assert address
    window.goto(address[1])
    window.get_by_role("button", name="Saved in mine.ipynb").wait_for()
    path.write_text('{"cells": [')
    window.get_by_text("mine.ipynb is no notebook any more.").wait_for()
    path.unlink()
    window.get_by_text("mine.ipynb is gone.").wait_for()
    window.get_by_role("button", name="Not in the file").wait_for()
    _type(window, 0, "a = 11")
    window.get_by_role("button", name="Write it again").click()
    window.get_by_text("mine.ipynb is gone.").wait_for(state="detached")
    until(lambda: _sources(path) == ["a = 11"], "it is written again")
    path.unlink()
    window.get_by_text("mine.ipynb is gone.").wait_for()
    window.get_by_role("button", name="Go on without the file").click()
    window.get_by_role("button", name="Saved", exact=True).wait_for()
