"""How much a model is to think before it answers."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["ReasoningEffort"]

ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high"]
"""``none``: not at all, where the model can do without."""
