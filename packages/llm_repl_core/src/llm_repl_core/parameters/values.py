"""Values of parameters: read from a command line or a file, and written as Python source."""

from __future__ import annotations

import ast
import datetime
import math
from collections.abc import Callable
from typing import Any

from llm_repl_core.config_text import DoubledName, read_json, read_yaml
from llm_repl_core.errors import InvalidInput
from llm_repl_core.parameters.declared import Parameter

__all__ = ["fit_value", "read_text", "source_of"]

_WORDS: dict[str, bool] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_CONSTANTS: dict[str, Any] = {"True": True, "False": False, "None": None}
_NONE = ("None", "null")
_TRUTH = ("True", "False", "true", "false")

_WANTED: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: 'a list, as ["a", "b"]',
    tuple: 'a list, as ["a", "b"]',
    set: 'a list, as ["a", "b"]',
    dict: 'an object, as {"a": 1}',
}

_DEEPEST = 100


def read_text(text: str, parameter: Parameter) -> Any:
    """The value that somebody typed for a parameter.

    Args:
        text: What was typed. For a parameter of no known type, JSON is taken as such, and so are
            Python's ``True``, ``False`` and ``None``.
        parameter: Which says its type.

    Raises:
        InvalidInput: It is none of that type.
    """
    kind = parameter.kind
    if parameter.optional and text in _NONE:
        return None
    if kind is None:
        try:
            return _untyped(text)
        except DoubledName as error:
            raise _doubled(parameter, error) from None
    if kind is str:
        if text in _TRUTH or text in _NONE:
            raise InvalidInput(
                f"The parameter `{parameter.name}` takes text{_as_in(parameter)}, and {text} reads "
                f"as something else: as text, give it by -r {parameter.name}={text}."
            )
        given = _untyped(text) if text.startswith('"') else None
        return given if isinstance(given, str) else text
    try:
        return _READERS[kind](text)
    except DoubledName as error:
        raise _doubled(parameter, error) from None
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise _misfit(parameter, repr(text) if text else "nothing") from None


def fit_value(value: Any, parameter: Parameter) -> Any:
    """A value that has a type already, as a parameter takes it.

    Raises:
        InvalidInput: It is of another type, or of none that Python source can write.
    """
    value = _plain(value, parameter.name, 0)
    kind = parameter.kind
    if kind is None or (value is None and parameter.optional):
        return value
    if kind is float and type(value) is int:
        return float(value)
    if kind in (tuple, set) and isinstance(value, list):
        try:
            return kind(value)
        except TypeError:  # lists within a set
            raise _misfit(parameter, repr(value)[:40]) from None
    if type(value) is not kind:
        raise _misfit(parameter, repr(value)[:40])
    return value


def source_of(value: Any) -> str:
    """The Python expression that gives a value."""
    match value:
        case float() if not math.isfinite(value):
            return f'float("{value}")'
        case list():
            return f"[{_sources(value)}]"
        case tuple():
            return f"({_sources(value)},)" if len(value) == 1 else f"({_sources(value)})"
        case set():
            return f"{{{_sources(sorted(value, key=repr))}}}" if value else "set()"
        case dict():
            pairs = (f"{source_of(key)}: {source_of(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
    return repr(value)


def _sources(values: list[Any] | tuple[Any, ...]) -> str:
    return ", ".join(map(source_of, values))


def _untyped(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    try:
        return read_json(text)
    except DoubledName:
        raise
    except ValueError:
        return text


def _structure(text: str) -> Any:
    """JSON, Python or YAML, whichever it is: `["a"]`, `['a']`, `[a]`."""
    for read in (read_json, _read_python):
        try:
            return read(text)
        except DoubledName:
            raise
        except (ValueError, SyntaxError):
            pass
    return read_yaml(text)


def _read_python(text: str) -> Any:
    tree = ast.parse(text.lstrip(" \t"), mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            names: set[str] = set()
            for name in map(ast.unparse, filter(None, node.keys)):
                if name in names:
                    raise DoubledName(name)
                names.add(name)
    return ast.literal_eval(tree)


def _sequence(text: str) -> Any:
    found = _structure(text)
    if not isinstance(found, list | tuple | set):
        raise TypeError
    return [_plain(item, "", 0) for item in found]


def _object(text: str) -> Any:
    found = _structure(text)
    if not isinstance(found, dict):
        raise TypeError
    return _plain(found, "", 0)


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _WORDS:
        raise ValueError(text)
    return _WORDS[word]


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number) and "inf" not in text.lower():
        raise ValueError(text)
    return number


_READERS: dict[type, Callable[[str], Any]] = {
    bool: _truth,
    int: int,
    float: _number,
    list: _sequence,
    tuple: lambda text: tuple(_sequence(text)),
    set: lambda text: set(_sequence(text)),
    dict: _object,
}


def _plain(value: Any, name: str, depth: int) -> Any:
    """A value that Python source can write: a date of a YAML file becomes its text."""
    if depth > _DEEPEST:
        raise InvalidInput(f"The parameter `{name}` is too deeply nested.")
    if value is None or type(value) is bool:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return value if type(value) is kind else _of_base(value, kind)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list | tuple | set):
        return [_plain(item, name, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_plain_key(key, name): _plain(item, name, depth + 1) for key, item in value.items()}
    raise InvalidInput(
        f"The parameter `{name}` is a {type(value).__name__}: give text, a number, true, false, "
        "null, or a list or an object of these."
    )


def _of_base(value: Any, kind: type) -> Any:
    """What a text or a number of another library is as one of Python's own."""
    return str.__str__(value) if kind is str else kind(value)


def _plain_key(key: Any, name: str) -> Any:
    if isinstance(key, list | tuple | set | frozenset | dict):
        raise InvalidInput(
            f"An object in the parameter `{name}` has a {type(key).__name__} as a key: give text "
            "or a number there."
        )
    return _plain(key, name, 0)


def _doubled(parameter: Parameter, error: DoubledName) -> InvalidInput:
    return InvalidInput(f"The value of the parameter `{parameter.name}` {error}.")


def _misfit(parameter: Parameter, given: str) -> InvalidInput:
    assert parameter.kind is not None
    wanted = _WANTED[parameter.kind]
    return InvalidInput(
        f"The parameter `{parameter.name}` takes {wanted}{_as_in(parameter)}, and got {given}."
    )


def _as_in(parameter: Parameter) -> str:
    return f" (the notebook's own is {parameter.default})" if parameter.default else ""
