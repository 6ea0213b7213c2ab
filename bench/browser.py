"""Pages in Chromium: what they load, how long it takes, what they keep in memory."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from bench.memory import memory_of

__all__ = [
    "Face",
    "Visitor",
    "chromium",
    "loaded_bytes",
    "used_bytes",
]

_LIMIT_MS = 120_000
_TYPED = "zq7"
_SETTLES_MS = 1_500
_ECHO_LIMIT_MS = 5_000


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


class Visitor:
    """Somebody who opens one notebook again and again: from the second time on, its files are in the cache.

    Args:
        browser: The browser.
        address: The notebook's.
        face: How its page shows code.
    """

    def __init__(self, browser: Browser, address: str, face: Face) -> None:
        self._context = browser.new_context(viewport={"width": 1280, "height": 900})
        self._context.set_default_timeout(_LIMIT_MS)
        self._address = address
        self._face = face

    def readable_s(self) -> float:
        """From following the link until the notebook can be read."""
        return self._visit()

    def typing_s(self) -> float:
        """From following the link until one types in the notebook."""
        return self._visit(self._type)

    def _visit(self, act: Callable[[Page], None] | None = None) -> float:
        page = self._context.new_page()
        try:
            started = time.perf_counter()
            page.goto(self._address, wait_until="commit")
            _wait_readable(page, self._face)
            if act is not None:
                act(page)
            return time.perf_counter() - started
        finally:
            page.close()

    def _type(self, page: Page) -> None:
        editor = page.locator(self._face.editor)
        deadline = time.monotonic() + _LIMIT_MS / 1000
        while time.monotonic() < deadline:
            if editor.count() == 0:  # the page may not be listening yet
                page.locator(self._face.cell).nth(1).click(position={"x": 150, "y": 12})
                page.wait_for_timeout(10)
                continue
            page.keyboard.type(_TYPED)
            # It may have put another editor there, which does not have it.
            with contextlib.suppress(PlaywrightTimeoutError):
                page.wait_for_function(
                    "text => document.activeElement.textContent.includes(text)",
                    arg=_TYPED,
                    polling="raf",
                    timeout=_ECHO_LIMIT_MS,
                )
                return
        raise TimeoutError("what was typed did not appear")


def used_bytes(browser: Browser, page: Page) -> float:
    """What the page's process holds, behind a collection of garbage: proportional set size."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    # What is free and kept for later is no memory that the page needs.
    session.send("Memory.simulatePressureNotification", {"level": "critical"})
    page.wait_for_timeout(_SETTLES_MS)
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
