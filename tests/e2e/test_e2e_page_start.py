"""The list of notebooks: found by what is in them, sorted, renamed, copied, deleted and brought back."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


def _names(page) -> list[str]:
    return page.locator(".notebooks td:first-child > a").all_inner_texts()


def _notebook(server, name: str, *cells: tuple[str, str]) -> str:
    notebook, _ = server.new_notebook()
    server.ask("PUT", notebook, {"name": name})
    for kind, content in cells:
        server.new_cell(notebook, kind, content)
    return notebook


def _more(page, name: str, what: str) -> None:
    page.get_by_label(f"More for {name}").click()
    page.get_by_role("menuitem", name=what).click()


def test_a_notebook_is_found_by_what_an_answer_says_and_opened_at_the_cell(server, window):
    notebook = _notebook(server, "Trips", ("markdown", "# Trips\n\nWhere to go in **May**."))
    cell = server.new_cell(notebook, "prompt", "Say it", model="list:Reykjavík in spring")
    server.run(cell)
    _notebook(server, "Other", ("markdown", "nothing"))
    window.goto(server.base)
    window.get_by_text("Where to go in May.").wait_for()
    window.get_by_label("Find in names").fill("reykjavík SPRING")
    window.locator(".found li a", has_text="Trips").wait_for()
    window.locator("mark", has_text="Reykjavík").first.wait_for()
    window.get_by_role("heading", name="Calls").wait_for()
    window.get_by_label("Find in names").fill("nowhere to be found")
    window.get_by_text("No name, text or answer has").wait_for()
    window.get_by_label("Find in names").fill("reykjavík")
    window.locator(".found li button", has_text="cell 2").click()
    window.wait_for_selector(".cell")
    window.wait_for_selector(
        '.cell.is-prompt:focus, .cell.is-prompt[aria-current="true"], .cell.is-prompt.has-focus'
    )


def test_notebooks_are_sorted_renamed_copied_deleted_and_brought_back(server, window, until):
    for name in ("Beta", "Alpha", "Gamma"):
        _notebook(server, name, ("code", "1 + 1"))
    window.goto(server.base)
    until(lambda: _names(window) == ["Gamma", "Alpha", "Beta"], "the latest is first")
    window.get_by_role("button", name="Name").click()
    until(lambda: _names(window) == ["Alpha", "Beta", "Gamma"], "by name")
    _more(window, "Alpha", "Rename")
    window.keyboard.type("Zeta")
    window.keyboard.press("Enter")
    until(lambda: _names(window) == ["Beta", "Gamma", "Zeta"], "renamed")
    _more(window, "Beta", "Duplicate")
    until(lambda: _names(window) == ["Beta", "Beta copy", "Gamma", "Zeta"], "copied")
    _more(window, "Beta copy", "Delete")
    until(lambda: _names(window) == ["Beta", "Gamma", "Zeta"], "deleted")
    window.get_by_role("button", name="Undo").click()
    until(lambda: "Beta copy" in _names(window), "it is back")
    with window.expect_download() as download:
        _more(window, "Gamma", "Download as .ipynb")
    assert download.value.suggested_filename == "Gamma.ipynb"


def test_the_states_of_notebooks_are_words_and_a_run_is_seen(server, window):
    failed = _notebook(server, "Failed", ("code", "1"), ("code", "1/0"))
    server.ask("POST", f"{failed}/execute_all")
    long = _notebook(server, "Long", ("code", "import time\nwhile True: time.sleep(0.01)"))
    server.ask("POST", f"{long}/execute_all", {}, Prefer="respond-async")
    window.goto(server.base)
    window.get_by_text("cell 2 failed").wait_for()
    window.get_by_text("running, 0 of 1").wait_for()
    server.ask("POST", f"{long}/interrupt")
    window.get_by_text("running, 0 of 1").wait_for(state="detached")


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("Stadt;Umsatz\r\nKöln;1,5\r\n".encode("cp1252"), "Köln"),
        (b'\xef\xbb\xbfid,text\n1,"two\nlines"\n', "lines"),
        (b"", "is empty: there is nothing in it"),
        (b"city,sum\nBergen,2\n", "'city': 'Bergen'"),  # where the kernel has no pandas
    ],
)
def test_a_table_of_ones_own_is_read_whatever_its_kind(
    shared_server, window, tmp_path, data, shown
):
    (tmp_path / "own.csv").write_bytes(data)
    if b"Bergen" in data:
        code = {"code": "import pandas.none", "notice": None}
        window.route("**/api/files/reading?path=own*.csv", lambda route: route.fulfill(json=code))
    window.goto(shared_server.base)
    window.get_by_text("New notebook").click()
    window.wait_for_selector(".cell")
    window.get_by_role("button", name="More", exact=True).click()
    with window.expect_file_chooser() as chooser:
        window.get_by_text("Add a file").click()
    chooser.value.set_files(tmp_path / "own.csv")
    window.get_by_text(shown).first.wait_for()
    if b"Bergen" in data:
        window.get_by_text("has no pandas: the table is a list of rows").wait_for()
    if data:  # its cells stand in the place of the empty one with which a notebook begins
        window.wait_for_selector(".cell.is-prompt[aria-label^='2, ']")


DROP = """([where, name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name));
  for (const kind of ["dragover", "drop"])
    document.querySelector(where).dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
}"""


def test_a_table_dropped_on_the_list_begins_a_notebook_that_says_what_it_sends(
    shared_server, window
):
    rows = "".join(f"{day % 28 + 1:02}.01.2026;Köln;{day}.234,5\n" for day in range(1, 5000))
    window.goto(shared_server.base)
    window.get_by_role("heading", name="Notebooks").wait_for()
    # Wherever: left to the browser, it would take the page's place.
    window.evaluate(DROP, ["header", "Umsätze 2026.csv", f"Tag;Ort;Umsatz\n{rows}"])
    window.get_by_role("cell", name="1234.5").wait_for()
    window.get_by_role("cell", name="02.01.2026").wait_for()
    assert "Umsätze 2026" in window.title()
    window.wait_for_selector(".template >> text={table}")
    window.keyboard.press("Control+i")
    request = window.locator(".request")
    request.get_by_text("its middle is left out").wait_for()
    assert "1234.5" in request.locator(".aligned").inner_text()
    # What adds a cell at the end stands in the column of the cells, also beside the inspector.
    edges = "(one) => one.getBoundingClientRect().left"
    assert window.locator(".add-at-end").evaluate(edges) == window.locator(
        ".cell .body"
    ).first.evaluate(edges)
    # An editor does not take it for text.
    window.wait_for_selector(".cm-content")
    cells = window.locator("article.cell").count()
    window.evaluate(DROP, [".cm-content", "second.csv", "a;b\n1;2\n"])
    window.wait_for_selector(f"article.cell >> nth={cells + 1}")
    assert "1;2" not in window.locator(".cm-content").first.inner_text()


def test_the_first_notebook_leads_to_a_model(server, window):
    window.goto(server.base)
    window.get_by_text("Open the example").click()
    window.get_by_text("Answers come from the built-in mock").wait_for()
    window.get_by_role("button", name="Choose a model").click()
    window.get_by_label("Provider", exact=True).select_option("openai")
    window.keyboard.press("Escape")
    window.get_by_role("button", name="Ask gpt-5.4-mini here").click()
    window.get_by_text("Answers come from the built-in mock").wait_for(state="detached")
