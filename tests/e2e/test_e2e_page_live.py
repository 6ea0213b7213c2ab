"""Nothing is lost, and it shows: reloads, cut connections, killed servers, two windows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

WORDS = " ".join(f"word{number}" for number in range(400))
IS_KEPT = """async (text) => {
  const request = indexedDB.open("llm-repl-drafts");
  const database = await new Promise((done) => (request.onsuccess = () => done(request.result)));
  const all = database.transaction("windows").objectStore("windows").getAll();
  const found = await new Promise((done) => (all.onsuccess = () => done(all.result)));
  database.close();
  return JSON.stringify(found).includes(text);
}"""
NOT_CONNECTED = "text=Not connected since"
EDITS = "**/edit"


def _open(page, server, notebook: str) -> None:
    with page.expect_response("**/static/editor.js") as editor:  # without it, nothing can be typed
        page.goto(f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    editor.value.finished()
    page.wait_for_selector(".cell")


def _content(server, cell: str) -> str:
    return server.ask("GET", cell)[1]["content"]


def _type_into(page, selector: str, text: str) -> None:
    page.click(selector)
    page.wait_for_selector(".cm-content:focus")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def _start_again(stage, server):
    port = str(server.port)
    return stage.start("llm-repl", "serve", "--port", port, port=server.port)


def _hold_edits(page) -> None:
    """Have no edit leave the window."""
    page.route(EDITS, lambda route: route.abort())


def test_an_answer_goes_on_over_a_reload_and_a_cut_connection(shared_server, window, until):
    notebook, _ = shared_server.new_notebook()
    slow = {"parameters": {"delay_per_token_s": 0.01}}
    cell = shared_server.new_cell(notebook, "prompt", WORDS, model="mock/echo", **slow)
    sockets = []

    def pass_on(socket) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    window.route_web_socket(re.compile("/socket.io/"), pass_on)
    _open(window, shared_server, notebook)
    reads = []
    window.on("request", lambda one: reads.append(one) if one.url.endswith(notebook) else None)
    shown = ".answer >> text=/word{}\\b/"
    window.click(".template")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(shown.format(30))
    window.reload()
    window.wait_for_selector(shown.format(60))
    assert window.inner_text(".answer").startswith("word0 word1 ")
    count = len(reads)
    for word in (100, 200):
        sockets[-1].close()
        window.wait_for_selector(shown.format(word))
    assert len(reads) == count, "what was missed came by itself"
    seen = []

    def is_done() -> bool:
        # A paragraph of pages is drawn in parts.
        seen.append(" ".join(window.inner_text(".answer .prose").split()))
        return shared_server.ask("GET", cell)[1]["status"] == "completed"

    until(is_done, "it has ended")
    window.wait_for_selector(shown.format(399))
    assert [text for text in seen if not WORDS.startswith(text)] == []
    assert re.findall(r"word\d+", window.inner_text(".answer")) == WORDS.split()


def test_a_server_that_is_killed_in_mid_answer_takes_no_edit_along(stage, window, until):
    server = stage.serve()
    notebook, [code, other] = server.new_notebook("before", "other")
    slow = {"parameters": {"delay_per_token_s": 0.02}}
    server.new_cell(notebook, "prompt", WORDS, model="mock/echo", **slow)
    _open(window, server, notebook)
    window.click(".template")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(".answer >> text=/word20\\b/")
    server.kill()
    window.wait_for_selector(NOT_CONNECTED)
    window.wait_for_selector("text=/Was answering: \\d+ words came/")
    _type_into(window, ".source.block >> nth=0", "typed while away")
    window.keyboard.press("Escape")
    window.keyboard.press("ArrowDown")
    window.keyboard.press("Enter")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.press("Control+a")
    window.keyboard.type("and this")
    window.wait_for_selector(".bar >> text=2 edits kept here")
    expect(window.locator(".kept-mark")).to_have_count(2)
    assert window.locator("button >> text=Run all").is_disabled()
    window.wait_for_selector("text=Try now, else in")
    again = _start_again(stage, server)
    button = "[...document.querySelectorAll('.banner button')].at(-1)"
    window.evaluate(f"{button}?.click()")  # unless it was faster by itself
    until(lambda: _content(again, code) == "typed while away", "it is sent")
    until(lambda: _content(again, other) == "and this", "it is sent")
    window.wait_for_selector(".bar >> text=Saved")
    window.wait_for_selector(f"{NOT_CONNECTED}", state="hidden")
    # The editor that was open is still open, with the cursor in it.
    window.keyboard.type("!")
    until(lambda: _content(again, other) == "and this!", "what is typed goes on")
    assert again.stop() == 0


def test_what_is_typed_and_not_sent_survives_the_window_and_is_sent_once(
    stage, browser, window, until
):
    server = stage.serve()
    notebook, [cell] = server.new_notebook("before")
    _open(window, server, notebook)
    twin = window.context.new_page()
    _open(twin, server, notebook)
    server.kill()
    window.wait_for_selector(NOT_CONNECTED)
    _type_into(window, ".source.block", "kept")
    window.keyboard.press("Escape")
    window.keyboard.press("b")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.type("new one")
    window.wait_for_selector("text=2 edits wait")
    window.wait_for_function(IS_KEPT, arg="new one")
    window.close()
    again = _start_again(stage, server)
    until(lambda: _content(again, cell) == "kept", "the other window sends it")
    cells = f"{notebook}/cells"
    until(lambda: len(again.ask("GET", cells)[1]["cells"]) == 2, "the new cell is there")
    twin.wait_for_selector("text=new one")
    twin.reload()
    twin.wait_for_selector("text=new one")
    assert [one["content"] for one in again.ask("GET", cells)[1]["cells"]] == ["kept", "new one"]
    assert again.stop() == 0


PROSE = "Which orders may have left in dented tins? Say in short how to find them."


def test_what_was_typed_is_kept_over_a_reload_at_once(shared_server, window, until):
    notebook, [cell] = shared_server.new_notebook("start")
    _open(window, shared_server, notebook)
    _hold_edits(window)
    typed = "start"
    for number in range(8):
        window.click(".source.block")
        window.wait_for_selector(".cm-content:focus")
        window.keyboard.press("Control+End")
        window.keyboard.type(f" word{number}")
        window.reload()
        typed += f" word{number}"
        window.wait_for_selector(f".source >> text={typed}")
    window.unroute(EDITS)
    until(lambda: _content(shared_server, cell) == typed, "it is saved")


def test_a_cell_changed_in_two_places_shows_both_and_what_merges(shared_server, window, until):
    notebook, _ = shared_server.new_notebook()
    cell = shared_server.new_cell(notebook, "prompt", PROSE, temperature=0.5)
    _open(window, shared_server, notebook)
    _hold_edits(window)
    mine = PROSE.replace("tins?", "tins since the courier changed?")
    _type_into(window, ".template", mine)
    window.wait_for_selector(".bar >> text=Saving")
    theirs = PROSE.replace("in short", "in one sentence")
    assert shared_server.ask("PUT", cell, {"content": theirs, "temperature": 0.7})[0] == 200
    window.unroute(EDITS)
    window.wait_for_selector(".merge >> text=Changed in two places.")
    window.wait_for_selector(".bar >> text=1 conflict, cell 1")
    window.reload()  # it is undecided, and stays
    window.wait_for_selector(".merge ins >> text=since the courier changed")
    window.wait_for_selector(".merge del >> text=short")
    both = mine.replace("in short", "in one sentence")
    assert window.input_value("[aria-label=Together]") == both
    # Of the words that come from one side only it is shown from which.
    assert window.inner_text(".merge-marks .from-here").strip() == "since the courier changed"
    assert window.inner_text(".merge-marks .from-there").strip() == "one sentence"
    window.get_by_role("button", name="Take this").click()
    window.get_by_role("button", name="Undo").click()
    window.fill("[aria-label=Together]", both + " Thanks.")
    window.get_by_role("button", name="Save together").click()
    until(lambda: _content(shared_server, cell) == both + " Thanks.", "it is saved")
    assert shared_server.ask("GET", cell)[1]["temperature"] == 0.7
    window.wait_for_selector(".bar >> text=Saved")


def test_a_cell_deleted_elsewhere_while_one_types_can_be_put_back(shared_server, window, until):
    notebook, [cell, _] = shared_server.new_notebook("one", "two")
    _open(window, shared_server, notebook)
    _hold_edits(window)
    _type_into(window, ".source.block >> nth=0", "much work")
    window.wait_for_selector(".bar >> text=Saving")
    assert shared_server.ask("DELETE", cell)[0] == 200
    window.unroute(EDITS)
    window.wait_for_selector("text=A cell was deleted elsewhere")
    window.reload()
    window.get_by_role("button", name="Put it back").click()

    def contents() -> list[str]:
        cells = shared_server.ask("GET", f"{notebook}/cells")[1]["cells"]
        return [one["content"] for one in cells]

    until(lambda: contents() == ["much work", "two"], "it is back in its place")


def test_two_who_change_different_things_of_a_cell_need_not_choose(shared_server, window, until):
    notebook, _ = shared_server.new_notebook()
    cell = shared_server.new_cell(notebook, "prompt", "Ask")
    _open(window, shared_server, notebook)
    _hold_edits(window)
    _type_into(window, ".template", "Ask more")
    window.wait_for_selector(".bar >> text=Saving")
    assert shared_server.ask("PUT", cell, {"temperature": 0.7})[0] == 200
    window.unroute(EDITS)
    until(lambda: _content(shared_server, cell) == "Ask more", "it is saved")
    assert shared_server.ask("GET", cell)[1]["temperature"] == 0.7
    expect(window.locator(".merge")).to_have_count(0)


def test_who_types_when_the_cell_becomes_another_type_goes_on_typing(shared_server, window, until):
    notebook, [cell] = shared_server.new_notebook("# start")
    _open(window, shared_server, notebook)
    _type_into(window, ".source.block", "one")
    until(lambda: _content(shared_server, cell) == "one", "it is saved")
    for kind, shown in (("markdown", "md"), ("prompt", "prompt")):
        assert shared_server.ask("PUT", cell, {"type": kind})[0] == 200
        window.wait_for_selector(f".cell.is-{shown}")
        # As commands, these would add a cell, and delete two.
        window.keyboard.type(" abdd")
    until(lambda: _content(shared_server, cell) == "one abdd abdd", "it is saved")
    assert window.locator("article.cell[id]").count() == 1


def test_an_answer_that_comes_late_puts_nothing_back(shared_server, window, until):
    notebook, cells = shared_server.new_notebook("# one", "# two", "# three")
    _open(window, shared_server, notebook)
    held = []
    window.route(
        re.compile(r"/api/notebooks/[^/]+/(cells|edit)"),
        lambda route: (
            held.append((route, route.fetch()))
            if route.request.method in ("PUT", "POST")
            else route.continue_()
        ),
    )

    def ids():
        found = window.locator("article.cell[id]").all()
        return [article.get_attribute("id").removeprefix("cell-") for article in found]

    def server_ids():
        return [cell["id"] for cell in shared_server.ask("GET", f"{notebook}/cells")[1]["cells"]]

    def let_answer():
        until(lambda: ids() and held, "the server has answered")
        return held.pop()

    window.locator("article.cell[id]").first.focus()
    window.keyboard.press("Alt+ArrowDown")
    route, answer = let_answer()
    assert shared_server.ask("POST", f"{cells[0]}/move", {"position": 2})[0] == 200
    until(lambda: ids() == server_ids(), "the later move is shown")
    route.fulfill(response=answer)
    _type_into(window, f"#cell-{cells[1].rpartition('/')[2]} .source", "mine")
    route, answer = let_answer()
    assert shared_server.ask("PUT", cells[1], {"content": "theirs, later"})[0] == 200
    window.keyboard.press("Escape")
    shared_server.new_cell(notebook, "code", "# four")
    until(lambda: ids() == server_ids(), "what is told behind it is shown")
    route.fulfill(response=answer)
    window.wait_for_selector(".bar >> text=Saved")
    window.get_by_text("theirs, later").wait_for()
    assert window.get_by_text("mine", exact=True).count() == 0
    window.unroute_all()


def test_a_browser_that_keeps_nothing_says_so(stage, window):
    server = stage.serve()
    notebook, _ = server.new_notebook("before")
    window.add_init_script("IDBFactory.prototype.open = () => { throw new DOMException('full') }")
    _open(window, server, notebook)
    server.kill()
    window.wait_for_selector(NOT_CONNECTED)
    _type_into(window, ".source.block", "only here")
    window.wait_for_selector("text=This browser keeps nothing")


def test_who_comes_back_is_told_what_ended_meanwhile(shared_server, window):
    notebook, cells = shared_server.new_notebook("1", "2")
    _open(window, shared_server, notebook)
    window.route(
        "**/api/notebooks/*",
        lambda route: shared_server.run(cells[1]) and route.fallback(),
        times=1,
    )
    window.reload()
    window.wait_for_selector("text=While you were away: 1 cell ended")
    window.click("[aria-label=Dismiss]")
    window.wait_for_selector("text=While you were away", state="hidden")


def test_the_tab_says_what_runs_and_what_failed_while_one_looked_elsewhere(
    shared_server, window, until
):
    notebook, [cell] = shared_server.new_notebook("1 / 0")
    _open(window, shared_server, notebook)
    look = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    icon = "document.querySelector('link[rel=icon]').href"
    plain = window.evaluate(icon)
    assert window.title() == "Test · LLM-REPL"
    window.evaluate(look, True)
    shared_server.run(cell)
    until(lambda: window.title() == "Failed · Test", "the title says so")
    assert window.evaluate(icon).startswith("data:image/svg+xml,")
    window.evaluate(look, False)
    until(lambda: window.title() == "Test · LLM-REPL", "it is seen")
    assert window.evaluate(icon) == plain
    window.wait_for_selector("text=1 cell ended, 1 failed")
    window.get_by_role("button", name="Show what failed").click()
    window.wait_for_selector(".cell.has-focus")


def test_a_cell_in_conflict_that_is_deleted_leaves_what_was_typed(shared_server, window, until):
    notebook, [cell, _] = shared_server.new_notebook("before", "other")
    _open(window, shared_server, notebook)
    _hold_edits(window)
    _type_into(window, ".source.block", "mine")
    window.wait_for_selector(".bar >> text=Saving")
    assert shared_server.ask("PUT", cell, {"content": "theirs"})[0] == 200
    window.unroute(EDITS)
    window.wait_for_selector(".bar >> text=1 conflict, cell 1")
    assert shared_server.ask("DELETE", cell)[0] == 200
    window.wait_for_selector("text=A cell in conflict was deleted: “mine”")
    window.wait_for_selector(".bar >> text=Saved")
    window.get_by_role("button", name="Put it back").click()

    def contents() -> list[str]:
        cells = shared_server.ask("GET", f"{notebook}/cells")[1]["cells"]
        return [one["content"] for one in cells]

    until(lambda: contents() == ["mine", "other"], "it is back in its place")


def test_who_types_when_a_conflict_comes_goes_on_typing(shared_server, window, until):
    notebook, [cell, _] = shared_server.new_notebook("before", "other")
    _open(window, shared_server, notebook)
    _hold_edits(window)
    _type_into(window, ".source.block", "mine")
    window.wait_for_selector(".bar >> text=Saving")
    assert shared_server.ask("PUT", cell, {"content": "theirs"})[0] == 200
    window.unroute(EDITS)
    window.wait_for_selector(".merge")
    before = window.input_value("[aria-label=Together]")
    window.keyboard.type("ddxm")  # as commands: delete, cut, make it Markdown
    assert window.input_value("[aria-label=Together]") == f"{before}ddxm"
    window.keyboard.press("Control+o")  # is a command there, too
    window.wait_for_selector(".drawer")
    window.keyboard.press("Escape")
    window.wait_for_selector(".drawer", state="detached")
    window.get_by_role("button", name="Save together").click()
    until(lambda: _content(shared_server, cell) == f"{before}ddxm", "it is saved")
    assert len(shared_server.ask("GET", f"{notebook}/cells")[1]["cells"]) == 2
