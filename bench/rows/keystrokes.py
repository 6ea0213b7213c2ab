"""Typing in the page, in Chromium. Needs Playwright, and a Chromium on the path."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator
from typing import Any

from bench.browser import chromium
from bench.harness import Sample, at_most, row
from bench.http_client import HTTPClient
from bench.ours import add_code, create_notebook, our_server

_CELLS = 500
_ANSWERS = 8
_TOKENS = 6000
_TOKEN_S = 0.01
_KEYS = "total = 12 * len(str(7)) + 3\n" * 3
_KEY_DELAY_MS = 40
_LIMIT_MS = 60_000

# From the key's own time to the first moment after the frame was painted that shows it.
_WATCH = """() => {
  window.benchTimes = [];
  addEventListener("keydown", (event) => {
    const pressed = event.timeStamp;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.benchTimes.push(performance.now() - pressed);
      port2.postMessage(null);
    });
  }, true);
}"""

_RUN = """(path) => fetch(path, {
  method: "POST", body: "{}", headers: { "Content-Type": "application/json", Prefer: "respond-async" },
}).then((answer) => answer.text())"""

_BARE = """async () => {
  const { mountEditor } = await import("/static/editor.js");
  document.documentElement.replaceChildren(document.createElement("body"));
  const nothing = async () => [];
  mountEditor(document.body, {
    text: "", language: "python", cursor: 0, label: "code", nonce: "",
    sources: { names: nothing, fields: nothing, complete: async () => null, inspect: async () => null },
    onChange: () => {}, onKey: () => false, onBlur: () => {},
  }).focus();
}"""


@row(
    what="page: keystroke to paint, 95th percentile, 500 cells, 8 answers of 100 tokens/s each",
    against="the editor alone on a page",
    goal=at_most("2"),
    rounds=5,
    limit_s=240,
)
def page_typing() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(our_server())
        client = stack.enter_context(HTTPClient(port))
        base = f"http://127.0.0.1:{port}"
        browser = stack.enter_context(chromium())
        notebook_id, edited = _long_notebook(client)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(_LIMIT_MS)
        page.goto(f"{base}/#/notebooks/{notebook_id}")
        page.wait_for_selector(f"#cell-{edited}")
        page.evaluate(_WATCH)
        bare = browser.new_context(bypass_csp=True).new_page()
        bare.goto(base)
        bare.evaluate(_BARE)
        bare.evaluate(_WATCH)

        def ours() -> float:
            page.bring_to_front()
            page.evaluate(_RUN, f"/api/notebooks/{notebook_id}/execute_all")
            page.wait_for_selector(f".cell.is-live >> nth={_ANSWERS - 1}")
            page.click(f"#cell-{edited} .source")
            page.wait_for_selector(".cm-content:focus")
            took_s = _typed(page)
            assert page.locator(".cell.is-live").count() == _ANSWERS, "the answers have ended"
            page.keyboard.press("Escape")
            client.ask("POST", f"/api/notebooks/{notebook_id}/interrupt", {})
            page.wait_for_selector(".cell.is-live", state="detached")
            return took_s

        def peers() -> float:
            bare.bring_to_front()
            bare.click(".cm-content")
            return _typed(bare)

        yield ours, peers


def _typed(page: Any) -> float:
    """Type, and give the 95th percentile of what a key took, in seconds."""
    page.evaluate("() => { window.benchTimes.length = 0; }")
    page.keyboard.press("Control+a")
    page.keyboard.type(_KEYS, delay=_KEY_DELAY_MS)
    page.wait_for_function(f"() => window.benchTimes.length >= {len(_KEYS)}")
    times_ms: list[float] = page.evaluate("() => window.benchTimes")
    return statistics.quantiles(times_ms, n=20)[-1] / 1000


def _long_notebook(client: HTTPClient) -> tuple[str, str]:
    """A notebook whose first cells are prompts; its id, and that of a code cell between them."""
    notebook_id = create_notebook(client)
    path = f"/api/notebooks/{notebook_id}/cells"
    edited = add_code(client, notebook_id, "")
    for number in range(_ANSWERS):
        fields = {
            "type": "prompt",
            "model": "mock/echo",
            "content": f"{number} " + "some *words* of an answer\n" * (_TOKENS // 5),
            "parameters": {"delay_per_token_s": _TOKEN_S},
        }
        client.ask("POST", path, fields)
    for number in range(_CELLS - _ANSWERS - 1):
        add_code(client, notebook_id, f"number_{number} = {number}\nprint(number_{number})")
    return notebook_id, edited
