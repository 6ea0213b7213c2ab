"""Functions of the state that a model may ask to have called: what they take, and calling them."""

from __future__ import annotations

import functools
import inspect
import json
import traceback
import typing
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from llm_repl_core.kernels.inserted import inserted_text
from llm_repl_core.kernels.inspection.annotation_types import json_value_of
from llm_repl_core.kernels.inspection.arguments import Unfit, to_annotation
from llm_repl_core.kernels.inspection.docstrings import read_docstring
from llm_repl_core.kernels.inspection.held import held, hold, let_go
from llm_repl_core.kernels.inspection.parameters import SchemaWriter
from llm_repl_core.kernels.shortening import shortened
from llm_repl_core.kernels.user_frames import keep_user_frames, with_cell_names
from llm_repl_core.kernels.values import NotJSONValue, clean_text, exception_text, json_form

__all__ = [
    "await_call",
    "callable_names",
    "describe_functions",
    "prepare_call",
    "run_call",
    "take_result",
]

_RESULT_LIMIT_BYTES = 10_000_000
_EVALUE_LIMIT_BYTES = 4000
_TRACEBACK_LIMIT = 20_000  # characters


# What there is -------------------------------------------------------------------------------


def callable_names(namespace: Mapping[str, Any], names: list[str]) -> list[str]:
    """Those of the names that stand for functions or the like."""
    return [name for name in names if callable(namespace.get(name))]


