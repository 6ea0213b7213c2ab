"""Which versions of Jupyter's format are read, and how the older ones become what is read."""

from __future__ import annotations

import json
from typing import Any

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats._fields import Fields
from llm_repl_core.short_text import cut_short

__all__ = ["MAJOR", "MINOR", "as_version_4"]

MAJOR, MINOR = 4, 5


def as_version_4(document: dict[str, Any]) -> dict[str, Any]:
    """A notebook of nbformat 4, as it is or converted by nbformat from an older one.

    Args:
        document: The file's object.

    Raises:
        InvalidNotebook: It is of no version that can be read, or lacks what its version must have.
    """
    fields = Fields(document, "")
    major, minor = fields.count("nbformat"), fields.count("nbformat_minor")
    if major is None:
        raise fields.wrong("nbformat", "the number 4", None)
    if major > MAJOR:
        raise InvalidNotebook(
            f"This .ipynb file is of nbformat {major}, which is newer than nbformat 4, the newest "
            "one that can be read."
        )
    if minor is not None and minor < 0:
        raise InvalidNotebook("`nbformat_minor` must not be below 0.")
    if major < MAJOR:
        document = _converted(document, major)
    if "worksheets" in document and "cells" not in document:
        raise InvalidNotebook(
            "This .ipynb file says that it is of nbformat 4, and has `worksheets` as nbformat 3 "
            "did: write 3 as its `nbformat`, and 0 as its `nbformat_minor`."
        )
    if not isinstance(document.get("cells"), list):
        raise Fields(document, "").wrong("cells", "a list", document.get("cells"))
    return document


def _converted(document: dict[str, Any], major: int) -> dict[str, Any]:
    if major < 1:
        raise InvalidNotebook(f"This .ipynb file is of nbformat {major}, which does not exist.")
    try:
        # Heavy, an optional extra, and seldom needed: these files are from before 2015.
        import nbformat.reader
    except ImportError:
        raise InvalidNotebook(
            f"This .ipynb file is of nbformat {major}, which is read with nbformat: "
            "pip install 'llm-repl-core[jupyter]', or open the file in Jupyter and save it once."
        ) from None
    try:
        read: Any = nbformat.reader.reads  # which are not typed
        convert: Any = nbformat.convert
        # Read again, since each version has its own lists of lines to be joined.
        old = read(json.dumps({"nbformat_minor": 0, **document}))
        converted: dict[str, Any] = convert(old, MAJOR)
    except Exception as error:  # noqa: BLE001  a damaged file may make it raise anything
        reason = cut_short(" ".join(f"{type(error).__name__}: {error}".split()), 200)
        raise InvalidNotebook(
            f"This .ipynb file is of nbformat {major}, and nbformat cannot convert it ({reason})."
        ) from None
    for cell in converted.get("cells", []):
        cell.pop("id", None)  # drawn anew at each conversion
    return converted
