"""The walk of a request in the architecture page: the functions that it names are there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^\| .* \| `(llm_repl_\w+/[\w/]+)\.py` \| `([\w.]+)` \|$", PAGE, re.MULTILINE)


def test_there_is_a_walk_from_the_web_server_to_the_kernel_and_back():
    files = [file for file, _ in STEPS]
    assert len(STEPS) > 15
    assert files[0].startswith("llm_repl_server/serving/")
    for folder in ("auth", "api", "services", "storage", "sockets"):
        assert any(file.startswith(f"llm_repl_server/{folder}/") for file in files)
    assert any(file.startswith("llm_repl_core/kernels/") for file in files)


@pytest.mark.parametrize(("file", "function"), STEPS)
def test_a_step_names_a_function_that_is_there(file, function):
    found = importlib.import_module(file.replace("/", "."))
    for name in function.split("."):
        found = getattr(found, name)
    assert callable(found)
    assert found.__module__ == file.replace("/", ".")  # defined there, not only imported
