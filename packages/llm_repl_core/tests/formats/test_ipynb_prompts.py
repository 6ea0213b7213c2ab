"""Prompt cells in Jupyter notebooks, by the convention that other tools read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_repl_core.formats.ipynb import IpynbFormat
from llm_repl_core.model.cell import Cell, MarkdownCell, PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

SEPARATOR = "##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->"


def written(cell: Cell) -> dict[str, Any]:
    document = json.loads(IpynbFormat().encode(Notebook(cells=[cell])))
    result: dict[str, Any] = document["cells"][0]
    return result


def read(cell: dict[str, Any]) -> Cell:
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    return IpynbFormat().decode(json.dumps(document).encode()).cells[0]


def foreign(source: str, **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "a", "metadata": metadata, "source": source}


def test_a_prompt_and_its_reply_are_written_by_the_convention() -> None:
    cell = PromptCell(content="Why?", model="m", temperature=0.5, response_var="why")
    cell.outputs = [Output.llm_response("Why?", "Because.\nSo.", model="m-1", usage={"in": 3})]
    document = written(cell)
    assert document["cell_type"] == "markdown"
    assert document["metadata"]["solveit_ai"] is True
    assert "".join(document["source"]) == f"Why?\n\n{SEPARATOR}\n\nBecause.\nSo."
    own = document["metadata"]["llm_repl"]
    assert {key: own[key] for key in ("model", "temperature", "response_var")} == {
        "model": "m",
        "temperature": 0.5,
        "response_var": "why",
    }
    assert own["outputs"][0]["usage"] == {"in": 3}
    assert "Because" not in json.dumps(own)
    cell.status = "completed"
    assert read(written(cell)) == cell


@pytest.mark.parametrize(
    "separator",
    [
        SEPARATOR,
        "##### Reply<!-- SOLVEIT_SEPARATOR_x -->",
        "##### 🤖Reply<!-- SOLVEIT_SEPARATOR_1_ü -->",
        "##### Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->",
    ],
)
def test_another_tools_prompt_is_read(separator: str) -> None:
    document = foreign(f"Why?\n\n{separator}\n\nBecause.\n", solveit_ai=True, other=1)
    cell = read(document)
    assert isinstance(cell, PromptCell)
    assert cell.content == "Why?"
    assert cell.outputs == [Output("llm_response", "Because.\n", {"prompt": "Why?"})]
    assert cell.status == "completed"
    kept = cell.metadata.pop("llm_repl", {"separator": f"\n\n{SEPARATOR}\n\n"})
    assert kept == {"separator": f"\n\n{separator}\n\n"}
    assert cell.metadata == {"other": 1}


def test_another_tools_prompt_is_written_back_as_it_was() -> None:
    document = foreign(f"Why?\n\n{SEPARATOR}\n\nBecause.", solveit_ai=True, other=1)
    again = written(read(document))
    assert again["metadata"].pop("llm_repl").keys() == {"ran"}
    assert again == {**document, "source": again["source"]}
    assert "".join(again["source"]) == document["source"]


@pytest.mark.parametrize("mark", [None, False, "true", 1])
def test_without_the_mark_it_is_markdown(mark: Any) -> None:
    source = f"Why?\n\n{SEPARATOR}\n\nBecause."
    cell = read(foreign(source, solveit_ai=mark))
    assert isinstance(cell, MarkdownCell)
    assert cell.content == source
    assert cell.metadata == {"solveit_ai": mark}


@pytest.mark.parametrize("source", ["Why?", "", f"Why?{SEPARATOR[:-1]}", "##### Reply"])
def test_a_prompt_without_a_reply_yet(source: str) -> None:
    cell = read(foreign(source, solveit_ai=True))
    assert isinstance(cell, PromptCell)
    assert (cell.content, cell.outputs, cell.status) == (source, [], "idle")
    assert "".join(written(cell)["source"]) == source


@pytest.mark.parametrize(
    "prompt",
    ["", "a", "a\n", "a\n\n\n", "\n", f"a {SEPARATOR} b", f"{SEPARATOR}\n\n{SEPARATOR}", "a\r\n"],
)
@pytest.mark.parametrize("reply", [None, "", "\n\nb\n", f"{SEPARATOR}", f"x\n\n{SEPARATOR}\n\ny"])
def test_whatever_the_texts_hold_they_come_back(prompt: str, reply: str | None) -> None:
    cell = PromptCell(content=prompt)
    if reply is not None:
        cell.outputs = [Output.llm_response("as sent", reply)]
        cell.status = "completed"
    assert read(written(cell)) == cell


def test_outputs_beside_the_reply_survive() -> None:
    answers = [Output.llm_response("p", "first"), Output.llm_response("p", "last", usage={"n": 1})]
    cell = PromptCell(content="p", outputs=[answers[0], Output.warning("w"), answers[1]])
    cell.outputs.append(Output.error("E", "e"))
    assert read(written(cell)).outputs == cell.outputs
    assert "".join(written(cell)["source"]).endswith("\n\nlast")
    cell.outputs = [Output.error("E", "e")]
    assert read(written(cell)).outputs == cell.outputs
    assert "".join(written(cell)["source"]) == "p"


def test_a_reply_that_was_edited_elsewhere_counts() -> None:
    cell = PromptCell(content="p", outputs=[Output.llm_response("p", "old", usage={"n": 1})])
    document = written(cell)
    document["source"] = f"new prompt\n\n{SEPARATOR}\n\nnew reply"
    again = read(document)
    assert again.content == "new prompt"
    assert again.outputs[0].content == "new reply"
    document["source"] = "new prompt"
    assert read(document).outputs == []
