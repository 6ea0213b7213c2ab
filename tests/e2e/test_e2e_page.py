"""The page in a real browser, as a person uses it: by pointer and by keys, against a real server."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


def _open(page, server, notebook: str) -> None:
    page.goto(f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    page.wait_for_selector(".cell")


def _content(server, cell: str) -> str:
    return server.ask("GET", cell)[1]["content"]


def _type_into(page, selector: str, text: str) -> None:
    page.click(selector)
    page.wait_for_selector(".cm-content:focus")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


@pytest.mark.wheels
def test_the_first_notebook_runs_without_a_key(shared_server, window):
    window.goto(shared_server.base)
    window.get_by_role("button", name="Open the example").click()
    window.get_by_role("button", name="Run all").click()
    window.wait_for_selector("text=You asked: A postcard in 20 words")
    window.reload()
    window.wait_for_selector("text=You asked: A postcard in 20 words")
    assert "Your first minute" in window.title()


def test_what_is_typed_fast_is_saved_exactly_and_is_there_after_a_reload(
    shared_server, window, until
):
    notebook, [cell] = shared_server.new_notebook("before")
    _open(window, shared_server, notebook)
    text = "total = 0\nfor n in range(10):\ntotal += n * 2  # every keystroke counts"
    _type_into(window, ".source.block", text)
    written = text.replace("\ntotal +=", "\n    total +=")
    until(lambda: _content(shared_server, cell) == written, "the server has the text")
    window.keyboard.press("Escape")
    window.reload()
    window.wait_for_selector("text=every keystroke counts")


def test_keys_as_in_jupyter(shared_server, window, until):
    """However fast they come: a slow machine loses none of them."""
    notebook, [cell] = shared_server.new_notebook("print('hello', 6 * 7)")
    _open(window, shared_server, notebook)
    slowly = window.context.new_cdp_session(window)
    slowly.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    window.keyboard.press("ArrowDown")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector("text=hello 42")
    window.keyboard.press("b")
    window.keyboard.type("1 + 1")  # the editor may still be on its way
    window.keyboard.press("Escape")
    window.keyboard.press("p")
    cells = f"{notebook}/cells"

    def kinds():
        return [
            (one["type"], one["content"]) for one in shared_server.ask("GET", cells)[1]["cells"][1:]
        ]

    until(lambda: kinds() == [("PromptCell", "1 + 1")], "it is a prompt on the server")
    window.wait_for_selector(".cell.is-prompt")
    window.keyboard.press("Enter")
    window.keyboard.type(" and 2")
    window.keyboard.press("Escape")
    window.keyboard.press("y")
    until(lambda: kinds() == [("ComputationCell", "1 + 1 and 2")], "it is code again")
    window.keyboard.press("z")
    until(lambda: kinds() == [("PromptCell", "1 + 1 and 2")], "the type is undone, the text is not")
    window.keyboard.press("d")
    window.keyboard.press("d")
    until(lambda: kinds() == [], "it is deleted")
    window.get_by_role("button", name="Undo", exact=True).click()
    until(lambda: kinds() == [("PromptCell", "1 + 1 and 2")], "it is back")
    assert cell.endswith(shared_server.ask("GET", cells)[1]["cells"][0]["id"])


def test_the_request_is_shown_before_it_is_sent(shared_server, window):
    notebook, [code] = shared_server.new_notebook("city = 'Oslo'")
    shared_server.run(code)
    shared_server.new_cell(notebook, "prompt", "Where is {city}?", model="mock/mock")
    _open(window, shared_server, notebook)
    window.click(".template")
    window.wait_for_selector(".cm-content:focus")
    window.keyboard.press("Control+i")
    window.wait_for_selector(".inspector >> text=Where is Oslo?")
    window.keyboard.press("End")
    window.keyboard.type(" Say {nowhere}")
    window.wait_for_selector(".inspector >> text=nowhere")


@pytest.mark.wheels
def test_an_answer_streams_and_can_be_stopped(shared_server, window):
    notebook, _ = shared_server.new_notebook()
    slow = {"parameters": {"delay_per_token_s": 0.05}}
    shared_server.new_cell(notebook, "prompt", "word " * 400, model="mock/echo", **slow)
    _open(window, shared_server, notebook)
    window.click(".template")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(".state-line >> text=Answering")
    window.click("[aria-label=Stop]")
    window.wait_for_selector("text=Stopped by you")
    assert "word" in window.inner_text(".answer")


@pytest.mark.parametrize(("button", "result"), [("Once", "42"), ("No", "did not allow")])
def test_a_tool_is_called_when_somebody_allows_it(shared_server, window, button, result):
    notebook, [code] = shared_server.new_notebook("def add(x: int): return x + 1")
    shared_server.run(code)
    options = {"tools": ["add"], "approve_tools": True}
    model = 'mock/call:add {"x": 41}'
    cell = shared_server.new_cell(notebook, "prompt", "Add.", model=model, **options)
    _open(window, shared_server, notebook)
    window.click(".template")
    window.keyboard.press("Control+Enter")
    window.click(f".approval >> text={button}")
    window.wait_for_selector(".approval", state="detached")
    window.wait_for_selector(".tool-call")
    outputs = shared_server.ask("GET", cell)[1]["outputs"]
    assert result in str([output for output in outputs if output["type"] == "tool_call"])


def test_two_windows_on_one_notebook(shared_server, browser, window, until):
    notebook, [cell] = shared_server.new_notebook("one")
    _open(window, shared_server, notebook)
    other = browser.new_context()
    other.set_default_timeout(20_000)
    second = other.new_page()
    _open(second, shared_server, notebook)
    _type_into(second, ".source.block", "two")
    window.wait_for_selector(".source.block >> text=two")
    until(lambda: _content(shared_server, cell) == "two", "it is saved")
    other.close()


def test_a_table_of_ones_own_becomes_a_question(shared_server, window, tmp_path):
    table = tmp_path / "cities.csv"
    table.write_text("city,people\nOslo,700\nBergen,290\n")
    window.goto(shared_server.base)
    window.get_by_role("button", name="New notebook").click()
    window.wait_for_selector(".cell")
    window.click("[aria-label=More]")
    with window.expect_file_chooser() as chooser:
        window.click("text=Add a file")
    chooser.value.set_files(table)
    window.wait_for_selector("td >> text=Bergen")
    window.wait_for_selector(".cm-content:focus >> text=What is noteworthy")
    # The suggested question is selected: one's own takes its place, and the table stays.
    window.keyboard.type("Which city is the largest?")
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(".answer >> text=Which city is the largest?")
    window.wait_for_selector(".template >> text={table}")
    assert "noteworthy" not in window.inner_text("main")


HOSTILE = """
from IPython.display import HTML, SVG, Markdown, display
steal = '''<script>
const say = (what) => { const p = document.createElement("p"); p.textContent = what; document.body.append(p); };
for (const [name, get] of [["cookie", () => document.cookie || "none"], ["storage", () => localStorage.length],
  ["parent", () => parent.document.title], ["top", () => top.location.href], ["opener", () => window.opener.name]])
  try { say("reached " + name + " " + get()); } catch (error) { say("kept from " + name); }
fetch("/api/notebooks").then(() => say("reached api"), () => say("kept from api"));
new Image().src = "http://127.0.0.1:1/pixel";
try { top.location = "http://127.0.0.1:1/" } catch (error) { say("kept from leaving"); }
say("done");
</script>'''
display(HTML("<b onclick='x()'>bold</b>" + steal))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" onload="parent.hacked = 1"/>'))
display(Markdown("[a](javascript:parent.hacked=1) <img src=x onerror='parent.hacked=1'> ![p](http://127.0.0.1:1/p)"))
"""


@pytest.mark.wheels
def test_a_hostile_notebook_reaches_nothing(shared_server, window):
    notebook, [code] = shared_server.new_notebook(HOSTILE)
    evil = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script> [x](javascript:window.hacked=1)"
    shared_server.new_cell(notebook, "markdown", evil)
    asked: list[str] = []
    window.on("requestfinished", lambda request: asked.append(request.url))
    _open(window, shared_server, notebook)
    window.wait_for_timeout(500)
    assert shared_server.ask("GET", code)[1]["outputs"] == []  # it runs nothing by itself
    window.click(".source.block")
    window.keyboard.press("Control+Enter")
    frame = window.frame_locator("iframe").first
    frame.locator("text=done").wait_for()
    said = frame.locator("body").inner_text()
    for name in ("storage", "parent", "api"):
        frame.locator(f"text=kept from {name}").wait_for()
    assert "reached" not in said.replace("reached cookie none", ""), said
    assert window.evaluate("window.hacked") is None
    assert window.url.startswith(shared_server.base)
    assert [url for url in asked if not url.startswith((shared_server.base, "data:", "ws"))] == []
    expect(window.locator("a[href^=javascript]")).to_have_count(0)


@pytest.mark.wheels
def test_the_page_comes_with_a_policy_and_fits_the_first_load(shared_server, window):
    sizes: dict[str, int] = {}

    def on_response(response) -> None:
        if "/static/" in response.url:
            assert response.headers["content-encoding"] == "gzip", response.url
            sizes[response.url.rpartition("/")[2]] = int(response.headers["content-length"])

    window.on("response", on_response)
    answer = window.goto(shared_server.base)
    window.wait_for_selector("h1")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    behind = {"editor.js", "panels.js"}
    first = {name: size for name, size in sizes.items() if name not in behind}
    assert sum(first.values()) < 180_000, first


def test_a_file_is_opened_from_this_machine(shared_server, window, tmp_path):
    file = tmp_path / "Of mine.llmn"
    _, notebook = shared_server.ask("POST", "/api/notebooks", {"name": "Of mine"})
    connection = shared_server.ask("GET", f"/api/notebooks/{notebook['id']}/download?format=llmn")
    file.write_text(json.dumps(connection[1]))
    shared_server.ask("DELETE", f"/api/notebooks/{notebook['id']}")
    window.goto(shared_server.base)
    window.get_by_role("button", name="Open a file").click()
    with window.expect_file_chooser() as chooser:
        window.click("text=From this computer")
    chooser.value.set_files(file)
    window.wait_for_selector(".name >> text=Of mine")
