"""The built-in formats keep what `FormatSuite` asks of every format, and two more laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.testing.format_suite import FormatSuite

FORMATS = pytest.mark.parametrize("format_", [LlmnFormat(), IpynbFormat()], ids=["llmn", "ipynb"])


class TestLlmnSuite(FormatSuite):
    def make_format(self) -> Format:
        return LlmnFormat()


class TestIpynbSuite(FormatSuite):
    def make_format(self) -> Format:
        return IpynbFormat()


# Half surrogate pairs next to each other become one character in JSON, so that they have a test
# of their own.
SEPARATOR = "##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->"
TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "\n",
        "a\r\nb\x0bc\u2028",
        "\x00",
        f"a\n\n{SEPARATOR}\n\nb",
        f"{SEPARATOR}{SEPARATOR}",
        "##### ",
    ]
)
# Keys that the formats give a meaning to come up often, with values of any shape.
KEYS = TEXT | st.sampled_from(
    [
        "llm_repl",
        "solveit_ai",
        "solveit_ver",
        "tags",
        "name",
        "collapsed",
        "kernelspec",
        "language_info",
        "type",
        "shadowed_metadata",
        "extra",
        "attachments",
        "ipynb",
        "outputs",
        "text/plain",
        "cells",
        "application/json",
        "execution_count",
        "data",
        "metadata",
        "ename",
        "evalue",
        "traceback",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(KEYS, JSON, max_size=3)
OUTPUT_FIELDS = OBJECT.map(
    lambda fields: {key: fields[key] for key in fields if key not in ("type", "content")}
)
OUTPUTS = st.lists(
    st.builds(
        Output,
        st.sampled_from(["stdout", "stderr", "error", "display", "llm_response", "new"]),
        TEXT,
        OUTPUT_FIELDS,
    )
    | st.builds(Output.display, OBJECT, OBJECT)
    | st.builds(Output.error, TEXT, TEXT, st.lists(TEXT, max_size=2))
    | st.builds(Output.llm_response, TEXT, TEXT),
    max_size=3,
)
EXTRA = OBJECT.map(
    lambda extra: {f"x-{key}" if key in _KNOWN else key: extra[key] for key in extra}
)
_KNOWN = (
    set(CodeCell.__struct_fields__)
    | {"type", "cells", "name", "cell_id", "notebook_id"}
    | {
        *("model", "temperature", "response_var", "provider", "created_at", "updated_at", "memory"),
        "state_keys",
    }
)
COMMON = {
    "content": TEXT,
    "id": st.text(min_size=1, max_size=8),
    "outputs": OUTPUTS,
    "status": st.sampled_from(["idle", "queued", "running", "completed", "error", "interrupted"]),
    "execution_count": st.none() | st.integers(-1, 9),
    "metadata": OBJECT,
    "extra": EXTRA,
    "stale": st.booleans(),
    "pinned": st.booleans(),
    "skipped": st.booleans(),
}


NOT_BOOLEAN = JSON.filter(lambda value: not isinstance(value, bool))
OWN_FIELDS_OF_A_FOREIGN_CELL = st.fixed_dictionaries(
    {}, optional={"pinned": NOT_BOOLEAN, "skipped": NOT_BOOLEAN, "foreign_type": JSON}
)


def joined(parts: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return {name: part[name] for part in parts for name in part}


def without_options_of_a_prompt(extra: dict[str, Any]) -> dict[str, Any]:
    return {name: extra[name] for name in extra if name not in PromptCell.option_names()}


CELLS: st.SearchStrategy[list[Cell]] = st.lists(
    st.builds(CodeCell, **COMMON)
    | st.builds(MarkdownCell, **COMMON)
    | st.builds(MemoryCell, **COMMON)
    | st.builds(ForeignCell, foreign_type=st.sampled_from(["raw", "Später", "x"]), **COMMON)
    | st.builds(
        ForeignCell,
        foreign_type=st.just("x"),
        **COMMON
        | {"pinned": st.just(False), "skipped": st.just(False)}
        | {"extra": st.tuples(EXTRA, OWN_FIELDS_OF_A_FOREIGN_CELL).map(joined)},
    )
    | st.builds(
        PromptCell,
        model=st.none() | TEXT,
        temperature=st.none() | st.floats(0, 2),
        response_var=st.none() | st.sampled_from(["a", "größe"]),
        provider=st.none() | TEXT,
        parameters=OBJECT,
        system=st.none() | TEXT,
        context=st.sampled_from(["isolated", "above"]) | st.lists(TEXT, max_size=2),
        schema=st.none() | TEXT | OBJECT,
        tools=st.lists(st.sampled_from(["f", "größe"]), max_size=2),
        tool_limit=st.integers(1, 1000),
        approve_tools=st.booleans(),
        for_each=st.none() | TEXT,
        attachments=st.lists(TEXT, max_size=2),
        **COMMON | {"extra": EXTRA.map(without_options_of_a_prompt)},
    ),
    max_size=3,
    unique_by=lambda cell: cell.id,
)
TIMES = st.datetimes(
    min_value=datetime(1990, 1, 1),
    max_value=datetime(2090, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))]),
)
NOTEBOOKS = st.builds(
    Notebook,
    TEXT,
    id=st.text(min_size=1, max_size=8),
    cells=CELLS,
    created_at=TIMES,
    updated_at=TIMES,
    metadata=OBJECT,
    memory=OBJECT,
    state_keys=st.lists(TEXT, max_size=3),
    extra=EXTRA,
)


def parts(notebook: Notebook) -> dict[str, Any]:
    """What is compared, so that a failure shows the difference."""
    names = ["id", "name", "created_at", "updated_at", "metadata", "memory", "state_keys", "extra"]
    return {name: getattr(notebook, name) for name in names} | {"cells": list(notebook)}


@FORMATS
@given(notebook=NOTEBOOKS)
@settings(max_examples=100)
def test_what_is_written_is_read_again(format_: Format, notebook: Notebook) -> None:
    data = format_.encode(notebook)
    assert parts(format_.decode(data)) == parts(notebook)
    assert format_.encode(format_.decode(data)) == data


@given(notebook=NOTEBOOKS)
@settings(max_examples=100)
def test_every_ipynb_file_is_valid_by_nbformat(notebook: Notebook) -> None:
    # What stands there came from a file that was not valid, and goes back as it was.
    for part in (notebook, *notebook):
        part.extra.pop("ipynb", None)
    nbformat.validate(msgspec.json.decode(IpynbFormat().encode(notebook)))


@FORMATS
@given(data=st.binary(max_size=60) | JSON.map(msgspec.json.encode))
@settings(max_examples=200)
def test_any_bytes_give_a_notebook_or_one_sentence(format_: Format, data: bytes) -> None:
    _decode_or_refuse(format_, data)


def _documents(keys: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    values = JSON | st.sampled_from(
        ["code", "markdown", "PromptCell", "stream", "display_data", True]
    )
    inner = st.dictionaries(st.sampled_from(keys), values, max_size=6)
    outputs = st.dictionaries(
        st.sampled_from(keys), values | st.lists(inner, max_size=2) | inner, max_size=6
    )
    return st.dictionaries(
        st.sampled_from(keys), values | st.lists(outputs, max_size=2) | outputs, max_size=6
    ).map(lambda document: {"nbformat": 4, **document})


@FORMATS
@given(
    document=_documents(
        [
            "cells",
            "metadata",
            "type",
            "content",
            "outputs",
            "cell_type",
            "source",
            "nbformat",
            "llm_repl",
            "solveit_ai",
            "output_type",
            "data",
            "text",
            "id",
            "cell_id",
            "status",
            "temperature",
            "response_var",
            "execution_count",
            "extra",
            "shadowed_metadata",
            "name",
        ]
    )
)
@settings(max_examples=200)
def test_documents_of_almost_the_right_shape(format_: Format, document: dict[str, Any]) -> None:
    _decode_or_refuse(format_, msgspec.json.encode(document))


def _decode_or_refuse(format_: Format, data: bytes) -> None:
    try:
        notebook = format_.decode(data)
    except InvalidNotebook as error:
        message = str(error)
    else:
        message = "."
        # Whatever could be read can also be written, and is the same then.
        assert parts(format_.decode(format_.encode(notebook))) == parts(notebook)
    assert message.endswith(".")


@FORMATS
def test_half_surrogate_pairs_survive(format_: Format) -> None:
    notebook = Notebook("\ud800", memory={"\udfff": "a\udc00b", "n": float("inf")})
    notebook.add_code("x = '\ud83d'").metadata = {"k\ud800": 1}
    again = format_.decode(format_.encode(notebook))
    assert parts(again) == {**parts(notebook), "memory": {"\udfff": "a\udc00b", "n": None}}


@FORMATS
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is empty."),
        (b"\xef\xbb\xbf \n", "it is empty."),
        ('{"nbformat": 4}'.encode("utf-16"), "is UTF-16 text: save it as UTF-8."),
        ('{"nbformat": 4}'.encode("utf-16-le"), "is UTF-16 text: save it as UTF-8."),
        ('{"nbformat": 4}'.encode("utf-16-be"), "is UTF-16 text: save it as UTF-8."),
        ('{"nbformat": 4}'.encode("utf-32"), "is UTF-32 text: save it as UTF-8."),
        ('{"é": 1}'.encode("latin-1"), "byte 2 (0xe9) is not UTF-8 text"),
        (b'{"cells": [\n<<<<<<< HEAD\n1\n', "contains merge conflict markers"),
        (b"[]", "it must hold a JSON object at its top."),
        (b'{"nbformat": 4, "x": ' + b"9" * 5000 + b"}", "it is not JSON"),
        (
            b'{"nbformat": 4, "cells": [{"type": "code", "cell_type": "code", "execution_count": %d}]}'
            % (10**20),
            "`cells[0].execution_count` is out of range.",
        ),
    ],
)
def test_files_that_cannot_be_read_are_named(format_: Format, data: bytes, message: str) -> None:
    with pytest.raises(InvalidNotebook) as raised:
        format_.decode(data)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 300


@FORMATS
def test_a_byte_order_mark_is_skipped(format_: Format) -> None:
    data = format_.encode(Notebook("Größe"))
    assert format_.decode(b"\xef\xbb\xbf" + data).name == "Größe"
