"""Pages in Chromium: what they load, how long it takes, what they keep in memory."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from playwright.sync_api import Browser, Page, sync_playwright

from bench.memory import memory_of

__all__ = ["Face", "chromium", "loaded_bytes", "seconds_to", "used_bytes"]

_LIMIT_MS = 120_000
_TYPED = "zq7"


class Face(Struct, frozen=True):
    """How a page shows the code of a notebook.

    Attributes:
        cell: Selects the elements with the cells' code.
        editor: Selects what is typed into, once a cell was clicked.
    """

    cell: str
    editor: str


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("Chromium is not on the path")
    with sync_playwright() as playwright:
        # No sandbox: it may be run by root.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def loaded_bytes(browser: Browser, address: str, face: Face) -> float:
    """What a first visit transfers until the notebook can be read."""
    context = browser.new_context()
    page = context.new_page()
    total = 0

    def on_finished(event: dict[str, Any]) -> None:
        nonlocal total
        total += event["encodedDataLength"]

    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", on_finished)
    page.goto(address, wait_until="commit", timeout=_LIMIT_MS)
    _wait_readable(page, face)
    page.wait_for_timeout(500)  # what is on its way
    context.close()
    return float(total)


@contextmanager
def _visit(browser: Browser) -> Iterator[Page]:
    """A second visit: the files are in the cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(_LIMIT_MS)
    yield page
    context.close()


def seconds_to(browser: Browser, address: str, face: Face) -> tuple[float, float]:
    """From following a link to a notebook until it can be read, and until one types in it."""
    with _visit(browser) as page:
        page.goto(address, wait_until="commit")
        _wait_readable(page, face)
        page.wait_for_timeout(1_500)
        page.goto("about:blank")
        started = time.perf_counter()
        page.goto(address, wait_until="commit")
        _wait_readable(page, face)
        readable = time.perf_counter() - started
        editor = page.locator(face.editor)
        while editor.count() == 0:  # the page may not be listening yet
            page.locator(face.cell).nth(1).click(position={"x": 150, "y": 12})
            page.wait_for_timeout(10)
        page.keyboard.type(_TYPED)
        page.wait_for_function(
            "text => document.activeElement.textContent.includes(text)", arg=_TYPED, polling="raf"
        )
        return readable, time.perf_counter() - started


def used_bytes(browser: Browser, page: Page) -> float:
    """What the page's process holds, behind a collection of garbage: proportional set size."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.detach()
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    # The page's is the largest: another one may wait, empty, for the next page.
    return max(memory_of(one["id"]) for one in processes if one["type"] == "renderer")


def _wait_readable(page: Page, face: Face) -> None:
    page.wait_for_function(
        """selector => [...document.querySelectorAll(selector)].slice(0, 4).some(
             one => one.textContent.includes("marker 1") && one.getBoundingClientRect().height > 0)""",
        arg=face.cell,
        polling="raf",
        timeout=_LIMIT_MS,
    )
