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


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Sales 2026.llmn", "{}", "Sales 2026"),
        ("Sales 2026.llmn", '{"name": "Mine"}', "Mine"),
        ("Sales 2026.ipynb", '{"nbformat": 4, "cells": []}', "Sales 2026"),
        ("a.ipynb", '{"nbformat": 4, "cells": [], "metadata": {"title": "T"}}', "T"),
    ],
)
def test_a_notebook_without_a_name_has_the_files(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert Application(entry_points=False).load(tmp_path / name).name == expected
