"""Finds the one JSON value in what a model answered."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, NoReturn

from llm_repl_core.errors import AnswerMisfit
from llm_repl_core.kernels.values import INT64_MAX, INT64_MIN
from llm_repl_core.model.json_value import JSONValue

__all__ = ["read_answer_json"]

_OPENING = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*(?:json\w*)?[ \t]*", re.IGNORECASE)
_TRIES_LIMIT = 100
"""In how many places of a text an object may be looked for."""
_READ_LIMIT = 4
"""How often a text may be read in all, as each try may read to its end."""


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
    try:
        return _checked(_DECODER.decode(text.strip()))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _fenced_values(text: str) -> list[JSONValue]:
    values: list[JSONValue] = []
    for inside in _fenced(text):
        try:
            values.append(_whole(inside))
        except ValueError:
            continue
    return values


def _fenced(text: str) -> Iterator[str]:
    """What stands between a line that opens a fence and the next one that closes it.

    Each line is looked at once: a regular expression would look for the end of each fence anew.
    """
    lines = text.split("\n")
    bare: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        fence = line.strip(" \t")
        if fence[:1] in ("`", "~") and fence == fence[0] * len(fence):
            bare.setdefault(fence, []).append(number)
    done = 0
    for number, line in enumerate(lines):
        if number < done or (opening := _OPENING.fullmatch(line)) is None:
            continue
        closing = bare.get(opening[1], [])
        at = bisect_left(closing, number + 2)
        if at < len(closing):
            yield "\n".join(lines[number + 1 : closing[at]])
            done = closing[at] + 1


def _objects(text: str) -> list[JSONValue]:
    """The objects that stand in a text, those within others not counted."""
    values: list[JSONValue] = []
    left = _READ_LIMIT * len(text)
    start = text.find("{")
    for _ in range(_TRIES_LIMIT):
        if start < 0 or left < 0:
            break
        read_to, end = len(text), start + 1
        try:
            value, read_to = _DECODER.raw_decode(text, start)
            values.append(_checked(value))
            end = read_to
        except json.JSONDecodeError as error:
            read_to = error.pos
        except (ValueError, RecursionError):
            pass  # an object further in may do
        left -= read_to - start
        start = text.find("{", end)
    return values


def _checked(value: Any) -> JSONValue:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character, such as `\\ud83d`") from None
    checked: JSONValue = value
    return checked


def _read_integer(digits: str) -> int:
    if len(digits) > 20 or not INT64_MIN <= (number := int(digits)) <= INT64_MAX:
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
