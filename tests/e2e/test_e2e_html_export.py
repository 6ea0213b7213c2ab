"""A notebook as `.html`, in a real browser: it can be read, runs nothing and asks nobody."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_repl_core import CodeCell, MarkdownCell, Notebook, Output, PromptCell, save_notebook

Error = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").Error

WIDTHS = (1440, 360)


class _Listener:
    """A server that counts who comes, and answers nobody."""

    def __init__(self) -> None:
        self.came = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._server.accept()
                self.came += 1
                peer.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def listeners() -> Iterator[tuple[_Listener, _Listener]]:
    """One that nobody is to come to, and one that is visited at the end."""
    both = _Listener(), _Listener()
    yield both
    for listener in both:
        listener.close()


def _hostile(address: str) -> Notebook:
    script = (
        f"<script>fetch('{address}/s'); document.body.dataset.ran = 1; top.location = '{address}/t'"
        f"</script><img src='{address}/i' onerror='document.body.dataset.ran = 1'>"
        f"<style>@import url('{address}/c'); body {{ background: url('{address}/b') }}</style>"
        f"<iframe src='{address}/f'></iframe><meta http-equiv='refresh' content='0;url={address}/m'>"
        f"<form action='{address}/o'><button autofocus>Send</button></form>"
        f"<link rel='preconnect' href='{address}'><link rel='stylesheet' href='{address}/l'><p>Shown</p><svg onload='x()'><text>a</text></svg>"
    )
    outputs = [
        Output.display({"text/html": script}),
        Output.display(
            {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'>{script}</svg>"}
        ),
        Output.stdout(script),
    ]
    markdown = f"{script}\n\n![p]({address}/p) [l](javascript:alert(1)) <{address}/link>"
    answer = Output.llm_response(script, markdown, model="m", usage=None, reasoning=script)
    return Notebook(
        f"</title>{script}",
        cells=[
            MarkdownCell(content=markdown),
            CodeCell(content=script, outputs=outputs),
            PromptCell(content=script, system=script, outputs=[answer]),
        ],
    )


def _open(browser, path: Path, width: int, scheme: str):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    page.goto(path.as_uri())
    return context, page


def test_a_strangers_notebook_runs_nothing_and_asks_nobody(browser, listeners, tmp_path):
    nobody, last = listeners
    path = tmp_path / "hostile.html"
    save_notebook(_hostile(nobody.address), path)
    context, page = _open(browser, path, 1440, "light")
    page.frame_locator("iframe").first.locator("text=Shown").wait_for()
    # Behind all that the page may have asked for.
    with contextlib.suppress(Error):
        context.new_page().goto(last.address)
    assert last.came
    assert page.evaluate("document.body.dataset.ran") is None
    assert page.url == path.as_uri()
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.locator("script").count() == 0
    context.close()
    assert not nobody.came


def _rich() -> Notebook:
    notebook = Notebook("A week")
    notebook.add_markdown(
        "# A week\n\n$x^2$\n\n| a | b |\n|--:|---|\n| 1 | two |\n\n```python\nx = 1\n```"
    )
    code = notebook.add_code("print('a' * 500)  # long\n" + "y = " + "1 + " * 80 + "1")
    frame = "<table><tr><th></th><th>n</th></tr><tr><th>0</th><td>1</td></tr></table>"
    code.outputs = [
        Output.stdout("\x1b[31mred\x1b[0m \x1b[38;5;208morange\x1b[0m " + "x" * 600),
        Output.display({"text/html": frame}),
        Output.error("ValueError", "no", ["Traceback", "no"]),
    ]
    prompt = notebook.add_prompt("Ask {x}", model="m", response_var="answer")
    prompt.outputs = [
        Output.llm_response(
            "p", "**Yes**\n\n- a\n- b", model="m", usage=None, response_var="answer"
        )
    ]
    return notebook


def test_it_can_be_read_in_both_themes_on_a_phone_and_by_everybody(browser, axe, tmp_path):
    path = tmp_path / "week.html"
    save_notebook(_rich(), path)
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            context, page = _open(browser, path, width, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            # By the browser's own tools: the page's policy lets no script in.
            found = page.evaluate(f"{axe}; axe.run()")
            assert [violation["id"] for violation in found["violations"]] == [], json.dumps(
                found["violations"]
            )[:2000]
            context.close()
