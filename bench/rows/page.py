"""The page beside JupyterLab's and marimo's, in the same Chromium."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from msgspec import Struct
from playwright.sync_api import Browser

from bench.browser import Face, Visitor, chromium, loaded_bytes, used_bytes
from bench.harness import Goal, Row, Sample, at_most, row
from bench.http_client import HTTPClient
from bench.ours import add_code, create_notebook, our_server
from bench.peers.notebook_pages import jupyterlab, marimo, notebook_sources

_CELLS = 500
_OURS = Face(cell=".cell .source", editor=".cm-content:focus")


class _Peer(Struct, frozen=True):
    """Another notebook's page.

    Attributes:
        name: Of the product.
        open: Serves a notebook with the cells; gives its address.
        face: How it shows code.
    """

    name: str
    open: Callable[[list[str]], AbstractContextManager[str]]
    face: Face


_PEERS = (
    _Peer(
        "JupyterLab",
        jupyterlab,
        Face(cell=".jp-Notebook .jp-InputArea-editor", editor=".jp-Notebook .cm-content:focus"),
    ),
    _Peer("marimo", marimo, Face(cell=".cm-content", editor=".cm-content:focus")),
)
_ANSWERS = 8
_WORDS = (
    "the customers wrote that **tins** arrive dented and `orders` leave late so we looked at it "
)
_SECTION = (
    f"## A heading\n\n{_WORDS * 4}\n\n"
    + "".join(f"- item {number} with *some* words\n  - below it\n" for number in range(8))
    + f"\n{_WORDS * 4}\n\n| a | b | c |\n|---|---|---|\n"
    + "".join(f"| {number} | some text | more |\n" for number in range(8))
    + "\n```python\n"
    + "".join(f"value_{number} = compute(orders, {number})  # a note\n" for number in range(12))
    + f"```\n\n{_WORDS * 8}\n\n"
)
_SECTIONS = 80_000 // len(_SECTION)
_ANSWER = _SECTION * _SECTIONS
"""Some 20,000 tokens."""


@contextlib.contextmanager
def _our_notebook(sources: list[str]) -> Iterator[str]:
    with our_server() as port, HTTPClient(port) as client:
        notebook_id = create_notebook(client)
        for source in sources:
            add_code(client, notebook_id, source)
        yield f"http://127.0.0.1:{port}/#/notebooks/{notebook_id}"


@contextlib.contextmanager
def _both(peer: _Peer, cells: int) -> Iterator[tuple[Browser, str, str]]:
    """A browser, and the addresses of one notebook: ours and the peer's."""
    sources = notebook_sources(cells)
    with contextlib.ExitStack() as stack:
        browser = stack.enter_context(chromium())
        our_address = stack.enter_context(_our_notebook(sources))
        yield browser, our_address, stack.enter_context(peer.open(sources))


def _load(peer: _Peer) -> Row:
    @row(
        name=f"page_load_{peer.name.lower()}",
        what="page: first load, as transferred, until a notebook can be read",
        against=peer.name,
        goal=at_most("1/25"),
        unit="bytes",
        rounds=3,
        limit_s=240,
    )
    def prepare() -> Iterator[tuple[Sample, Sample]]:
        with _both(peer, 20) as (browser, our_address, peers_address):
            yield (
                lambda: loaded_bytes(browser, our_address, _OURS),
                lambda: loaded_bytes(browser, peers_address, peer.face),
            )

    return prepare


def _opening(peer: _Peer, until: str, goal: Goal, measure: Callable[[Visitor], float]) -> Row:
    @row(
        name=f"page_{until}_{peer.name.lower()}",
        what=f"page: {_CELLS} cells, from the link to {until}",
        against=peer.name,
        goal=goal,
        rounds=5,
        limit_s=300,
    )
    def prepare() -> Iterator[tuple[Sample, Sample]]:
        with _both(peer, _CELLS) as (browser, our_address, peers_address):
            ours = Visitor(browser, our_address, _OURS)
            peers = Visitor(browser, peers_address, peer.face)
            yield lambda: measure(ours), lambda: measure(peers)

    return prepare


def _readable(peer: _Peer) -> Row:
    return _opening(peer, "readable", at_most("1/8"), Visitor.readable_s)


def _typing(peer: _Peer) -> Row:
    return _opening(peer, "typing", at_most("1/6"), Visitor.typing_s)


beside_peers = [make(peer) for make in (_load, _readable, _typing) for peer in _PEERS]


@row(
    what=f"page: memory behind {_ANSWERS} answers of 20,000 tokens, their own text subtracted",
    against="before them",
    goal=at_most("1.2"),
    unit="bytes",
    rounds=3,
    limit_s=300,
)
def page_memory() -> Iterator[tuple[Sample, Sample]]:
    before: list[float] = []

    def ours() -> float:
        with contextlib.ExitStack() as stack:
            browser = stack.enter_context(chromium())
            port = stack.enter_context(our_server())
            client = stack.enter_context(HTTPClient(port))
            notebook_id = create_notebook(client)
            path = f"/api/notebooks/{notebook_id}"
            for source in notebook_sources(_CELLS):
                add_code(client, notebook_id, source)
            for _ in range(_ANSWERS):
                prompt = {"type": "prompt", "content": _ANSWER, "model": "mock/echo"}
                client.ask("POST", f"{path}/cells", prompt)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"http://127.0.0.1:{port}/#/notebooks/{notebook_id}")
            page.wait_for_function(
                "count => document.querySelectorAll('article.cell').length === count",
                arg=_CELLS + _ANSWERS,
                timeout=120_000,
            )
            page.wait_for_timeout(1_500)  # the editor comes behind
            before.append(used_bytes(browser, page))
            # The connection of before may have been closed meanwhile.
            client = stack.enter_context(HTTPClient(port))
            client.ask("POST", f"{path}/execute", {})
            page.wait_for_function(
                "count => document.querySelectorAll('.answer h2').length >= count",
                arg=_ANSWERS * _SECTIONS,
                timeout=120_000,
            )
            after = used_bytes(browser, page)
            client = stack.enter_context(HTTPClient(port))
            outputs = [
                output
                for cell in client.ask("GET", f"{path}/cells")["cells"]
                for output in cell["outputs"]
            ]
            assert len(outputs) == _ANSWERS
            text = sum(len(output["content"]) + len(output["prompt"]) for output in outputs)
            return after - text

    yield ours, lambda: before[-1]
