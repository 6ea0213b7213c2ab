"""The committed page is what its source gives, and its own checks pass."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[1] / "packages" / "llm_repl_server"
LIMIT_S = 240.0


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source with its libraries, in a folder of its own."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"`{tool}` is not on the path")
    folder = tmp_path_factory.mktemp("page") / "web"
    shutil.copytree(SERVER / "web", folder, ignore=shutil.ignore_patterns("node_modules"))
    # The scripts of packages stay unrun: esbuild's only checks what npm has installed.
    _run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    return folder


def test_the_bundle_is_what_the_source_gives(web: Path) -> None:
    _run(web, "node", "build.mjs", "built")
    committed = SERVER / "src" / "llm_repl_server" / "static"
    built = {file.name: file.read_bytes() for file in (web / "built").iterdir()}
    assert built == {file.name: file.read_bytes() for file in committed.iterdir()}, (
        "run `npm ci && npm run build` in packages/llm_repl_server/web, and commit what it gives"
    )


def test_types_and_the_page_s_own_tests(web: Path) -> None:
    _run(web, "npx", "tsc", "--noEmit")
    _run(web, "npm", "test")


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in (SERVER / "web" / "package-lock.json").read_text()
