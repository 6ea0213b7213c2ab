"""A stranger's plugin: built, installed, found by its entry point, and held to the suite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "provider-plugin"
LIMIT_S = 120

FIND = """
import pluggy
from llm_repl_core.plugins import hookspecs
from llm_repl_core.plugins.markers import ENTRY_POINT_GROUP

manager = pluggy.PluginManager(ENTRY_POINT_GROUP)
manager.add_hookspecs(hookspecs)
manager.load_setuptools_entrypoints(ENTRY_POINT_GROUP)
manager.check_pending()
classes = [known for found in manager.hook.llm_repl_providers() for known in found]
print(*sorted(known.name for known in classes))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the plugin installed in it by pip, without a network."""
    source = tmp_path_factory.mktemp("source") / EXAMPLE.name
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("target")
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--no-compile", "--quiet"]
    _run(source, "-m", "pip", "install", *options, "--target", str(target), ".")
    return target


def _run(folder, *arguments, **variables):
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _path(installed):
    """The installed plugin before whatever else is on the path."""
    return os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")]))


def test_the_plugin_is_found_by_its_entry_point(installed, tmp_path):
    assert "reverse" not in _run(tmp_path, "-c", FIND).split()
    names = _run(tmp_path, "-c", FIND, PYTHONPATH=_path(installed)).split()
    assert {"mock", "openai", "reverse"} <= set(names)


def test_the_plugin_passes_the_suite(installed, tmp_path):
    for name in ("pyproject.toml", "test_llm_repl_reverse.py"):
        shutil.copy(EXAMPLE / name, tmp_path)
    output = _run(
        tmp_path,
        *("-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-v"),
        PYTHONPATH=_path(installed),
    )
    assert "test_calls_at_the_same_time_do_not_mix PASSED" in output
    assert "failed" not in output


def test_the_module_is_short():
    lines = (EXAMPLE / "llm_repl_reverse.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 40
