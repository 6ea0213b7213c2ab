"""Files of tables as people have them: the code that is offered reads each."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from llm_repl_server.services.tables import find_reading


def read(path: Path, data: bytes, *, has_pandas: bool, name: str = "table.csv"):
    """What the offered code makes of a file."""
    (path / name).write_bytes(data)
    reading = find_reading(path / name, name, has_pandas=has_pandas)
    assert reading.code is not None, reading.notice
    before, names = Path.cwd(), {}
    os.chdir(path)
    try:
        exec(reading.code, names)  # it is what is tested
    finally:
        os.chdir(before)
    return names["table"], reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_encoding_and_delimiter_is_read(tmp_path, encoding, delimiter):
    text = f'city{delimiter}sum\r\nKöln{delimiter}3\r\n"two\nlines"{delimiter}4\r\n'
    plain, reading = read(tmp_path, text.encode(encoding), has_pandas=False)
    assert plain == [{"city": "Köln", "sum": "3"}, {"city": "two\nlines", "sum": "4"}]
    assert reading.notice is None
    frame, _ = read(tmp_path, text.encode(encoding), has_pandas=True)
    assert frame.to_dict("list") == {"city": ["Köln", "two\nlines"], "sum": [3, 4]}


def test_numbers_with_a_decimal_comma_are_numbers(tmp_path):
    frame, _ = read(tmp_path, b"city;sum\nOslo;1,5\nBergen;2,25\n", has_pandas=True)
    assert list(frame["sum"]) == [1.5, 2.25]


@pytest.mark.parametrize(
    ("text", "sums"),
    [
        ("day;sum\n04.01.2026;1.234,50\n05.01.2026;7\n06.01.2026;-12.345\n", [1234.5, 7, -12345]),
        ('day,sum\n"1,2",1.5\n"3,4","1,234.5"\n"5,6","-1,234,567"\n', [1.5, 1234.5, -1234567]),
        ("day;sum\n1'2;1'234.5\n3'4;2\n5'6;3.25\n", [1234.5, 2, 3.25]),
        ("day;sum\n1.2.3;1,5\n1.2.4;2\n2.0.0;2,125\n", [1.5, 2, 2.125]),
        ("day;sum\n1.2.3;1.500\n1.2.4;2.125\n2.0.0;3.000\n", [1.5, 2.125, 3]),
    ],
)
def test_thousands_are_numbers_and_dates_stay_dates(tmp_path, text, sums):
    frame, _ = read(tmp_path, text.encode(), has_pandas=True)
    assert list(frame["sum"]) == sums
    days = [row[0] for row in csv.reader(text.splitlines()[1:], delimiter=text[3])]
    assert list(frame["day"]) == days


def test_what_comes_late_counts_for_the_encoding(tmp_path):
    data = b"city,sum\n" + b"Oslo,1\n" * 300_000 + "Tromsø,2\n".encode("cp1252")
    frame, _ = read(tmp_path, data, has_pandas=True)
    assert frame["city"].iloc[-1] == "Tromsø"


def test_a_header_alone_is_a_table_without_rows_and_says_so(tmp_path):
    table, reading = read(tmp_path, b"city;sum\n", has_pandas=False)
    assert table == []
    assert "no rows" in reading.notice


def test_one_column_is_a_table(tmp_path):
    table, _ = read(tmp_path, b"city\nOslo\nBergen\n", has_pandas=False)
    assert table == [{"city": "Oslo"}, {"city": "Bergen"}]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"PNG\0\0\0"])
def test_what_holds_no_table_says_so(tmp_path, data):
    (tmp_path / "t.csv").write_bytes(data)
    reading = find_reading(tmp_path / "t.csv", "t.csv")
    assert reading.code is None
    assert reading.notice.startswith("t.csv ")


def test_other_files(tmp_path):
    for name in ("a.png", "notes.txt", "a.xlsx"):
        (tmp_path / name).write_bytes(b"just a text")
    assert find_reading(tmp_path / "a.png", "a.png").code is None
    assert find_reading(tmp_path / "notes.txt", "notes.txt").code is None
    assert "pip install" in find_reading(tmp_path / "a.xlsx", "a.xlsx", has_pandas=False).notice
    table, _ = read(tmp_path, b'[{"a": 1}]', has_pandas=False, name="a.json")
    assert table == [{"a": 1}]
