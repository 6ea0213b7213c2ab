"""Jupyter's format: its own files come back as they were, ours are valid, nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats.base import Format
from llm_repl_core.formats.ipynb import IpynbFormat
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)
from llm_repl_core.model.cell_types import BUILTIN_CELL_CLASSES, CellTypes
from llm_repl_core.model.notebook import DEFAULT_NAME, Notebook
from llm_repl_core.model.output import Output

FROM_JUPYTER: dict[str, Any] = {
    "cells": [
        {
            "attachments": {"a.png": {"image/png": "aGk="}},
            "cell_type": "markdown",
            "id": "7f3a",
            "metadata": {"tags": ["intro"], "slideshow": {"slide_type": "slide"}},
            "source": ["# Title\n", "\n", "![a](attachment:a.png)"],
        },
        {
            "cell_type": "code",
            "execution_count": 3,
            "id": "7f3b",
            "metadata": {
                "collapsed": True,
                "jupyter": {"outputs_hidden": True},
                "scrolled": "auto",
            },
            "outputs": [
                {"name": "stdout", "output_type": "stream", "text": ["a\n", "b"]},
                {"name": "stderr", "output_type": "stream", "text": ["c\u2028", "d\n"]},
                {
                    "data": {
                        "application/vnd.plotly.v1+json": {"x": [1, 2]},
                        "image/svg+xml": ["<svg>\n", "</svg>"],
                        "text/plain": ["<Figure>\n", "end"],
                    },
                    "metadata": {"image/svg+xml": {"isolated": True}},
                    "output_type": "display_data",
                },
                {
                    "data": {"application/json": ["a", "b"], "text/plain": ["3"]},
                    "execution_count": 3,
                    "metadata": {},
                    "output_type": "execute_result",
                },
                {
                    "ename": "ValueError",
                    "evalue": "",
                    "output_type": "error",
                    "traceback": ["\u001b[31m1\u001b[0m", "2"],
                },
            ],
            "source": ["x = 'ü'\n", "x"],
        },
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "7f3c",
            "metadata": {},
            "outputs": [],
            "source": [],
        },
        {
            "cell_type": "raw",
            "id": "7f3d",
            "metadata": {"format": "text/latex"},
            "source": ["\\LaTeX"],
        },
    ],
    "metadata": {
        "authors": [{"name": "A"}],
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"codemirror_mode": {"name": "ipython", "version": 3}, "name": "python"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}


def decode(document: Any, **options: Any) -> Notebook:
    return IpynbFormat(**options).decode(json.dumps(document).encode())


def written(notebook: Notebook) -> Any:
    """The document as it is written, which nbformat finds valid."""
    document = json.loads(IpynbFormat().encode(notebook))
    nbformat.validate(document)
    return document


def cell_of(**fields: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [fields]}


def back(cell: Cell) -> Cell:
    """The cell after it has been written and read."""
    document = written(Notebook(cells=[cell]))
    return decode(document).cells[0]


def test_jupyters_own_file_comes_back_to_the_byte() -> None:
    nbformat.validate(FROM_JUPYTER)
    as_jupyter_writes = nbformat.writes(nbformat.from_dict(FROM_JUPYTER)) + "\n"
    document = json.loads(IpynbFormat().encode(IpynbFormat().decode(as_jupyter_writes.encode())))
    assert sorted(document["metadata"].pop("llm_repl")) == [
        *("created_at", "name", "notebook_id", "updated_at"),
    ]
    (ran,) = [cell["metadata"].pop("llm_repl", None) for cell in document["cells"][1:2]]
    assert ran.keys() == {"ran"}
    again = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert again == as_jupyter_writes


def test_the_file_is_laid_out_as_jupyter_does_it() -> None:
    data = IpynbFormat().encode(decode(FROM_JUPYTER)).decode()
    assert data == nbformat.writes(nbformat.reads(data, as_version=4)) + "\n"


def test_what_jupyter_wrote_is_understood() -> None:
    notebook = decode(FROM_JUPYTER)
    markdown, code, empty, raw = notebook.cells
    assert isinstance(markdown, MarkdownCell)
    assert markdown.content == "# Title\n\n![a](attachment:a.png)"
    assert (code.execution_count, code.status, empty.status) == (3, "error", "idle")
    assert code.outputs[:2] == [Output.stdout("a\nb"), Output.stderr("c\u2028d\n")]
    assert code.outputs[2].content == "<Figure>\nend"
    assert code.outputs[3] == Output(
        "display",
        "3",
        {
            "data": {"application/json": ["a", "b"], "text/plain": "3"},
            "metadata": {},
            "result": True,
        },
    )
    assert code.outputs[4] == Output.error("ValueError", "", ["\u001b[31m1\u001b[0m", "2"])
    assert isinstance(raw, ForeignCell)
    assert raw.foreign_type == "raw"
    assert notebook.name == DEFAULT_NAME


def test_through_the_native_format_and_back_nothing_is_lost() -> None:
    notebook = decode(FROM_JUPYTER)
    assert LlmnFormat().decode(LlmnFormat().encode(notebook)) == notebook
    assert written(LlmnFormat().decode(LlmnFormat().encode(notebook))) == written(notebook)


@pytest.mark.parametrize("minor", range(5))
def test_older_minor_versions_load_and_get_ids(minor: int) -> None:
    document = json.loads(json.dumps(FROM_JUPYTER)) | {"nbformat_minor": minor}
    for cell in document["cells"]:
        del cell["id"]
        cell["source"] = "".join(cell["source"])
    notebook = decode(document)
    assert len({cell.id for cell in notebook}) == len(document["cells"])
    assert written(notebook)["nbformat_minor"] == 5


def test_a_title_is_the_name_until_there_is_a_better_one() -> None:
    document = {"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"title": "T"}}
    notebook = decode(document)
    assert notebook.name == "T"
    notebook.name = "Other"
    assert decode(written(notebook)).name == "Other"
    assert written(notebook)["metadata"]["title"] == "T"


def test_memory_cells_are_code_for_jupyter() -> None:
    cell = MemoryCell(content="x = 1", outputs=[Output.memory_update(["x"], {"x": "1"})])
    document = written(Notebook(cells=[cell], memory={"x": 1}))
    assert document["cells"][0]["cell_type"] == "code"
    assert document["cells"][0]["outputs"][0]["data"] == {"text/plain": ["x = 1"]}
    assert document["metadata"]["llm_repl"]["memory"] == {"x": 1}
    again = decode(document)
    assert isinstance(again.cells[0], MemoryCell)
    assert again.cells[0].outputs == cell.outputs
    assert again.memory == {"x": 1}


def test_a_cell_whose_type_was_changed_in_jupyter_is_what_it_is_now() -> None:
    document = written(Notebook(cells=[MemoryCell(content="x = 1")]))
    document["cells"][0] = {
        key: value
        for key, value in document["cells"][0].items()
        if key not in ("outputs", "execution_count")
    } | {"cell_type": "markdown"}
    assert isinstance(decode(document).cells[0], MarkdownCell)


@pytest.mark.parametrize(
    "output",
    [
        Output("error", "no name"),
        Output("error", "other", {"ename": "E", "evalue": "v", "traceback": []}),
        Output("error", "E: v", {"ename": "E", "evalue": "v", "traceback": [1]}),
        Output("stdout", "a", {"more": 1}),
        Output.display({"text/plain": {"no": "text"}}),
        Output.display({"text/html": ["a", "b"]}),
        Output.display({"text/plain": "a"}, {"llm_repl": {"type": "x"}}),
        Output("display", "not the text", {"data": {"text/plain": "a"}, "metadata": {}}),
        Output("display", "", {"data": {}, "metadata": {}, "execution_count": -1}),
        Output("display", "", {"data": {}, "metadata": {}, "execution_count": True}),
        Output("display", ""),
        Output.markdown("# a\n"),
        Output.warning("w"),
        Output.llm_response("p", "c", model="m", usage={"tokens": 1}),
        Output("new", "shown", {"type2": [1]}),
    ],
)
def test_outputs_that_jupyter_does_not_know_survive(output: Output) -> None:
    cell = CodeCell(outputs=[output])
    assert back(cell).outputs == [output]
    shown = written(Notebook(cells=[cell]))["cells"][0]["outputs"][0]
    assert "".join(*shown["data"].values()) == output.content


def test_output_types_of_a_later_nbformat_are_kept() -> None:
    output = {"output_type": "hologram", "frames": [1]}
    document = cell_of(cell_type="code", source="", metadata={}, outputs=[output], id="a")
    cell = decode(document).cells[0]
    assert cell.outputs == [Output("hologram", "", {"ipynb": {"frames": [1]}})]
    again = json.loads(IpynbFormat().encode(Notebook(cells=[cell])))
    assert again["cells"][0]["outputs"] == [output]


def test_outputs_of_cells_that_have_none_in_jupyter_are_kept_beside_them() -> None:
    cell = MarkdownCell(content="a", outputs=[Output.markdown("<p>a")], execution_count=2)
    assert back(cell).outputs == cell.outputs
    assert back(cell).execution_count == 2


@pytest.mark.parametrize("cell_id", ["", "a b", "Zelle", "ü" * 100, "x" * 65, "a\n", "\ud800"])
def test_ids_of_any_text_survive(cell_id: str) -> None:
    cell = CodeCell(id=cell_id or "-")
    assert back(cell).id == cell.id


def test_a_digest_that_is_another_cells_id_does_not_collide() -> None:
    first = written(Notebook(cells=[CodeCell(id="a b")]))["cells"][0]["id"]
    document = written(Notebook(cells=[CodeCell(id=first), CodeCell(id="a b")]))
    assert document["cells"][0]["id"] == first


def test_a_cell_copied_in_jupyter_gets_the_id_that_it_has_there() -> None:
    document = written(Notebook(cells=[CodeCell(id="a b")]))
    document["cells"].append({**document["cells"][0], "id": "copy"})
    assert [cell.id for cell in decode(document)] == ["a b", "copy"]


def test_ids_that_come_twice_are_repaired() -> None:
    document = written(Notebook(cells=[CodeCell(id="a")]))
    document["cells"] *= 3
    ids = [cell.id for cell in decode(document)]
    assert ids[0] == "a"
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "metadata",
    [
        {"tags": "no list"},
        {"tags": ["a", "a"]},
        {"tags": ["a,b"]},
        {"tags": [1]},
        {"name": ""},
        {"name": "a\nb"},
        {"collapsed": 1},
        {"scrolled": "sometimes"},
        {"jupyter": []},
        {"format": 1},
        {"execution": {"a": 1}},
        {"llm_repl": "text"},
        {"llm_repl": {}},
        {"llm_repl": {"type": "code"}},
        {"llm_repl": {"model": "m", "newer": 1}},
        {"llm_repl": {"shadowed_metadata": {"a": 1}}},
        {"solveit_ai": True},
        {"solveit_ai": "yes"},
    ],
)
@pytest.mark.parametrize("cell_class", BUILTIN_CELL_CLASSES)
def test_metadata_of_any_shape_survives(cell_class: type[Cell], metadata: dict[str, Any]) -> None:
    cell = cell_class(metadata={**metadata, "other": 1})
    assert back(cell).metadata == cell.metadata
    assert type(back(cell)) is cell_class


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "python3"}},
        {"language_info": {"version": "3"}},
        {"language_info": {"name": "python", "mimetype": 1}},
        {"orig_nbformat": 0},
        {"title": None},
        {"authors": "me"},
        {"llm_repl": {"name": "n"}},
    ],
)
def test_a_notebooks_metadata_of_any_shape_survives(metadata: dict[str, Any]) -> None:
    notebook = Notebook(metadata=metadata)
    assert decode(written(notebook)) == notebook


def test_what_a_newer_version_put_beside_ours_stays_in_its_place() -> None:
    document = written(Notebook(cells=[MemoryCell()]))
    document["metadata"]["llm_repl"]["newer"] = 1
    document["cells"][0]["metadata"]["llm_repl"]["newer"] = {"a": 1}
    again = written(decode(document))
    assert again == document


def test_fields_that_the_format_lacks_stay_where_they_were() -> None:
    document = cell_of(cell_type="code", source=[], metadata={}, outputs=[], id="a", color="red")
    document["cells"][0]["execution_count"] = None
    document["color"] = "blue"
    notebook = decode(document)
    again = json.loads(IpynbFormat().encode(notebook))
    assert again["color"] == "blue"
    assert again["cells"] == document["cells"]


def test_pictures_within_a_prompt_stay_where_they_were() -> None:
    document = cell_of(cell_type="markdown", source=["![a](attachment:a.png)"], id="a")
    document["cells"][0]["metadata"] = {"solveit_ai": True}
    document["cells"][0]["attachments"] = {"a.png": {"image/png": "aGk="}}
    prompt = decode(document).cells[0]
    assert isinstance(prompt, PromptCell)
    assert prompt.attachments == []
    assert written(decode(document))["cells"] == document["cells"]
    native = LlmnFormat()
    assert native.decode(native.encode(decode(document))).cells[0] == prompt


@pytest.mark.parametrize("format_", [IpynbFormat(), LlmnFormat()], ids=["ipynb", "llmn"])
def test_an_unknown_field_does_not_take_the_place_of_a_known_one(format_: Format) -> None:
    # A cell of another type knew no such field, and became a prompt.
    cell = PromptCell(extra={"attachments": None, "temperature": "hot", "color": 1})
    cell_again = format_.decode(format_.encode(Notebook(cells=[cell]))).cells[0]
    assert isinstance(cell_again, PromptCell)
    assert (cell_again.attachments, cell_again.temperature) == ([], None)
    assert cell_again.extra == {"color": 1}


def test_unknown_fields_of_the_native_format_leave_the_file_valid() -> None:
    cells: list[Cell] = [CodeCell(extra={"ipynb": {"attachments": {}}, "color": 1})]
    cells.append(MarkdownCell(extra={"ipynb": {"attachments": {"a": {"text/plain": 1}}}}))
    cells.append(MarkdownCell(extra={"attachments": 1, "ipynb": {"id": 1}}))
    notebook = Notebook(cells=cells, extra={"color": 1, "ipynb": {"nbformat": 1}})
    assert decode(written(notebook)) == notebook


class ChartCell(Cell, kw_only=True):
    type = "chart"
    wire_type = "ChartCell"
    axis: str
    width: int = 3


def test_a_plugins_cell_survives_with_and_without_its_plugin() -> None:
    types = CellTypes([*BUILTIN_CELL_CLASSES, ChartCell])
    cell = ChartCell(content="x", axis="log", outputs=[Output.stdout("a")], status="completed")
    document = written(Notebook(cells=[cell]))
    assert document["cells"][0]["cell_type"] == "raw"
    assert decode(document, cell_types=types).cells[0] == cell
    without = decode(document)
    assert isinstance(without.cells[0], ForeignCell)
    assert decode(written(without), cell_types=types).cells[0] == cell
    # The same by way of the native format, which keeps the options with the unknown fields.
    native = LlmnFormat().encode(Notebook(cells=[cell]))
    foreign = LlmnFormat().decode(native)
    assert decode(written(foreign), cell_types=types).cells[0] == cell


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "`nbformat` is missing; it must be the number 4."),
        ({"nbformat": 0}, "of nbformat 0, which does not exist."),
        ({"nbformat": 3, "worksheets": 3}, "of nbformat 3, and nbformat cannot convert it"),
        ({"nbformat": 4, "worksheets": []}, "write 3 as its `nbformat`"),
        ({"nbformat": 4, "metadata": {}}, "`cells` is missing; it must be a list."),
        ({"nbformat": 4, "cells": None}, "`cells` is missing; it must be a list."),
        ({"nbformat": 4, "nbformat_minor": -1, "cells": []}, "must not be below 0"),
        ({"nbformat": 5}, "nbformat 5, which is newer"),
        ({"nbformat": "4"}, "`nbformat` must be a whole number, not text."),
        ({"nbformat": 4, "cells": [], "metadata": []}, "`metadata` must be an object, not a list."),
        (cell_of(source=""), "`cells[0].cell_type` is missing"),
        (cell_of(cell_type="code", source=3), "`cells[0].source` must be text, not a number."),
        (
            cell_of(cell_type="code", source=["a", 1]),
            "`cells[0].source[1]` must be text, not a number.",
        ),
        (
            cell_of(cell_type="code", outputs=[{"output_type": "stream", "text": 1}]),
            "`cells[0].outputs[0].text` must be text, not a number.",
        ),
        (
            cell_of(cell_type="code", outputs=[{"output_type": "display_data", "data": "a"}]),
            "`cells[0].outputs[0].data` must be an object, not text.",
        ),
        (
            cell_of(
                cell_type="markdown", metadata={"solveit_ai": True, "llm_repl": {"temperature": 9}}
            ),
            "`cells[0].metadata.llm_repl.temperature` is wrong: expected",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(document: Any, message: str) -> None:
    with pytest.raises(InvalidNotebook) as raised:
        decode(document)
    assert message in str(raised.value)
    assert str(raised.value).endswith(".")


def test_pictures_of_a_cell_win_over_those_that_it_had() -> None:
    kept = {"attachments": {"old.png": {"image/png": "aGk="}}, "color": 1}
    document = {
        "cell_type": "markdown", "id": "a", "source": "x",
        "attachments": {"new.png": {"image/png": "aGk="}},
        "metadata": {"llm_repl": {"extra": {"ipynb": kept}}},
    }  # fmt: skip
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [document]})
    [cell] = IpynbFormat().decode(data.encode())
    assert cell.extra == {"ipynb": {"attachments": document["attachments"], "color": 1}}


def test_a_plugins_type_may_be_called_as_jupyters_own() -> None:
    class RawCell(Cell, kw_only=True):
        type = "raw"
        wire_type = "raw"

    format_ = IpynbFormat(CellTypes([*BUILTIN_CELL_CLASSES, RawCell]))
    [cell] = format_.decode(format_.encode(Notebook(cells=[RawCell(content="x")])))
    assert type(cell) is RawCell
