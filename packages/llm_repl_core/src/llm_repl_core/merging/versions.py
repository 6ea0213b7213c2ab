"""The three versions of something that a merge has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

__all__ = ["Sides", "Versions"]

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Versions(NamedTuple, Generic[T_co]):
    """Something before it was changed, and as two have changed it."""

    base: T_co
    ours: T_co
    theirs: T_co

    def map(self, function: Callable[[T_co], R]) -> Versions[R]:
        """What the function makes of each."""
        return Versions(function(self.base), function(self.ours), function(self.theirs))


class Sides(Struct, frozen=True):
    """What the two changed versions are called.

    Attributes:
        ours: The one that is merged into.
        theirs: The one that is merged.
    """

    ours: str = "ours"
    theirs: str = "theirs"
