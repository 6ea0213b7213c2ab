"""Files that somebody wrote by hand, without ids and times."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_repl_core import Application

_LLMN = (
    '{"name": "a", "cells": [{"type": "ComputationCell", "content": "x = 1"}, {"type": "prompt"}]}'
)
_IPYNB = """{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [
    {"cell_type": "markdown", "metadata": {}, "source": "a"}]}"""


@pytest.mark.parametrize(("name", "text"), [("a.llmn", _LLMN), ("a.ipynb", _IPYNB)])
def test_a_file_without_ids_and_times_is_the_same_notebook_at_every_reading(
    tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    application = Application(entry_points=False)
    first = application.load(path)
    assert first == application.load(path)
    assert len({first.id, *(cell.id for cell in first)}) == len(first) + 1
    path.write_text(text.replace('"a"', '"b"'), "utf-8")
    assert application.load(path).id != first.id
