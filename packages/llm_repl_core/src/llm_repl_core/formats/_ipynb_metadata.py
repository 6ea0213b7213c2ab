"""Metadata of a Jupyter notebook and of its cells.

LLM-REPL's own part stands under ``llm_repl``. Keys that nbformat itself gives a shape to are
written in their place only where they have that shape; otherwise they are kept in the own part,
as ``shadowed_metadata``, so that every file is valid and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from llm_repl_core.formats._fields import Fields
from llm_repl_core.model.json_value import JSONValue

__all__ = [
    "CELL_SHAPES",
    "NOTEBOOK_SHAPES",
    "merge_own",
    "put_back",
    "take_own",
    "well_shaped",
]

_OWN = "llm_repl"
_SHADOWED = "shadowed_metadata"

_Text: TypeAlias = str | UnsetType


class _Kernelspec(Struct):
    name: str
    display_name: str


class _LanguageInfo(Struct):
    name: str
    codemirror_mode: str | dict[str, Any] | UnsetType = UNSET
    file_extension: _Text = UNSET
    mimetype: _Text = UNSET
    pygments_lexer: _Text = UNSET


_TAGS = list[Annotated[str, Meta(pattern=r"\A[^,]+\Z")]]

NOTEBOOK_SHAPES: dict[str, Any] = {
    "authors": list[Any],
    "kernelspec": _Kernelspec,
    "language_info": _LanguageInfo,
    "orig_nbformat": Annotated[int, Meta(ge=1)],
    "title": str,
}
"""What nbformat 4.5 wants of a notebook's metadata."""

CELL_SHAPES: dict[str, Any] = {
    "collapsed": bool,
    "execution": dict[str, str],
    "format": str,
    "jupyter": dict[str, Any],
    "name": Annotated[str, Meta(pattern=r"\A.+\Z")],
    "scrolled": bool | Literal["auto"],
    "tags": _TAGS,
}
"""What nbformat 4.5 wants of a cell's metadata, of whatever type the cell is."""


def take_own(fields: Fields) -> tuple[dict[str, JSONValue], Fields]:
    """Take the metadata of a notebook or a cell apart.

    Args:
        fields: The notebook or cell.

    Returns:
        The metadata of others, and LLM-REPL's own part. Once the own part has been read,
        `put_back` gives what is left of it to the others.

    Raises:
        InvalidNotebook: The metadata is not an object.
    """
    metadata = dict(fields.object("metadata"))
    own: Any = {}
    if isinstance(metadata.get(_OWN), dict):
        own = metadata.pop(_OWN)
    return metadata, Fields(own, fields.path(f"metadata.{_OWN}"))


def put_back(metadata: dict[str, JSONValue], own: Fields) -> dict[str, JSONValue]:
    """The metadata of others, with what the own part kept for them and what is unknown in it."""
    shadowed = own.object(_SHADOWED)
    unknown = {_OWN: own.rest} if own.rest else {}
    return {**metadata, **unknown, **shadowed}


def merge_own(
    metadata: Mapping[str, JSONValue],
    own: Mapping[str, JSONValue],
    *,
    shapes: Mapping[str, Any],
    reserved: Iterable[str],
    hidden: Iterable[str] = (),
) -> dict[str, JSONValue]:
    """Metadata as it is written, from which `take_own` and `put_back` make the same again.

    Args:
        metadata: The metadata of others.
        own: LLM-REPL's own part.
        shapes: What nbformat wants of certain keys.
        reserved: The keys that the own part may have.
        hidden: Keys that must not be written in their place.
    """
    visible = {
        key: value for key, value in well_shaped(metadata, shapes).items() if key not in set(hidden)
    }
    shadowed = {key: metadata[key] for key in metadata if key not in visible}
    others = visible.pop(_OWN, None)
    if not isinstance(others, dict) or not others or others.keys() & {_SHADOWED, *reserved}:
        # Somebody else's, or a newer version's with another meaning.
        if _OWN in metadata:
            shadowed[_OWN] = others
        others = {}
    written = {**others, **own, **({_SHADOWED: shadowed} if shadowed else {})}
    return {**visible, _OWN: written} if written else visible


def well_shaped(
    metadata: Mapping[str, JSONValue], shapes: Mapping[str, Any]
) -> dict[str, JSONValue]:
    """The metadata that may stand in its place: without what nbformat wants otherwise."""
    return {
        key: value
        for key, value in metadata.items()
        if key not in shapes or _fits(value, shapes[key])
    }


def _fits(value: JSONValue, shape: Any) -> bool:
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError:
        return False
    # What a shape cannot say: `tags` must differ.
    return shape != _TAGS or not isinstance(value, list) or len(set(map(str, value))) == len(value)
