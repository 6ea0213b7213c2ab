"""Finds the one JSON value in what a model answered."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from llm_repl_core.errors import AnswerMisfit
from llm_repl_core.model.json_value import JSONValue

__all__ = ["read_answer_json"]

_FENCED = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*(?:json\w*)?[ \t]*\n(.*?)\n[ \t]*\1[ \t]*$",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_TRIES_LIMIT = 100
"""In how many places of a text an object may be looked for, each of which may read to its end."""


def read_answer_json(text: str) -> JSONValue:
    """The JSON value that is the answer, or that is in a fence in it, or the one object in it.

    Args:
        text: A model's answer.

    Raises:
        AnswerMisfit: There is none, or there are several; the message is for the model.
    """
    try:
        return _whole(text)
    except ValueError as error:
        problem = error
    for pick in (_fenced_values, _objects):
        values = pick(text)
        if len(values) > 1:
            raise AnswerMisfit(
                f"The answer holds {len(values)} JSON values: it must be a single one, "
                "without any other text."
            )
        if values:
            return values[0]
    if not text.strip():
        raise AnswerMisfit("The answer is empty: it must be JSON.")
    raise AnswerMisfit(f"The answer is not JSON: {problem}.")


def _whole(text: str) -> JSONValue:
    return _checked(_decode(text.strip(), whole=True)[0])


def _fenced_values(text: str) -> list[JSONValue]:
    values: list[JSONValue] = []
    for found in _FENCED.finditer(text):
        try:
            values.append(_whole(found[2]))
        except ValueError:
            continue
    return values


def _objects(text: str) -> list[JSONValue]:
    """The objects that stand in a text, those within others not counted."""
    values: list[JSONValue] = []
    place = text.find("{")
    for _ in range(_TRIES_LIMIT):
        if place < 0:
            break
        try:
            value, length = _decode(text[place:], whole=False)
            values.append(_checked(value))
            place = text.find("{", place + length)
        except ValueError:
            place = text.find("{", place + 1)
    return values


def _decode(text: str, *, whole: bool) -> tuple[Any, int]:
    """A JSON value, and its length.

    Raises:
        ValueError: There is none.
    """
    try:
        if whole:
            return _DECODER.decode(text), len(text)
        return _DECODER.raw_decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _checked(value: Any) -> JSONValue:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character, such as `\\ud83d`") from None
    checked: JSONValue = value
    return checked


def _read_integer(digits: str) -> int:
    if len(digits) > 20 or not _INT_MIN <= (number := int(digits)) <= _INT_MAX:
        raise ValueError("it holds a whole number of more than 64 bits")
    return number


def _read_float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("it holds a number that is too large")
    return number


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


_DECODER = json.JSONDecoder(
    parse_int=_read_integer, parse_float=_read_float, parse_constant=_refuse_constant
)
