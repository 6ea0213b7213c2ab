"""axe finds nothing serious or critical in any view, in both themes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "packages" / "llm_repl_server" / "web"
LIMIT_S = 240.0


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core, as the page's lock file has it."""
    found = WEB / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists():
        if shutil.which("npm") is None:
            pytest.skip("`npm` is not on the path")
        folder = tmp_path_factory.mktemp("axe")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WEB / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, timeout=LIMIT_S)
        found = folder / "node_modules" / "axe-core" / "axe.min.js"
    return found.read_text("utf-8")


def _violations(page, axe: str) -> list[str]:
    page.evaluate(axe)
    result = page.evaluate(
        "axe.run(document, {resultTypes: ['violations'], rules: {'target-size': {enabled: true}}})"
    )
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]}"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


def _fill(server) -> str:
    notebook, [first] = server.new_notebook("city = 'Oslo'; city")
    server.new_cell(
        notebook,
        "markdown",
        "# Title\n\nA [link](https://a.org) and `code`.\n\n| a |\n| - |\n| 1 |",
    )
    prompt = server.new_cell(notebook, "prompt", "Where is {city}?", model="mock/echo")
    server.new_cell(notebook, "prompt", "{nobody}", model="mock/echo", schema="name, age int")
    server.new_cell(notebook, "memory", "kept = 5")
    failing = server.new_cell(notebook, "code", "1 / 0")
    items = server.new_cell(notebook, "prompt", "{item}", model="mock/echo", for_each="['a', 'b']")
    for cell in (first, prompt, items):
        server.run(cell)
    server.ask("POST", f"{failing}/execute")
    server.ask("PUT", first, {"content": "city = 'Bergen'; city"})
    return notebook


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_nothing_serious_in_any_view(shared_server, browser, axe, theme, width):
    notebook = _fill(shared_server)
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, has_touch=width < 600
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}

    def look(view: str) -> None:
        page.wait_for_timeout(150)  # what fades in has its full colour only then
        if violations := _violations(page, axe):
            found[view] = violations

    page.goto(shared_server.base)
    page.wait_for_selector(".notebooks")
    look("start")
    page.goto(f"{shared_server.base}/#/notebooks/{notebook.rpartition('/')[2]}")
    page.wait_for_selector(".cell.is-prompt")
    look("notebook")
    page.keyboard.press("Home")
    for view in range(1, 7):
        page.keyboard.press(str(view))
        if page.locator(".inspector").count():
            page.wait_for_selector(".inspector [aria-selected=true]")
            look(f"inspector {view}")
    page.keyboard.press("i")
    for cell in range(7):
        page.keyboard.press("ArrowDown")
        look(f"focus {cell}")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("f")
    look("chosen and folded")
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    page.wait_for_selector(".cm-content:focus")
    look("editing")
    page.keyboard.press("Escape")
    for keys, selector, view in (
        ("Control+o", ".drawer-list a", "drawer"),
        ("Control+h", ".find", "find"),
        ("?", ".keys", "keys"),
    ):
        page.keyboard.press(keys)
        page.wait_for_selector(selector)
        look(view)
        page.keyboard.press("Escape")
    page.click("header [aria-label=More]")
    page.wait_for_selector("[role=menu]")
    look("menu")
    page.click("[role=menuitem] >> text=Bin")
    page.wait_for_selector(".bin")
    look("bin")
    page.keyboard.press("Escape")
    context.close()
    assert found == {}, json.dumps(found, indent=1)
