"""The examples in docstrings say what is so."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import llm_repl_core

SOURCE = Path(llm_repl_core.__file__).parent
EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules_with_examples() -> list[str]:
    paths = [path for path in SOURCE.rglob("*.py") if EXAMPLE.search(path.read_text("utf-8"))]
    names = [path.relative_to(SOURCE.parent).with_suffix("").parts for path in paths]
    return sorted(".".join(parts).removesuffix(".__init__") for parts in names)


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert result.attempted
    assert not result.failed
