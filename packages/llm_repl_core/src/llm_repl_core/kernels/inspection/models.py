"""Classes of the state that say what form an answer has: pydantic's models and their like."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import typing
from typing import Any

from llm_repl_core.kernels.inspection.annotation_types import is_typed_dictionary
from llm_repl_core.kernels.inspection.held import hold, let_go
from llm_repl_core.kernels.values import exception_text

__all__ = ["make_answers", "model_schema", "place_answers"]

_MISFITS_SHOWN = 10


def model_schema(model: Any) -> dict[str, Any]:
    """The JSON Schema of a model.

    Returns:
        ``name`` and ``schema``; or ``problem``, the end of a sentence that began with the name.
    """
    try:
        reader = _model_reader(model)
        if isinstance(reader, str):
            return {"problem": reader}
        name = getattr(model, "__name__", "") or "answer"
        return {"name": str(name), "schema": reader.schema()}
    except Exception as error:  # noqa: BLE001  anybody's classes, anything may come out of them
        text = exception_text(error, 1000).partition("\n")[0].rstrip(".")
        return {"problem": f"has no JSON Schema: {type(error).__name__}: {text}"}


def make_answers(model: Any, texts: list[str | None]) -> dict[str, Any]:
    """Make instances of a model and hold them.

    Args:
        model: What `model_schema` gave a schema of.
        texts: JSON, one an instance; None gives None.

    Returns:
        ``word``, for `place_answers`; or ``misfit``, where the model does not take it and why.
    """
    try:
        reader = _model_reader(model)
        if isinstance(reader, str):
            return {"problem": reader}
        return {"word": hold([None if text is None else reader.read(text) for text in texts])}
    except Exception as error:  # noqa: BLE001  as above
        return {"misfit": _misfit_text(error)}


def place_answers(namespace: dict[str, Any], name: str, word: str, many: bool) -> bool:
    """Set a variable to what `make_answers` holds.

    Args:
        namespace: The state.
        name: The variable.
        word: What `make_answers` gave.
        many: Whether it becomes the list of all; else it becomes the only one.

    Returns:
        Whether they were still there.
    """
    answers = let_go(word)
    if answers is None:
        return False
    namespace[name] = answers if many else answers[0]
    return True


class _PydanticReader:
    """Reads by pydantic: its own models, dataclasses, and whatever else a ``TypeAdapter`` takes."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._is_model = hasattr(model, "model_json_schema")
        self._adapter: Any = None
        if not self._is_model:
            # Optional, and not of the environment that this package is in.
            self._adapter = importlib.import_module("pydantic").TypeAdapter(model)

    def schema(self) -> Any:
        if self._is_model:
            return self._model.model_json_schema()
        return self._adapter.json_schema()

    def read(self, text: str) -> Any:
        if self._is_model:
            return self._model.model_validate_json(text)
        return self._adapter.validate_json(text)


class _StructReader:
    """Reads structures of msgspec."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._json = importlib.import_module("msgspec.json")

    def schema(self) -> Any:
        return self._json.schema(self._model)

    def read(self, text: str) -> Any:
        return self._json.decode(text.encode(), type=self._model)


def _model_reader(model: Any) -> _PydanticReader | _StructReader | str:
    """What reads answers by a model; a text, the end of a sentence, where nothing does."""
    if isinstance(model, type) and callable(getattr(model, "model_json_schema", None)):
        return _PydanticReader(model)
    msgspec = sys.modules.get("msgspec")
    if msgspec is not None and isinstance(model, type) and issubclass(model, msgspec.Struct):
        return _StructReader(model)
    is_alias = typing.get_origin(model) is not None
    is_data = isinstance(model, type) and dataclasses.is_dataclass(model)
    if not (is_alias or is_data or is_typed_dictionary(model)):
        kind = "class" if isinstance(model, type) else type(model).__name__
        return (
            f"is a {kind}, and no model: it must be a pydantic model, a dataclass, a TypedDict "
            "or a msgspec Struct"
        )
    try:
        return _PydanticReader(model)
    except ModuleNotFoundError:
        return (
            "needs pydantic, which the kernel can't import: install it there, or write a JSON "
            "Schema or the short form `name, age int` instead"
        )


def _misfit_text(error: Exception) -> str:
    """What an exception of a model says, a line for each place."""
    try:
        details = error.errors()  # type: ignore[attr-defined]  # pydantic's, if it is one
        lines = [
            f"at `{'.'.join(map(str, detail['loc'])) or 'the whole'}`: {detail['msg']}"
            for detail in details[:_MISFITS_SHOWN]
        ]
        text = "; ".join(lines) + ("; …" if len(details) > _MISFITS_SHOWN else "")
    except Exception:  # noqa: BLE001  another kind of exception
        text = f"{type(error).__name__}: {exception_text(error, 2000)}"
    return text
