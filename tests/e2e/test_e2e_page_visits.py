"""Every view in three widths and both themes: axe finds nothing serious or critical, nothing stands
over the edge, a finger finds every button of a phone, and there is a picture of each. Some in forced
colours, too, at 200 % zoom.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from feedback_week import FeedbackServer, write_tables
from page_views import furnish
from page_visits import THEMES, ZOOMED, Visitor, visits

WEB = Path(__file__).parents[2] / "packages" / "llm_repl_server" / "web"
LIMIT_S = 240.0


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
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


def test_every_view_in_every_width_and_theme(browser, axe, stage, port, tmp_path):
    write_tables(stage.root)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    wanted = []
    with FeedbackServer() as model:
        server = stage.start("llm-repl", "serve", "--port", str(port), port=port, **model.variables)
        visitor = Visitor(browser, furnish(server, model), pictures, axe)
        for view, widths in visits():
            visitor.visit(view, *widths)
            wanted += [f"{view}-{width}-{theme}.png" for width in widths for theme in THEMES]
        visitor.close()
        forced = Visitor(browser, visitor.stand, pictures, axe, forced_colors="active")
        for view in ("notebook", "plan", "states"):
            forced.visit(view, ZOOMED)
            wanted += [f"{view}-{ZOOMED}-{theme}.png" for theme in THEMES]
        forced.close()
        server.stop()
    findings = visitor.findings | forced.findings
    assert findings == {}, json.dumps(findings, indent=1)
    assert sorted(path.name for path in pictures.iterdir()) == sorted(wanted)
