"""What stands in for an id that a file lacks: the same at every reading of the same bytes."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID, uuid5

__all__ = ["StandIns"]

_NAMESPACE = UUID("b8f1a9f4-52f3-4f0e-9a8e-5d1d3f5c7a10")


class StandIns:
    """The ids for what has none in a file.

    Were they drawn anew at each reading, the calls of a notebook that somebody wrote by hand
    could not be found again, and two runs of it would not give the same file.

    Args:
        data: The file's bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._digest: str | None = None

    def id_of(self, place: str) -> str:
        """A UUID.

        Args:
            place: What lacks it: ``cells[3]``; empty for the notebook.
        """
        if self._digest is None:
            self._digest = sha256(self._data).hexdigest()
        return str(uuid5(_NAMESPACE, f"{self._digest} {place}"))
