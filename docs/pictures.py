"""Takes the pictures of the page for the docs: `nox -s pictures`. Wants Chromium on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
ORDERS = "city,orders,returned\nOslo,41,2\nBergen,18,1\nTromsø,7,3\n"
LIMIT_MS = 30_000


def main() -> None:
    """Take each picture anew."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "LLM_REPL_CONFIG_DIR": f"{folder}/config",
            "LLM_REPL_DATA_DIR": f"{folder}/data",
        }
        command = [sys.executable, "-m", "llm_repl_server.cli.main", "serve", "--port", "0"]
        with subprocess.Popen(  # noqa: S603  the command is ours
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            try:
                address = next(line for line in server.stdout if "http://" in line).split()[-1]
                _take_all(address, folder)
            finally:
                server.terminate()


def _take_all(address: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 720}, color_scheme="light")
        page.set_default_timeout(LIMIT_MS)
        page.goto(address)
        page.click("text=Open the example")
        page.wait_for_selector(".cell.is-prompt")
        page.click("text=Run all")
        page.wait_for_selector("text=You asked: A postcard")
        _take(page, "first-notebook")
        page.click(".template >> nth=0")
        page.keyboard.press("Control+i")
        page.wait_for_selector(".sums")
        _take(page, "request")
        page.goto(address.split("?")[0])
        page.click("text=New notebook")
        page.wait_for_selector(".cell")
        page.click("[aria-label=More]")
        table = folder / "orders.csv"
        table.write_text(ORDERS, "utf-8")
        with page.expect_file_chooser() as chooser:
            page.click("text=Add a file")
        chooser.value.set_files(table)
        page.wait_for_selector("td >> text=Bergen")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".answer >> text=What is noteworthy")
        _take(page, "own-table")
        page.goto(address.split("?")[0])
        page.wait_for_selector(".notebook-state")
        _take(page, "start")
        page.click("[aria-label=Settings]")
        page.wait_for_selector("article[aria-label=openai]")
        _take(page, "settings")
        browser.close()


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(300)  # a popover fades
    page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
