"""The native format: files that exist, fields of others, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from llm_repl_core.errors import InvalidNotebook, PluginError
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.model.cell import Cell, CodeCell, ForeignCell, MemoryCell, PromptCell
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.notebook import DEFAULT_NAME, Notebook
from llm_repl_core.model.output import Output

OLD_FILE = """
{
  "notebook_id": "nb-1", "name": "Sales", "created_at": "2023-05-01T10:00:00.123456",
  "updated_at": "2023-05-02T11:30:00Z",
  "metadata": {"kernel": "python3", "language_info": {"name": "python", "version": "3.9"}},
  "cells": [
    {"cell_id": "a1b2c3d4", "type": "MarkdownCell", "content": "# Sales — Überblick",
     "outputs": [{"type": "markdown", "content": "# Sales — Überblick"}]},
    {"cell_id": "e5", "type": "ComputationCell", "content": "print(1)", "outputs": [
       {"type": "stdout", "content": "1\\n"}, {"type": "error", "content": "NameError: x"},
       {"type": "warning", "content": "old"}]},
    {"cell_id": "f6", "type": "PromptCell", "content": "From {sales_data['date'].min()}",
     "model": "gpt-4", "temperature": 1, "response_var": "",
     "outputs": [{"type": "llm_response", "prompt": "From 1", "content": "So."}]},
    {"cell_id": "g7", "type": "MemoryCell", "content": "memory.update({\\n  'a': 1,\\n})",
     "outputs": [{"type": "memory_update", "added": ["a"], "updated_state": {"a": "1"}}]}
  ],
  "state_keys": ["sales_data"]
}
"""


def decode(document: Any, **options: Any) -> Notebook:
    data = document.encode() if isinstance(document, str) else json.dumps(document).encode()
    return LlmnFormat(**options).decode(data)


def as_document(notebook: Notebook) -> Any:
    return json.loads(LlmnFormat().encode(notebook))


def with_cell(**fields: Any) -> dict[str, Any]:
    return {
        "cells": [{"type": "code", "content": ""}, {"type": "code"}, {"type": "code", **fields}]
    }


def test_a_file_of_an_older_version_loads() -> None:
    notebook = decode(OLD_FILE)
    assert (notebook.id, notebook.name, notebook.state_keys) == ("nb-1", "Sales", ["sales_data"])
    assert notebook.created_at == datetime(2023, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert notebook.updated_at == datetime(2023, 5, 2, 11, 30, tzinfo=UTC)
    assert notebook.metadata["kernel"] == "python3"
    assert [cell.wire_type for cell in notebook] == [
        *("MarkdownCell", "ComputationCell", "PromptCell", "MemoryCell")
    ]
    assert notebook["e5"].outputs[1] == Output("error", "NameError: x")
    prompt = notebook["f6"]
    assert isinstance(prompt, PromptCell)
    assert (prompt.model, prompt.temperature, prompt.response_var) == ("gpt-4", 1.0, None)
    assert prompt.outputs == [Output("llm_response", "So.", {"prompt": "From 1"})]
    assert notebook["g7"].outputs[0].content == ""
    assert notebook.memory == {}
    assert {cell.status for cell in notebook} == {"idle"}


def test_what_is_written_has_every_field_that_older_readers_know() -> None:
    old, new = json.loads(OLD_FILE), as_document(decode(OLD_FILE))
    assert old.keys() <= new.keys()
    for old_cell, new_cell in zip(old["cells"], new["cells"], strict=True):
        assert old_cell.keys() <= new_cell.keys()
        assert {key: new_cell[key] for key in ("cell_id", "type", "content")} == {
            key: old_cell[key] for key in ("cell_id", "type", "content")
        }
        for before, after in zip(old_cell["outputs"], new_cell["outputs"], strict=True):
            assert after == {"content": "", **before}


def test_the_text_is_readable_and_in_a_fixed_order() -> None:
    notebook = Notebook("Größe", memory={"z": 1, "a": 2}, extra={"newer": True})
    notebook.add_prompt("Hallo")
    text = LlmnFormat().encode(notebook).decode()
    assert text.endswith("}\n")
    assert '\n  "name": "Größe",\n' in text
    assert list(json.loads(text)) == [
        *("notebook_id", "name", "created_at", "updated_at", "metadata", "cells", "state_keys"),
        *("memory", "newer"),
    ]
    assert list(json.loads(text)["memory"]) == ["z", "a"]
    assert list(json.loads(text)["cells"][0]) == [
        *("cell_id", "type", "content", "outputs", "model", "temperature", "response_var"),
        *("provider", "status", "execution_count", "metadata"),
    ]


def test_a_byte_order_mark_is_skipped() -> None:
    assert LlmnFormat().decode(b"\xef\xbb\xbf" + OLD_FILE.encode()).name == "Sales"


def test_absent_fields_get_their_defaults() -> None:
    before = datetime.now(UTC)
    notebook = decode({"cells": [{"type": "PromptCell"}, {"type": "code", "content": None}]})
    assert notebook.name == DEFAULT_NAME
    assert notebook.id
    assert before <= notebook.created_at == notebook.updated_at <= before + timedelta(minutes=1)
    prompt, code = notebook.cells
    assert prompt == PromptCell(id=prompt.id)
    assert code == CodeCell(id=code.id)
    assert prompt.id != code.id


@pytest.mark.parametrize(
    ("word", "cell_class"),
    [("code", CodeCell), ("ComputationCell", CodeCell), ("memory", MemoryCell)],
)
def test_types_come_in_both_spellings(word: str, cell_class: type[Cell]) -> None:
    assert type(decode({"cells": [{"type": word}]}).cells[0]) is cell_class


def test_ids_come_in_both_spellings() -> None:
    notebook = decode({"id": "n", "cells": [{"type": "code", "id": "c"}]})
    assert (notebook.id, notebook.cells[0].id) == ("n", "c")
    assert notebook.extra == notebook.cells[0].extra == {}


def test_unknown_fields_are_carried_verbatim_at_every_level() -> None:
    more = {"deep": [1, {"ü": None}], "n": 1e-7}
    document = {
        "notebook_id": "n",
        "color": more,
        "cells": [
            {
                "cell_id": "c",
                "type": "code",
                "color": more,
                "outputs": [{"type": "stdout", "content": "", "color": more}],
            },
        ],
    }
    again = as_document(decode(document))
    assert again["color"] == more
    assert again["cells"][0]["color"] == more
    assert again["cells"][0]["outputs"] == [{"type": "stdout", "content": "", "color": more}]


def test_a_cell_of_an_unknown_type_is_kept_with_all_its_fields() -> None:
    cell = {"cell_id": "c", "type": "ChartCell", "content": "x", "axis": {"log": True}, "model": 3}
    notebook = decode({"cells": [cell]})
    assert isinstance(notebook.cells[0], ForeignCell)
    assert notebook.cells[0].foreign_type == "ChartCell"
    written = as_document(notebook)["cells"][0]
    assert {key: written[key] for key in cell} == cell


class ChartCell(Cell, kw_only=True):
    type = "chart"
    wire_type = "ChartCell"
    axis: dict[str, bool]
    width: int = 3


def test_a_plugins_cell_has_its_own_fields() -> None:
    types = CellTypes([CodeCell, ChartCell])
    document = {"cells": [{"type": "ChartCell", "axis": {"log": True}, "other": 1}]}
    [cell] = decode(document, cell_types=types)
    assert cell == ChartCell(id=cell.id, axis={"log": True}, extra={"other": 1})
    with pytest.raises(InvalidNotebook, match=r"`cells\[0\]` is wrong: .*missing.*`axis`"):
        decode({"cells": [{"type": "chart"}]}, cell_types=types)
    with pytest.raises(PluginError):
        types.add(type("Other", (ChartCell,), {}))


def test_an_unknown_status_counts_as_absent() -> None:
    assert decode(with_cell(status="frozen")).cells[2].status == "idle"
    assert decode(with_cell(status={})).cells[2].status == "idle"


def test_a_known_field_wins_over_an_unknown_one_of_its_name() -> None:
    notebook = Notebook("Right", extra={"name": "wrong", "cells": 1})
    assert as_document(notebook)["name"] == "Right"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[]", "must hold a JSON object at its top"),
        ("", "it is empty."),
        ('{"name": "a",\n "cells": [}', "line 2, column 12"),
        ('{"memory": {"x": NaN}}', "`NaN` is not a JSON number"),
        ('{"memory": {"x": 1e999}}', "out of range"),
        ('{"memory": {"x": ' + "[" * 299 + "]" * 299 + "}}", "too deeply nested"),
        ('{"memory": "\\ud800", "x": ' + "[" * 500_000, "too deeply nested"),
        ({"cells": {}}, "`cells` must be a list, not an object."),
        ({"cells": ["a"]}, "`cells[0]` must be an object, not text."),
        ({"cells": [{}]}, "`cells[0].type` is missing; it must be text."),
        (with_cell(content=3), "`cells[2].content` must be text, not a number."),
        (with_cell(cell_id=[]), "`cells[2].cell_id` must be text, not a list."),
        (with_cell(outputs=["a"]), "`cells[2].outputs[0]` must be an object, not text."),
        (with_cell(outputs=[{"content": "a"}]), "`cells[2].outputs[0].type` is missing"),
        (
            with_cell(outputs=[{"type": "a"}, {"type": "b", "content": True}]),
            "`cells[2].outputs[1].content` must be text, not a boolean.",
        ),
        (with_cell(execution_count="1"), "`cells[2].execution_count` must be a whole number"),
        (with_cell(execution_count=True), "must be a whole number, not a boolean."),
        (with_cell(type="prompt", temperature=3), "`cells[2].temperature` is wrong: expected"),
        (with_cell(type="prompt", response_var="1a"), "`cells[2].response_var` is wrong"),
        ({"created_at": "yesterday"}, "`created_at` must be an ISO 8601 time, not 'yesterday'."),
        ({"created_at": 5}, "`created_at` must be text, not a number."),
        ({"memory": []}, "`memory` must be an object, not a list."),
        ({"state_keys": ["a", 1]}, "`state_keys[1]` must be text, not a number."),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(document: Any, message: str) -> None:
    with pytest.raises(InvalidNotebook) as raised:
        decode(document)
    assert message in str(raised.value)


def test_nesting_up_to_the_limit_is_read_and_written() -> None:
    notebook = decode('{"memory": {"x": ' + "[" * 298 + "]" * 298 + "}}")
    assert LlmnFormat().decode(LlmnFormat().encode(notebook)) == notebook


def test_bytes_that_are_no_text_are_named() -> None:
    with pytest.raises(InvalidNotebook, match=r"byte 9 \(0xff\) is not UTF-8"):
        LlmnFormat().decode(b'{"name": \xff}')


def test_whole_numbers_of_any_size_survive() -> None:
    notebook = Notebook(memory={"big": 10**30})
    assert LlmnFormat().decode(LlmnFormat().encode(notebook)).memory == {"big": 10**30}


def test_times_without_an_offset_are_written_as_utc() -> None:
    notebook = Notebook(created_at=datetime(2024, 1, 1, 12))
    assert as_document(notebook)["created_at"] == "2024-01-01T12:00:00+00:00"


def test_what_msgspec_writes_is_what_the_standard_library_would() -> None:
    notebook = decode(OLD_FILE)
    document = msgspec.json.decode(LlmnFormat().encode(notebook))
    expected = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    assert LlmnFormat().encode(notebook).decode() == expected