def describe_functions(namespace: Mapping[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """What each of the functions takes.

    Args:
        namespace: The state.
        names: The variables.

    Returns:
        For each ``description`` and ``parameters``, a JSON Schema; or ``problem``, the end of a
        sentence that began with the name; it is empty where there is no such variable.
    """
    return [_describe_function(namespace, name) for name in names]


def _describe_function(namespace: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in namespace:
        return {"problem": ""}
    function = namespace[name]
    if not callable(function):
        kind = "module" if isinstance(function, ModuleType) else type(function).__name__
        return {"problem": f"is a {kind}, and no function"}
    writer = SchemaWriter()
    try:
        parameters = _parameters_of(function)
        description, said = read_docstring(inspect.getdoc(_called_part(function)) or "")
        properties = {
            argument: _property_of(parameter, said.get(argument), writer)
            for argument, parameter in parameters.items()
        }
    except Unfit as unfit:
        return {"problem": str(unfit)}
    except Exception as error:  # noqa: BLE001  anybody's objects, anything may come out of them
        return {"problem": f"cannot be described: {type(error).__name__}: {exception_text(error)}"}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [
            argument
            for argument, parameter in parameters.items()
            if parameter.default is parameter.empty
        ],
        "additionalProperties": False,
    }
    if writer.definitions:
        schema["$defs"] = writer.definitions
    return {"description": clean_text(description), "parameters": schema}


def _property_of(
    parameter: inspect.Parameter, said: str | None, writer: SchemaWriter
) -> dict[str, Any]:
    schema = writer.schema_of(parameter.annotation)
    if said:
        schema = {"description": clean_text(said)} | schema
    if parameter.default is not parameter.empty:
        is_json, default = json_value_of(parameter.default)
        if is_json:
            schema = {**schema, "default": default}
    return schema


def _parameters_of(function: Any) -> dict[str, inspect.Parameter]:
    """The parameters with their annotations evaluated; one without has ``Any``.

    Raises:
        Unfit: A model cannot fill them.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise Unfit("does not say what it takes: write a function of your own around it") from None
    try:
        called = inspect.unwrap(_called_part(function))
        hints = typing.get_type_hints(
            vars(called).get("__init__", called) if isinstance(called, type) else called,
            include_extras=True,
        )
    except Exception:  # noqa: BLE001  an annotation that cannot be evaluated
        hints = {}
    parameters: dict[str, inspect.Parameter] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise Unfit(
                f"takes `{parameter}`, and a model has to know the name of each argument: "
                "write them out"
            )
        annotation = hints.get(name, parameter.annotation)
        if annotation is parameter.empty or isinstance(annotation, str):
            annotation = Any
        parameters[name] = parameter.replace(annotation=annotation)
    return parameters


def _called_part(thing: Any) -> Any:
    """Where annotations and docstring are: the thing itself, unless it only stands for another."""
    if isinstance(thing, functools.partial):
        return _called_part(thing.func)
    return thing if inspect.isroutine(thing) or isinstance(thing, type) else type(thing).__call__


# Calling -------------------------------------------------------------------------------------


def prepare_call(
    namespace: Mapping[str, Any], name: str, arguments: str, limit: int
) -> dict[str, Any]:
    """Look at what a model wants called, and hold it ready.

    Args:
        namespace: The state.
        name: The function's variable.
        arguments: JSON of an object.
        limit: How many characters of the result the model is told.

    Returns:
        ``word``, for `run_call`, and ``awaits``, whether `await_call` is to be awaited instead; or
        ``problem``, a sentence for the model.
    """
    function = namespace.get(name)
    if not callable(function):
        return {"problem": f"There is no function `{name}`."}
    parameters: dict[str, inspect.Parameter] = {}
    try:
        parameters = _parameters_of(function)
        call = _bound(function, parameters, json.loads(arguments), limit)
    except Unfit as unfit:
        takes = ", ".join(map(_shown_parameter, parameters.values())) or "nothing"
        return {"problem": f"`{name}` was not called: {unfit}. It takes: {takes}."}
    except Exception as error:  # noqa: BLE001  anybody's classes are made of the arguments
        text = exception_text(error, _EVALUE_LIMIT_BYTES).rstrip(".")
        return {"problem": f"`{name}` was not called: {type(error).__name__}: {text}."}
    awaits = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  the method itself is looked at
    )
    return {"word": hold(call), "awaits": awaits}


class _Call:
    """A call that is held ready, and what became of it."""

    def __init__(
        self, function: Any, positional: list[Any], named: dict[str, Any], limit: int
    ) -> None:
        self.function = function
        self.positional = positional
        self.named = named
        self.limit = limit
        self.awaitable: Any = None
        self.result: dict[str, Any] = {"state": "stopped"}

    def begin(self) -> Any:
        return self.function(*self.positional, **self.named)

    def end(self, value: Any) -> None:
        text, notice = _result_text(value, self.limit)
        self.result = {"state": "returned", "text": text, "notice": notice}

    def fail(self, error: BaseException) -> None:
        keep_user_frames(error)
        self.result = {
            "state": "raised",
            "ename": type(error).__name__,
            "evalue": exception_text(error, _EVALUE_LIMIT_BYTES),
            "traceback": shortened(_traceback_text(error), _TRACEBACK_LIMIT),
        }


def run_call(word: str) -> None:
    """Call a function that `prepare_call` holds ready; never raises what the function raises.

    Raises:
        KeyboardInterrupt: It was interrupted.
    """
    call = held(word)
    try:
        value = call.begin()
        if inspect.isawaitable(value):
            call.awaitable = value
            call.result = {"state": "awaitable"}
        else:
            call.end(value)
    except (Exception, SystemExit) as error:  # noqa: BLE001  user code, anything may come out of it
        call.fail(error)


async def await_call(word: str) -> None:
    """As `run_call`, for a function that is to be awaited, or of which `run_call` was not the end."""
    call = held(word)
    try:
        value = call.begin() if call.awaitable is None else call.awaitable
        call.end(await value if inspect.isawaitable(value) else value)
    except (Exception, SystemExit) as error:  # noqa: BLE001  as above
        call.fail(error)


def take_result(word: str) -> dict[str, Any]:
    """What became of a call.

    Args:
        word: What `prepare_call` gave.

    Returns:
        ``state``: ``returned`` with ``text`` and, where that is not the whole result, ``notice``,
        the end of a sentence; ``raised`` with ``ename``, ``evalue`` and
        ``traceback``; ``awaitable``, where `await_call` is to follow; ``stopped``, where it was
        interrupted.
    """
    call = held(word)
    if call.result["state"] != "awaitable":
        let_go(word)
    return {
        key: clean_text(value) if isinstance(value, str) else value
        for key, value in call.result.items()
    }


def _bound(
    function: Any, parameters: Mapping[str, inspect.Parameter], arguments: Any, limit: int
) -> _Call:
    if not isinstance(arguments, dict):
        raise Unfit("the arguments must be an object")
    for name in arguments:
        if name not in parameters:
            raise Unfit(f"there is no argument `{name}`")
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if name in arguments:
            value = to_annotation(arguments[name], parameter.annotation, f"`{name}`")
        elif parameter.default is parameter.empty:
            raise Unfit(f"`{name}` is missing")
        else:
            value = parameter.default
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        elif name in arguments:
            named[name] = value
    return _Call(function, positional, named, limit)


def _shown_parameter(parameter: inspect.Parameter) -> str:
    annotation = inspect.formatannotation(parameter.annotation)
    default = ""
    if parameter.default is not parameter.empty:
        try:
            default = f" = {parameter.default!r}"
        except Exception:  # noqa: BLE001  anybody's object
            default = " = …"
    return f"{parameter.name}: {annotation}{default}"


def _result_text(value: Any, limit: int) -> tuple[str, str]:
    """What the model is told: a text as it is, else JSON, else what ``repr`` gives."""
    try:
        text = (
            value
            if isinstance(value, str)
            else json.dumps(json_form(value, _RESULT_LIMIT_BYTES), ensure_ascii=False)
        )
    except (NotJSONValue, RecursionError):
        return inserted_text(value, limit, "result", "r")
    if len(text) <= limit:
        return text, ""
    return shortened(text, limit), (
        f"has {len(text):,} characters, and its middle is left out, as it may have {limit:,}: "
        "have the function give less"
    )


def _traceback_text(error: BaseException) -> str:
    try:
        return with_cell_names("".join(traceback.format_exception(error)).rstrip("\n"))
    except Exception:  # noqa: BLE001  an exception whose own methods raise
        return f"{type(error).__name__}: {exception_text(error)}"
