"""What requests about prompts and about the graph hold."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["Decision", "GraphQuery"]


class Decision(Struct):
    """Whether a tool may be called."""

    approved: bool


class GraphQuery(Struct):
    """How to show the graph."""

    format: Literal["json", "text", "mermaid", "svg"] = "json"
