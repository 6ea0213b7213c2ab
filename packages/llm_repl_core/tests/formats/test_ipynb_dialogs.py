"""Dialogs of Solveit: taken over, and written back as they were."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import Session
from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats._ipynb_dialogs import _dialog_text_of, _template_of
from llm_repl_core.formats.ipynb import IpynbFormat
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

BETWEEN = "\n\n##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->\n\n"


def note(text: str, **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": metadata, "source": text}


def prompt(text: str, **metadata: Any) -> dict[str, Any]:
    return note(text, solveit_ai=True, **metadata)


def code(text: str, **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": text,
    }


def dialog(*cells: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "cells": [{"id": f"c{place}", **cell} for place, cell in enumerate(cells)],
        "metadata": {"solveit_dialog_mode": "standard", "solveit_ver": 2, **metadata},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def read(document: Any) -> Notebook:
    return IpynbFormat().decode(json.dumps(document).encode())


def written(held: Notebook) -> list[dict[str, Any]]:
    """The cells, without what is noted of their last run."""
    cells: list[dict[str, Any]] = json.loads(IpynbFormat().encode(held))["cells"]
    for cell in cells:
        cell["source"] = "".join(cell["source"])
        own = cell["metadata"].get("llm_repl", {})
        own.pop("ran", None)
        own.pop("separator", None)
        if not own:
            cell["metadata"].pop("llm_repl", None)
    return cells


def test_a_dialog_is_taken_over_and_written_back_as_it_was() -> None:
    document = dialog(
        note("Use &`look_up`.", pinned=True),
        note("Old docs: &`hidden`", skipped=True),
        code("x = {1: 2}", skipped=True, time_run="1:02"),
        prompt(f"Given $`x[1]` and {{a}}: ask &`add`!{BETWEEN}It is 2 {{so}}.", use_thinking=False),
        prompt("And &[`more`, `add`] of $`page.text`?", heading_collapsed=True),
    )
    held = read(document)
    docs, hidden, hidden_code, first, second = held.cells
    assert (docs.pinned, hidden.skipped, hidden_code.skipped) == (True, True, True)
    assert isinstance(first, PromptCell)
    assert isinstance(second, PromptCell)
    assert first.content == "Given {x[1]} and {{a}}: ask &`add`!"
    assert [output.content for output in first.outputs] == ["It is 2 {so}."]
    assert (first.context, first.tools) == ("above", ["look_up", "add"])
    assert second.content == "And &[`more`, `add`] of {page.text}?"
    assert second.tools == ["look_up", "add", "more"]
    assert held.notices == []
    assert written(held) == document["cells"]
    assert IpynbFormat().decode(IpynbFormat().encode(held)) == held
    assert written(LlmnFormat().decode(LlmnFormat().encode(held))) == document["cells"]


@pytest.mark.parametrize(
    "between",
    [
        "\n\n##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_abc123 -->\n\n",
        "\n\n##### Reply<!-- SOLVEIT_SEPARATOR_1 -->\n\n",
        "\n##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->\n",
        "##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->",
    ],
)
def test_a_separator_of_another_kind_stays(between: str) -> None:
    document = dialog(prompt(f"Why?{between}Because."))
    held = read(document)
    assert held.cells[0].content == "Why?"
    assert written(held) == document["cells"]
    held.cells[0].change(content="Why not?")
    held.cells[0].outputs = [Output.llm_response("Why not?", "So.")]
    assert written(held)[0]["source"] == f"Why not?{between}So."


def test_the_cell_is_run_as_it_would_be_in_solveit() -> None:
    document = dialog(
        code("secret = 'of old'", skipped=True),
        code("word = 'tea'"),
        prompt("Say $`word` in {braces}."),
    )
    held = read(document)
    prompt_cell = held.cells[-1]
    prompt_cell.change(model="echo")
    with Session(held) as session:
        session.run()
    sent = prompt_cell.outputs[-1].fields["prompt"]
    assert sent == "Say tea in {braces}."
    assert [cell.status for cell in held] == ["completed"] * 3, "a skipped cell runs"


def test_what_is_changed_here_is_there_in_solveits_words() -> None:
    held = read(dialog(note("a", pinned=True), prompt("Say $`x`")))
    held.cells[0].pinned = False
    held.cells[1].skipped = True
    held.cells[1].change(content="Say {y.z} and {{no}} field")
    held.add_prompt("Isolated {n}", context="isolated")
    held.add_prompt("Formatted {n:.2f}", context="above", tools=["f"])
    first, second, third, fourth = written(held)
    assert first["metadata"] == {}
    assert second["metadata"] == {"skipped": True, "solveit_ai": True}
    assert second["source"] == "Say $`y.z` and {no} field"
    assert third["source"] == "Isolated $`n`"
    assert third["metadata"]["llm_repl"] == {"context": "isolated"}
    assert fourth["source"] == "Formatted {n:.2f}", "there is no such form"
    assert fourth["metadata"]["llm_repl"] == {"template": True, "tools": ["f"]}
    assert read(json.loads(IpynbFormat().encode(held))) == held


def test_one_notice_lists_what_was_not_taken_over() -> None:
    document = dialog(
        note("Look at $`table`."),
        prompt("Run !`ls` on $`a + b`", use_thinking=True),
        prompt("Again !`ls`"),
        solveit_dialog_mode="learning",
    )
    held = read(document)
    (notice,) = held.notices
    assert notice.endswith(".")
    for part in ("mode `learning`", "shell commands", "use_thinking", "values in notes", "no name"):
        assert notice.count(part) == 1
    assert written(held) == document["cells"]


def test_a_prompt_outside_of_a_dialog_is_a_template() -> None:
    document = dialog(prompt("Say {x} and $`y`"))
    document["metadata"] = {}
    cell = read(document).cells[0]
    assert isinstance(cell, PromptCell)
    assert (cell.content, cell.context) == ("Say {x} and $`y`", "isolated")


@given(st.text(st.sampled_from("$`{}ab.(&[]\n "), max_size=20))
def test_every_text_of_a_dialog_comes_back(text: str) -> None:
    assert _dialog_text_of(_template_of(text)) == text


@given(st.text(st.sampled_from("$`{}ab.(&[]\n "), max_size=20))
def test_a_template_has_the_form_of_a_dialog_or_none(template: str) -> None:
    text = _dialog_text_of(template)
    assert text is None or _template_of(text) == template


@pytest.mark.parametrize(
    "cell",
    [
        {"cell_type": "markdown", "metadata": [], "source": "a"},
        {"cell_type": "markdown", "metadata": {"llm_repl": 3}, "source": "a"},
        {"cell_type": "markdown", "metadata": {"solveit_ai": True}, "source": 3},
        {"cell_type": 3},
        {"cell_type": "markdown", "metadata": {"solveit_ai": True, "pinned": {}}},
    ],
)
def test_cells_of_odd_shapes_are_refused_or_kept(cell: dict[str, Any]) -> None:
    data = json.dumps(dialog(cell)).encode()
    with contextlib.suppress(InvalidNotebook):  # anything else fails the test
        IpynbFormat().decode(data)
