"""The values that JSON can hold, by the name that annotations use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

__all__ = ["JSONValue"]

if TYPE_CHECKING:
    JSONValue: TypeAlias = (
        bool | int | float | str | list["JSONValue"] | dict[str, "JSONValue"] | None
    )
else:
    JSONValue = Any  # msgspec cannot resolve an alias that names itself
