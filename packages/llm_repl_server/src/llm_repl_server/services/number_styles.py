"""How the numbers of a table are written: ``1234.5``, ``1.234,5``, ``1,234.5`` or ``1'234.5``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from msgspec import Struct

__all__ = ["NumberStyle", "find_number_style"]

_PLAIN: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_DECIMAL_POINT: Final = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[,']\d{3})+)\.\d+")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+")


class NumberStyle(Struct, frozen=True, kw_only=True):
    """How numbers are written.

    Attributes:
        decimal: What stands before their fraction.
        thousands: What stands between each three digits; None: nothing does.
        texts: Columns that would be taken for numbers without that sign and are none, as dates are.
    """

    decimal: str = "."
    thousands: str | None = None
    texts: tuple[str, ...] = ()


def find_number_style(rows: Sequence[Sequence[str]], delimiter: str) -> NumberStyle:
    """How the numbers of a table are written, as the first of its rows show it.

    Args:
        rows: The header, and rows.
        delimiter: What separates their fields.
    """
    header, *others = rows
    columns = [
        [field.strip() for field in column if field.strip()]
        for column in zip_longest(*others, fillvalue="")
    ]
    fields = [field for column in columns for field in column]
    # Behind a comma that separates fields too, three digits are thousands.
    commas = delimiter != "," and any(map(_DECIMAL_COMMA.fullmatch, fields))
    points = any(
        _DECIMAL_POINT.fullmatch(field) and not (commas and _grouped(".").fullmatch(field))
        for field in fields
    )
    decimal = "," if commas and not points else "."
    for sign in ("." if decimal == "," else ",", "'"):
        number = _number(decimal, sign)
        if not any(
            any(map(_grouped(sign).match, column)) and all(map(number.fullmatch, column))
            for column in columns
        ):
            continue
        texts = tuple(
            name
            for name, column in zip(header, columns, strict=False)
            if any(sign in field for field in column)
            and not all(map(number.fullmatch, column))
            and all(
                _PLAIN.fullmatch(field.replace(sign, "").replace(decimal, ".")) for field in column
            )
        )
        return NumberStyle(decimal=decimal, thousands=sign, texts=texts)
    return NumberStyle(decimal=decimal)


def _grouped(sign: str) -> re.Pattern[str]:
    """A number that begins with groups of three digits."""
    return re.compile(rf"[+-]?\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+(?!\d)")


def _number(decimal: str, sign: str) -> re.Pattern[str]:
    """Any number, in groups of three digits or not."""
    groups = rf"\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+"
    return re.compile(rf"[+-]?(?:\d+|{groups})(?:{re.escape(decimal)}\d+)?")
