"""What clients are told of a notebook's kernel."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["KernelWord", "NotebookKernel"]

KernelWord = Literal["none", "idle", "busy", "ended"]


class NotebookKernel(Struct, frozen=True, kw_only=True):
    """The kernel of a notebook."""

    state: Annotated[
        KernelWord,
        Meta(
            description="`none`: the server has started none yet; a run does. `ended`: its variables "
            "are gone; the next run starts another."
        ),
    ]
    language: Annotated[str | None, Meta(description="In lower case: `python`.")]
    version: Annotated[
        str | None, Meta(description="That of the language; null where it is not known yet.")
    ]
