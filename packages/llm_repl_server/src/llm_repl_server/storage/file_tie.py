"""The tie between a notebook and the file that it lives in, and its row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from llm_repl_server.storage.columns import decode_text, decode_time, encode_text, encode_time
from llm_repl_server.storage.rows import Row

__all__ = ["FileTie", "tie_from_row", "tie_to_row"]


class FileTie(Struct, frozen=True, kw_only=True):
    """The file that a notebook lives in.

    Attributes:
        notebook_id: The notebook.
        path: The file, absolute, with every link followed.
        digest: Of the bytes that it had when it was last read or written.
        base: What they said, as `llm_repl_core.merging.bases` writes it.
        is_pending: Whether the notebook has more than was written.
        saved_at: When the file and the notebook were last the same.
    """

    notebook_id: str
    path: str
    digest: str
    base: str
    is_pending: bool
    saved_at: datetime


def tie_to_row(tie: FileTie) -> Row:
    """The row of a tie."""
    return {
        "notebook_id": encode_text(tie.notebook_id),
        "path": encode_text(tie.path),
        "digest": tie.digest,
        "base": encode_text(tie.base),
        "is_pending": tie.is_pending,
        "saved_at": encode_time(tie.saved_at),
    }


def tie_from_row(row: Mapping[str, Any]) -> FileTie:
    """The tie of a row."""
    return FileTie(
        notebook_id=decode_text(row["notebook_id"]),
        path=decode_text(row["path"]),
        digest=row["digest"],
        base=decode_text(row["base"]),
        is_pending=bool(row["is_pending"]),
        saved_at=decode_time(row["saved_at"]),
    )
