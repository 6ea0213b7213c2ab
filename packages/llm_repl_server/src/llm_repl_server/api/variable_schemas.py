"""What requests about variables and about code hold."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["CodePlace", "ValueQuery"]

# For JSON, 1.0 is as good an integer as 1.
_Number = Annotated[float, Meta(multiple_of=1, extra_json_schema={"format": "integer"})]


class ValueQuery(Struct, kw_only=True):
    """Which part of a value, and which page of it."""

    path: Annotated[
        str,
        Meta(
            pattern=r"^(?:/[\s\S]*)?$",
            max_length=1000,
            description="A part, as a JSON pointer: `/orders/0`. A step is a key, a field, a column or "
            "a position; `@3` is always a position. Entries say which `step` leads to them.",
        ),
    ] = ""
    page: Annotated[_Number, Meta(ge=0, le=10**9, description="From 0.")] = 0
    per_page: Annotated[
        _Number,
        Meta(ge=1, le=200, description="Rows or entries; of a text, always 10,000 characters."),
    ] = 50

    def steps(self) -> list[str]:
        """The path's steps."""
        steps = self.path.split("/")[1:]
        return [step.replace("~1", "/").replace("~0", "~") for step in steps]


class CodePlace(Struct, kw_only=True):
    """A place in the text of a code cell."""

    code: Annotated[str, Meta(max_length=1_000_000, description="The cell's text, saved or not.")]
    cursor: Annotated[
        _Number, Meta(ge=0, le=10**7, description="The place, in characters (Unicode code points).")
    ]
