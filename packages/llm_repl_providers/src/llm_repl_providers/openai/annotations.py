"""Annotations of a text, which say where something in it is from."""

from __future__ import annotations

from typing import Any

from llm_repl_core.providers.parts import Citation
from llm_repl_providers.openai.lenient_json import join_surrogates

__all__ = ["read_annotation"]


def read_annotation(annotation: Any, offset: int = 0) -> Citation | None:
    """Read one, in the form of either API; None: it names no source.

    Args:
        annotation: As it came in JSON.
        offset: Where in the whole answer's text the text begins that it counts in.
    """
    if not isinstance(annotation, dict):
        return None
    # Chat completions have the fields one level deeper than Responses.
    inner = annotation.get(str(annotation.get("type")))
    fields = inner if isinstance(inner, dict) else annotation
    citation = Citation(
        start=_position(fields, ("start_index", "index"), offset),
        end=_position(fields, ("end_index", "index"), offset),
        url=_text(fields, "url"),
        title=_text(fields, "title") or _text(fields, "filename"),
        source=_text(fields, "file_id"),
        quote=_text(fields, "content"),
    )
    return citation if citation.url or citation.title or citation.source else None


def _position(fields: dict[str, Any], names: tuple[str, ...], offset: int) -> int | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return offset + value
    return None


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return join_surrogates(value) if isinstance(value, str) else ""
