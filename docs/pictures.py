"""Takes the pictures of the page for the docs: `nox -s pictures`. Wants Chromium on the path.

With names of views, as in `nox -s pictures -- running items`, it takes the pictures of these alone.

`pictures/` has those of the walk, `pictures/views/` every view as the tests visit it, in the widths and
themes in which the docs show it. The files have few colours, as there are many of them.
"""

from __future__ import annotations

import functools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))

from feedback_week import FeedbackServer, write_tables
from page_views import furnish
from page_visits import BESIDE_THE_DESIGN, Visitor, visits

from conftest import Stage, free_port

PICTURES = Path(__file__).parent / "pictures"
VIEWS = PICTURES / "views"
ORDERS = "city,orders,returned\nOslo,41,2\nBergen,18,1\nTromsø,7,3\n"
LIMIT_MS = 60_000
COLOURS = 256  # with fewer, small marks lose theirs
LEFT_OUT = (("768", "dark"), ("phone_edit", "1440"))


def main(*wanted: str) -> None:
    """Take each picture anew; of some views, where they are named."""
    parts: tuple[Any, ...] = (_take_walk, _take_views)
    if wanted:
        parts = (functools.partial(_take_views, wanted=wanted),)
    else:
        shutil.rmtree(PICTURES, ignore_errors=True)
    VIEWS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for number, part in enumerate(parts):
            folder = Path(name) / str(number)
            folder.mkdir()
            stage = Stage(folder)
            try:
                part(browser, stage)
            finally:
                stage.close()
        browser.close()


def _take_views(browser: Any, stage: Stage, wanted: tuple[str, ...] = ()) -> None:
    write_tables(stage.root)
    port = free_port()
    with FeedbackServer() as model:
        server = stage.start("llm-repl", "serve", "--port", str(port), port=port, **model.variables)
        visitor = Visitor(browser, furnish(server, model), stage.folder)
        for view, widths in visits():
            if view in wanted if wanted else view not in BESIDE_THE_DESIGN or view == "phone_edit":
                visitor.visit(view, *widths)
        visitor.close()
    for path in visitor.pictures:
        view, width, theme = path.stem.split("-")
        if (width, theme) not in LEFT_OUT and (view, width) not in LEFT_OUT:
            _save(path, VIEWS / f"{path.stem}.webp")


def _take_walk(browser: Any, stage: Stage) -> None:
    address = stage.serve().base
    page = browser.new_page(viewport={"width": 1200, "height": 720}, color_scheme="light")
    page.set_default_timeout(LIMIT_MS)
    page.goto(address)
    page.click("text=Open the example")
    page.wait_for_selector(".cell.is-prompt")
    page.click(".primary >> text=Run all")
    page.wait_for_selector("text=You asked: A postcard")
    _take(page, "first-notebook")
    page.click(".template >> nth=0")
    page.keyboard.press("Control+i")
    page.wait_for_selector(".sums")
    _take(page, "request")
    page.goto(address)
    page.click("text=New notebook")
    page.wait_for_selector(".cell")
    page.click("[aria-label=More]")
    table = stage.folder / "orders.csv"
    table.write_text(ORDERS, "utf-8")
    with page.expect_file_chooser() as chooser:
        page.click("text=Add a file")
    chooser.value.set_files(table)
    page.wait_for_selector("td >> text=Bergen")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".answer >> text=What is noteworthy")
    _take(page, "own-table")
    page.goto(address)
    page.wait_for_selector(".notebook-state")
    _take(page, "start")
    page.click("[aria-label=Settings]")
    page.wait_for_selector("article[aria-label=openai]")
    _take(page, "settings")
    page.context.close()


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # a popover fades
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    _save(path, path)


def _save(source: Path, target: Path) -> None:
    with Image.open(source) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    if target.suffix == ".webp":
        few.convert("RGB").save(target, lossless=True, method=6)
    else:
        few.save(target, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
