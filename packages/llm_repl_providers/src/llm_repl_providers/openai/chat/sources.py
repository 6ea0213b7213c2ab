"""Where an answer is from, and what a server's own tools did for it, in the forms of many servers."""

from __future__ import annotations

import json
from typing import Any

from llm_repl_core.providers.parts import Citation, ServerToolCall
from llm_repl_providers.openai.annotations import read_annotation
from llm_repl_providers.openai.lenient_json import join_surrogates

__all__ = ["Sources", "read_executed_tools"]


class Sources:
    """Collects citations; servers repeat them, some in each chunk."""

    def __init__(self) -> None:
        self._citations: dict[tuple[Any, ...], Citation] = {}

    def add_annotations(self, annotations: Any) -> None:
        """Take annotations of the content in."""
        for annotation in annotations if isinstance(annotations, list) else ():
            self._add(read_annotation(annotation))

    def add_document(self, document: dict[str, Any]) -> None:
        """Take in what stands beside the choices: results of a search, and addresses alone."""
        if "search_results" not in document and "citations" not in document:
            return
        for entry in _list(document.get("search_results")):
            if isinstance(entry, dict) and isinstance(url := entry.get("url"), str):
                title = entry.get("title")
                title = join_surrogates(title) if isinstance(title, str) else ""
                self._add(Citation(url=join_surrogates(url), title=title))
        known = {citation.url for citation in self._citations.values()}
        for url in _list(document.get("citations")):
            if isinstance(url, str) and url and url not in known:
                self._add(Citation(url=join_surrogates(url)))

    def citations(self) -> tuple[Citation, ...]:
        """Each once, in the order in which they came."""
        return tuple(self._citations.values())

    def _add(self, citation: Citation | None) -> None:
        if citation is not None:
            key = (citation.start, citation.end, citation.url, citation.title, citation.source)
            self._citations.setdefault(key, citation)


def read_executed_tools(value: Any) -> tuple[ServerToolCall, ...]:
    """The tools that the server ran by itself, as Groq names them."""
    return tuple(
        ServerToolCall(
            id=str(entry.get("index", number)),
            name=str(entry.get("type") or entry.get("name") or "tool"),
            arguments=_text(entry.get("arguments")) or "{}",
            result=_text(entry.get("output")),
        )
        for number, entry in enumerate(_list(value))
        if isinstance(entry, dict)
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return join_surrogates(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
