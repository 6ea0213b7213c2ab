"""How a file of a table is read: which code does it, as its bytes say."""

from __future__ import annotations

import codecs
import csv
import importlib.util
import io
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from llm_repl_server.services.number_styles import find_number_style

__all__ = ["Reading", "find_reading"]

_SAMPLE_CHARS: Final = 100_000
_SAMPLE_ROWS: Final = 100
_BLOCK_BYTES: Final = 1 << 20
_LINE_CHARS: Final = 80
_DELIMITERS: Final = (",", ";", "\t", "|")
_BY_PANDAS: Final = {".json": "read_json", ".parquet": "read_parquet", ".xlsx": "read_excel"}


class Reading(Struct, frozen=True, kw_only=True):
    """How a file is read."""

    code: Annotated[
        str | None,
        Meta(description="Python that reads it into `table`; null: it is no table, or can't be."),
    ]
    notice: Annotated[
        str | None, Meta(description="What there is to say of it, in a sentence; most often null.")
    ]


def find_reading(path: Path, name: str, *, has_pandas: bool | None = None) -> Reading:
    """How a file is read. All of it is looked at, a block at a time, for its encoding.

    Args:
        path: Where it is.
        name: The path that code names it by.
        has_pandas: Whether pandas is there; None: it is looked for.

    Raises:
        OSError: It cannot be read.
    """
    if has_pandas is None:
        has_pandas = importlib.util.find_spec("pandas") is not None
    suffix = path.suffix.lower()
    is_text = suffix in (".csv", ".tsv", ".txt")
    if not is_text and suffix not in _BY_PANDAS:
        return Reading(code=None, notice=None)
    if not path.stat().st_size:
        return Reading(code=None, notice=f"{name} is empty: there is nothing in it to read.")
    if suffix in _BY_PANDAS:
        return _other(name, suffix, has_pandas=has_pandas)
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        sample = file.read(_SAMPLE_CHARS)
        is_cut = bool(file.read(1))
    if not sample.strip("\ufeff \t\r\n"):
        return Reading(code=None, notice=f"{name} holds nothing but blanks.")
    if "\0" in sample:
        return Reading(code=None, notice=f"{name} is no text: it holds bytes that no table has.")
    delimiter, rows = _delimiter(sample, is_cut=is_cut)
    if suffix == ".txt" and len(rows[0]) < 2:
        return Reading(code=None, notice=None)
    notice = f"{name} has a header and no rows." if len(rows) == 1 and not is_cut else None
    if has_pandas:
        return Reading(code=_pandas_code(name, encoding, delimiter, rows), notice=notice)
    return Reading(code=_plain_code(name, encoding, delimiter), notice=notice)


def _other(name: str, suffix: str, *, has_pandas: bool) -> Reading:
    if has_pandas:
        code = f"import pandas as pd\n\ntable = pd.{_BY_PANDAS[suffix]}({name!r})\ntable.head()"
        return Reading(code=code, notice=None)
    if suffix == ".json":
        code = (
            f"import json\n\nwith open({name!r}, encoding='utf-8-sig') as file:\n"
            "    table = json.load(file)\ntable"
        )
        return Reading(code=code, notice=None)
    return Reading(
        code=None, notice=f"{name} is read by pandas, which is not there: pip install pandas."
    )


def _encoding(path: Path) -> str:
    """The encoding of a text, as far as its bytes tell."""
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        file.seek(0)
        utf_8 = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(_BLOCK_BYTES):
                utf_8.decode(block)
            utf_8.decode(b"", final=True)
        except UnicodeDecodeError:
            pass
        else:
            return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
        file.seek(0)
        try:
            while block := file.read(_BLOCK_BYTES):
                block.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"  # which takes every byte
    return "cp1252"


def _delimiter(sample: str, *, is_cut: bool) -> tuple[str, list[list[str]]]:
    """What separates the fields: by which most rows have the same number of fields, and several."""
    found: tuple[float, int, str, list[list[str]]] | None = None
    for delimiter in _DELIMITERS:
        try:
            reader = csv.reader(
                io.StringIO(sample.lstrip("\ufeff"), newline=""), delimiter=delimiter
            )
            rows = [row for row in islice(reader, _SAMPLE_ROWS) if row]
        except csv.Error:
            continue
        if is_cut and len(rows) > 1:
            rows.pop()  # perhaps not all of it
        width = len(rows[0]) if rows else 0
        share = sum(len(row) == width for row in rows) / max(1, len(rows))
        if width > 1 and (found is None or (share, width) > found[:2]):
            found = (share, width, delimiter, rows)
    if found is None:
        return ",", [[line] for line in sample.splitlines()[:_SAMPLE_ROWS]] or [[""]]
    return found[2], found[3]


def _pandas_code(name: str, encoding: str, delimiter: str, rows: list[list[str]]) -> str:
    arguments = [repr(name)]
    if delimiter != ",":
        arguments.append(f"sep={delimiter!r}")
    style = find_number_style(rows, delimiter)
    if style.decimal != ".":
        arguments.append(f"decimal={style.decimal!r}")
    if style.thousands is not None:
        arguments.append(f"thousands={style.thousands!r}")
    if style.texts:
        arguments.append(f"dtype={{{', '.join(f'{column!r}: str' for column in style.texts)}}}")
    if encoding not in ("utf-8", "utf-8-sig"):
        arguments.append(f"encoding={encoding!r}")
    call = f"table = pd.read_csv({', '.join(arguments)})"
    if len(call) > _LINE_CHARS:
        lines = "".join(f"    {argument},\n" for argument in arguments)
        call = f"table = pd.read_csv(\n{lines})"
    return f"import pandas as pd\n\n{call}\ntable.head()"


def _plain_code(name: str, encoding: str, delimiter: str) -> str:
    options = "" if delimiter == "," else f", delimiter={delimiter!r}"
    return (
        f"import csv\n\nwith open({name!r}, encoding={encoding!r}, newline='') as file:\n"
        f"    table = list(csv.DictReader(file{options}))\ntable[:5]"
    )
