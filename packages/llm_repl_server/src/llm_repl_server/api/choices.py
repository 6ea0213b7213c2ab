"""What texts of requests may say, as far as the installed plugins decide it."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

__all__ = ["Choices"]


class Choices(Struct, frozen=True):
    """What texts may say, as far as the installed plugins decide it.

    Attributes:
        cell_types: The words for types of cells, in both spellings.
        formats: The endings of files, without the dot.
        readable_formats: Those of files that notebooks are read from.
        media_types: Those of the files.
    """

    cell_types: tuple[str, ...]
    formats: tuple[str, ...]
    readable_formats: tuple[str, ...]
    media_types: tuple[str, ...] = ()

    def keywords(self, kind: str) -> dict[str, Any]:
        """The keywords of JSON Schema for a kind of text, as `CHOICES_KEY` names it."""
        match kind:
            case "cell_types":
                return {"enum": list(self.cell_types)}
            case "formats":
                return {"enum": list(self.formats)}
            case "files" | "new_files":
                possible = self.formats if kind == "new_files" else self.readable_formats
                endings = "|".join(map(re.escape, possible))
                empty = "^$|" if kind == "new_files" else ""
                return {"pattern": rf"{empty}^[^\x00]*[^./\x00][^/\x00]*\.({endings})$"}
        raise ValueError(f"There are no choices of {kind}.")
