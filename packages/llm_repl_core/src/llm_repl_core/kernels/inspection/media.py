"""Pictures and files that are objects of the state, as bytes."""

from __future__ import annotations

import base64
import binascii
import io
import os
from typing import Any

from llm_repl_core.kernels.inspection.held import held, hold

__all__ = ["media_of", "media_piece"]

_PICTURE_METHODS = {"_repr_png_": "image/png", "_repr_jpeg_": "image/jpeg"}


def media_of(value: object, limit_bytes: int) -> dict[str, Any]:
    """Make bytes of an object and hold them.

    Args:
        value: An object of the state.
        limit_bytes: What it may have at most; more is not held.

    Returns:
        ``path`` of a file; or ``word``, ``size`` in bytes and ``media_type`` (None: to be seen from
        the bytes) of what `media_piece` gives; or ``type_name`` of an object that is neither.

    Raises:
        Exception: What the object's own methods raise.
    """
    if isinstance(value, os.PathLike):
        # As the code would open it: from the folder that the code runs in.
        return {"path": os.path.abspath(os.fsdecode(value))}  # noqa: PTH100  links stay
    found = _media_bytes(value)
    if found is None:
        return {"type_name": type(value).__name__}
    data, media_type = found
    word = hold(data) if len(data) <= limit_bytes else ""
    return {"word": word, "size": len(data), "media_type": media_type}


def media_piece(word: str, start: int, length: int) -> str:
    """Some of the bytes, in base64.

    Args:
        word: What `media_of` gave.
        start: The first byte, from 0.
        length: How many.
    """
    return base64.b64encode(held(word)[start : start + length]).decode("ascii")


def _media_bytes(value: Any) -> tuple[bytes, str | None] | None:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), None
    if _is_of(value, "PIL", "Image"):
        return _png_of_image(value), "image/png"
    if _is_of(value, "matplotlib", "Figure"):
        buffer = io.BytesIO()
        value.savefig(buffer, format="png")
        return buffer.getvalue(), "image/png"
    for method, media_type in _PICTURE_METHODS.items():
        # Looked up on the class: an object that answers to every attribute does not mean it.
        if callable(getattr(type(value), method, None)):
            data = _picture_bytes(getattr(value, method)())
            if data is not None:
                return data, media_type
    if _is_of(value, "pandas", "DataFrame") or _is_of(value, "pandas", "Series"):
        return value.to_csv().encode("utf-8", "backslashreplace"), "text/csv"
    if _is_of(value, "polars", "DataFrame"):
        return value.write_csv().encode("utf-8", "backslashreplace"), "text/csv"
    return None


def _is_of(value: object, package: str, name: str) -> bool:
    """Whether the class, or one that it inherits from, is that one; nothing is imported for it."""
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == package
        for kind in type(value).__mro__
    )


def _png_of_image(image: Any) -> bytes:
    # PNG does not have every mode of colours.
    fits = image.mode in ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")
    buffer = io.BytesIO()
    (image if fits else image.convert("RGB")).save(buffer, format="PNG")
    return buffer.getvalue()


def _picture_bytes(form: Any) -> bytes | None:
    """What a ``_repr_…_`` method gave: bytes or base64, perhaps with metadata."""
    if isinstance(form, tuple) and form:
        form = form[0]
    if isinstance(form, str):
        try:
            return base64.b64decode(form, validate=False)
        except (binascii.Error, ValueError):
            return None
    return bytes(form) if isinstance(form, (bytes, bytearray, memoryview)) else None
