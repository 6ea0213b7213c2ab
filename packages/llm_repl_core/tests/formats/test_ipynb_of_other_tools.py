"""Notebooks as other tools write them: nothing of theirs is lost, moved or made invalid."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import Session
from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats.ipynb import IpynbFormat
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.model.cell import CodeCell, MarkdownCell, MemoryCell, PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

PYTHON_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def code(source: Any = "1", *, outputs: Any = (), **fields: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 1,
        "id": "c",
        "metadata": {},
        "outputs": list(outputs),
        "source": source,
        **fields,
    }


def notebook(*cells: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **fields}


def read(document: Any) -> Notebook:
    return IpynbFormat().decode(json.dumps(document).encode())


def written(held: Notebook) -> Any:
    return json.loads(IpynbFormat().encode(held))


def normal(document: Any) -> Any:
    """A document as nbformat has it in memory, without what LLM-REPL notes."""
    normal = json.loads(nbformat.v4.writes_json(nbformat.v4.reads_json(json.dumps(document))))
    added = normal["metadata"].pop("llm_repl", {}).get("added_metadata", [])
    for name in added:
        del normal["metadata"][name]
    for cell in normal["cells"]:
        cell["metadata"].pop("llm_repl", None)
    return normal


# Languages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "kernel", "language"),
    [
        ({}, "python3", "python"),
        ({"kernelspec": {"name": "python3"}}, "python3", "python"),  # lacks what nbformat wants
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "ir", "R"),
        ({"kernelspec": {"name": "ir", "display_name": "R"}}, "ir", "R"),
        ({"kernelspec": {"name": "julia-1.11", "display_name": "Julia"}}, "julia-1.11", "julia"),
        ({"language_info": {"name": "R", "version": "4.4"}}, "r", "R"),
        ({"language_info": {"name": "python", "version": "3.12"}}, "python3", "python"),
        ({"kernelspec": PYTHON_KERNEL, "language_info": {"name": "python"}}, "python3", "python"),
    ],
)
def test_kernelspec_and_language_are_always_written(
    metadata: dict[str, Any], kernel: str, language: str
) -> None:
    held = Notebook(metadata=metadata)
    document = written(held)
    nbformat.validate(document)
    assert document["metadata"]["kernelspec"]["name"] == kernel
    assert document["metadata"]["language_info"]["name"] == language
    again = read(document)
    assert again == held, "what was added is taken out again"
    assert written(again) == document


def test_a_language_that_a_tool_wrote_over_the_added_one_stays() -> None:
    document = written(Notebook())
    document["metadata"]["language_info"]["version"] = "3.13.1"  # as nbconvert --execute does
    again = read(document)
    assert again.metadata.keys() == {"language_info"}
    assert written(again)["metadata"]["language_info"]["version"] == "3.13.1"
    assert written(again)["metadata"]["kernelspec"] == document["metadata"]["kernelspec"]


# Outputs -----------------------------------------------------------------------------------------


def test_a_value_is_an_execute_result_with_the_cells_count() -> None:
    cell = CodeCell(
        content="6 * 7",
        execution_count=4,
        outputs=[
            Output.display({"text/plain": "shown"}),
            Output.display({"text/plain": "42"}, is_result=True),
        ],
        status="completed",
    )
    document = written(Notebook(cells=[cell]))
    nbformat.validate(document)
    shown, result = document["cells"][0]["outputs"]
    assert shown["output_type"] == "display_data"
    assert (result["output_type"], result["execution_count"]) == ("execute_result", 4)
    assert read(document).cells[0] == cell


def test_a_count_that_is_not_the_cells_is_kept() -> None:
    result = {"data": {"text/plain": "2"}, "metadata": {}, "output_type": "execute_result"}
    document = notebook(code(execution_count=None, outputs=[{**result, "execution_count": 6}]))
    assert normal(written(read(document))) == normal(document)


@pytest.mark.parametrize(
    "output",
    [
        {"name": "stdout", "output_type": "stream", "text": ["a\n"], "vendor": {"x": 1}},
        {"name": "stdout", "output_type": "stream", "text": ["a\n"], "metadata": {}},
        {"name": "console", "output_type": "stream", "text": ["a\n"]},
        {"ename": "E", "evalue": "v", "output_type": "error", "traceback": [], "errorDetails": 1},
        {
            "data": {"text/plain": ["a"]},
            "metadata": {},
            "output_type": "display_data",
            "transient": None,
        },
        {
            "data": {"text/plain": ["a"]},
            "execution_count": 1,
            "metadata": {},
            "output_type": "execute_result",
            "transient": {"display_id": "x"},
        },
        # Databricks
        {
            "data": {
                "application/vnd.databricks.v1+output": {"data": "<b>", "type": "html", "n": [1]},
                "text/html": ["<b>"],
            },
            "metadata": {
                "application/vnd.databricks.v1+output": {"addedWidgets": {}, "arguments": {}}
            },
            "output_type": "display_data",
        },
        # what a later nbformat may bring
        {"data": {"x": 1}, "metadata": {}, "output_type": "hologram"},
    ],
)
def test_keys_and_objects_of_others_stay_in_the_output(output: dict[str, Any]) -> None:
    document = notebook(code(outputs=[output]))
    held = read(document)
    assert written(held)["cells"][0]["outputs"] == [output]
    again = LlmnFormat().decode(LlmnFormat().encode(held))
    assert written(again)["cells"][0]["outputs"] == [output], "by way of the native format, too"


# Cells and notebooks -------------------------------------------------------------------------------


def test_a_rendered_markdown_cell_is_not_there_twice() -> None:
    cell = MarkdownCell(content="# Title", outputs=[Output.markdown("# Title")], status="completed")
    document = written(Notebook(cells=[cell]))
    assert json.dumps(document).count("# Title") == 1
    assert read(document).cells[0] == cell
    empty = MarkdownCell(content="# Title", status="completed")
    assert read(written(Notebook(cells=[empty]))).cells[0] == empty


def test_memory_cells_find_memory_in_jupyter() -> None:
    cells = [
        MarkdownCell(content="Uses memory."),
        CodeCell(content="x = 1"),
        MemoryCell(content="n = memory.get('n', 0) + x\nmemory.update({'last': n})"),
        CodeCell(content="assert (n, last) == (1, 1)"),
    ]
    held = Notebook(cells=cells)
    document = written(held)
    nbformat.validate(document)
    sources = ["".join(cell["source"]) for cell in document["cells"]]
    assert sources[:2] == ["Uses memory.", "x = 1"]
    assert (sources[3], sources[5]) == (cells[2].content, cells[3].content)
    namespace: dict[str, Any] = {}
    for source in sources[1:]:
        exec(source, namespace)
    document["cells"][2]["execution_count"] = 2  # as after a run in Jupyter
    assert read(document) == held, "the cell that makes it is left out again"
    document["cells"][2]["source"].append("\nmemory['own'] = 1")
    assert len(read(document)) == 5, "but not when somebody has changed it"


@pytest.mark.parametrize(
    ("remembered", "used"),
    [
        ("k = n", "assert memory == {'k': 3}"),
        ("a, k = 1, n", "assert memory.get('k') == k == 3 and list(memory) == ['a', 'k']"),
        ("k: int = n\nk += 1", "assert memory['k'] == 4"),
        ("k = n", "k = 9\nmemory.update(other=1)\nassert (k, memory['k']) == (9, 3)"),
    ],
)
def test_code_finds_in_jupyter_what_memory_cells_assign(remembered: str, used: str) -> None:
    cells = [CodeCell(content="n = 3"), MemoryCell(content=remembered), CodeCell(content=used)]
    held = Notebook(cells=cells)
    document = written(held)
    nbformat.validate(document)
    namespace: dict[str, Any] = {}
    for cell in document["cells"]:
        exec("".join(cell["source"]), namespace)
    assert read(document) == held
    assert written(read(document)) == document


def test_a_memory_cell_that_cannot_be_read_is_written_all_the_same() -> None:
    held = Notebook(cells=[MemoryCell(content="import x"), CodeCell(content="memory")])
    assert read(written(held)) == held


def test_no_cell_is_added_where_memory_is_not_used() -> None:
    held = Notebook(cells=[MemoryCell(content="x = 1"), CodeCell(content="memory_size = 2")])
    assert len(written(held)["cells"]) == 2


def test_a_newer_minor_version_stays_what_it_is() -> None:
    document = notebook(code(folded=True), nbformat_minor=7, toc=[1])
    held = read(document)
    again = written(held)
    assert (again["nbformat_minor"], again["toc"], again["cells"][0]["folded"]) == (7, [1], True)
    assert written(LlmnFormat().decode(LlmnFormat().encode(held))) == again


@pytest.mark.parametrize("name", ["a.ipynb", "a.llmn"])
def test_ids_that_come_twice_are_replaced_alike_at_every_reading(name: str) -> None:
    format_ = IpynbFormat() if name.endswith(".ipynb") else LlmnFormat()

    def ids(last: str) -> list[str]:
        if name.endswith(".ipynb"):
            document = notebook(code("1"), code("2"), code("3", id="d"), code(last))
        else:
            cells = [("1", "c"), ("2", "c"), ("3", "d"), (last, "c")]
            document = {
                "cells": [
                    {"type": "code", "content": text, "cell_id": cell_id} for text, cell_id in cells
                ]
            }
        return [cell.id for cell in format_.decode(json.dumps(document).encode())]

    assert ids("4") == ids("5"), "whatever else is edited"
    assert ids("4")[0] == "c"
    assert len(set(ids("4"))) == 4


def test_a_replaced_id_is_not_one_of_another_cell() -> None:
    second = read(notebook(code(), code())).cells[1].id
    held = read(notebook(code(), code(), code(id=second)))
    assert [cell.id for cell in held][2] == second
    assert len({cell.id for cell in held}) == 3


VERSION_2 = {
    "metadata": {"name": "Old"},
    "nbformat": 2,
    "worksheets": [
        {
            "cells": [
                {"cell_type": "markdown", "source": "# Old"},
                {
                    "cell_type": "code",
                    "collapsed": False,
                    "input": "1 + 1",
                    "language": "python",
                    "outputs": [{"output_type": "pyout", "text": "2", "prompt_number": 3}],
                    "prompt_number": 3,
                },
            ]
        }
    ],
}
VERSION_3 = {
    "metadata": {"name": "Old"},
    "nbformat": 3,
    "nbformat_minor": 0,
    "worksheets": [
        {
            "cells": [
                {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["Old"]},
                {
                    "cell_type": "code",
                    "collapsed": False,
                    "input": ["1 + 1"],
                    "language": "python",
                    "metadata": {},
                    "outputs": [
                        {
                            "metadata": {},
                            "output_type": "pyout",
                            "prompt_number": 3,
                            "text": ["2"],
                        }
                    ],
                    "prompt_number": 3,
                },
            ],
            "metadata": {},
        }
    ],
}


@pytest.mark.parametrize("document", [VERSION_2, VERSION_3])
def test_versions_2_and_3_are_converted(document: dict[str, Any]) -> None:
    held = read(document)
    markdown, sum_ = held.cells
    assert (markdown.type, markdown.content) == ("markdown", "# Old")
    assert (sum_.content, sum_.execution_count, sum_.status) == ("1 + 1", 3, "completed")
    assert [output.content for output in sum_.outputs] == ["2"]
    assert held.cells == read(document).cells, "the same ids at every reading"
    nbformat.validate(written(held))


def test_without_nbformat_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nbformat", None)
    with pytest.raises(InvalidNotebook, match=r"pip install 'llm-repl-core\[jupyter\]'"):
        read(VERSION_3)


# Any valid notebook --------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
MULTILINE = TEXT | st.lists(TEXT, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OBJECT = st.dictionaries(TEXT | st.sampled_from(["solveit_ai", "pinned", "llm"]), JSON, max_size=2)
TAGS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1),
    unique=True,
)
CELL_METADATA = st.tuples(
    OBJECT, st.fixed_dictionaries({}, optional={"tags": TAGS, "jupyter": OBJECT})
).map(lambda parts: parts[0] | parts[1])
BUNDLE = st.dictionaries(
    st.sampled_from(["text/plain", "text/html", "image/png", "image/svg+xml"]), MULTILINE
) | st.dictionaries(st.sampled_from(["application/json", "application/vnd.x.v1+json"]), JSON)
COUNT = st.none() | st.integers(0, 9)
OUTPUT = st.one_of(
    st.fixed_dictionaries(
        {
            "output_type": st.just("stream"),
            "name": st.sampled_from(["stdout", "x"]),
            "text": MULTILINE,
        }
    ),
    st.fixed_dictionaries(
        {"output_type": st.just("display_data"), "data": BUNDLE, "metadata": OBJECT}
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.just("execute_result"),
            "data": BUNDLE,
            "metadata": OBJECT,
            "execution_count": COUNT,
        }
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.just("error"),
            "ename": TEXT,
            "evalue": TEXT,
            "traceback": st.lists(TEXT, max_size=2),
        }
    ),
)
ID = st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True)
CELL = st.one_of(
    st.fixed_dictionaries(
        {
            "cell_type": st.sampled_from(["markdown", "raw"]),
            "id": ID,
            "metadata": CELL_METADATA,
            "source": MULTILINE,
        },
        optional={"attachments": st.dictionaries(TEXT, BUNDLE, max_size=2)},
    ),
    st.fixed_dictionaries(
        {
            "cell_type": st.just("code"),
            "id": ID,
            "metadata": CELL_METADATA,
            "source": MULTILINE,
            "outputs": st.lists(OUTPUT, max_size=2),
            "execution_count": COUNT,
        }
    ),
)


def is_valid(document: dict[str, Any]) -> bool:
    try:
        nbformat.validate(document)
    except nbformat.ValidationError:
        return False
    return True


VALID = st.fixed_dictionaries(
    {
        "cells": st.lists(CELL, max_size=4, unique_by=lambda cell: cell["id"]),
        "metadata": OBJECT.map(lambda metadata: {"title": "t", **metadata}),
        "nbformat": st.just(4),
        "nbformat_minor": st.just(5),
    }
).filter(is_valid)


@given(document=VALID)
def test_any_valid_notebook_is_the_same_and_valid_after_a_load_and_a_save(
    document: dict[str, Any],
) -> None:
    held = read(document)
    again = written(held)
    nbformat.validate(again)
    assert normal(again) == normal(document)
    assert read(again) == held


def test_the_law_sees_prompts() -> None:
    document = notebook(
        {"cell_type": "markdown", "id": "a", "metadata": {"solveit_ai": True}, "source": "Why?"}
    )
    assert isinstance(read(document).cells[0], PromptCell)
    assert normal(written(read(document))) == normal(document)


@pytest.mark.parametrize("kind", ["raw", "code"])
def test_a_prompts_mark_elsewhere_is_a_field_like_any_other(kind: str) -> None:
    cell = {"cell_type": kind, "id": "a", "metadata": {"solveit_ai": True}, "source": "Why?"}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    document = notebook(cell)
    assert normal(written(read(document))) == normal(document)


def test_answers_that_code_reads_are_set_in_jupyter() -> None:
    held = Notebook()
    held.add_code("items = [1, 2]")
    held.add_prompt("Say it's {items}", model="echo")  # its variable is `response_1`
    held.add_prompt("{item}", model="echo", for_each="items", response_var="each")
    held.add_prompt("Nobody reads it", model="echo", response_var="unread")
    held.add_code("assert response_1 == \"Say it's [1, 2]\", response_1\nassert each == ['1', '2']")
    with Session(held) as session:
        session.run()
    document = written(held)
    nbformat.validate(document)
    assert len(document["cells"]) == len(held) + 2
    namespace: dict[str, Any] = {}
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)
    assert read(document) == held
    held.cells[1].clear_outputs()
    assert len(written(held)["cells"]) == len(held) + 1, "there is no answer to be set"


def test_numbers_that_only_pythons_json_has_are_read_as_nothing_and_told() -> None:
    plot = "application/vnd.plotly.v1+json"
    figure = {"data": [{"y": [1.0, float("nan"), float("-inf"), float("nan")]}]}
    display = {"output_type": "display_data", "metadata": {}, "data": {plot: figure}}
    held = read(notebook(code(outputs=[display])))
    [cell] = held
    assert cell.outputs[0].fields["data"][plot] == {"data": [{"y": [1.0, None, None, None]}]}
    [notice] = held.notices
    assert notice.startswith("3 of its values are -Infinity, NaN, ")
    assert b"NaN" not in IpynbFormat().encode(held)
