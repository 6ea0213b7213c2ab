"""MIME bundles: what an object shows of itself, as JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from llm_repl_core.kernels.shortening import SHORT_CHARACTERS, shortened
from llm_repl_core.kernels.values import NotJSONValue, clean_text, cut_text, json_form, value_text

__all__ = ["clean_bundle", "mime_bundle"]

_METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "application/pdf": "_repr_pdf_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
}


def clean_bundle(data: Mapping[str, Any], limit_bytes: int) -> tuple[dict[str, Any], int]:
    """A bundle that is JSON: bytes in base64, text that UTF-8 can hold.

    Args:
        data: MIME type to value, as user code gave it.
        limit_bytes: About how large one value may be; a larger one is left out.

    Returns:
        The bundle, and about how many bytes it takes.
    """
    bundle: dict[str, Any] = {}
    size = 0
    for key, value in data.items():
        name = cut_text(str(key), 1000)[0]
        if isinstance(value, (bytes, bytearray, memoryview)):
            form: Any = base64.b64encode(value).decode("ascii")
            size += len(form)
        elif isinstance(value, str):
            form = clean_text(value)
            size += len(form) if form.isascii() else len(form.encode("utf-8"))
        else:
            try:
                form = json_form(value, limit_bytes, is_shown=name.endswith(("/json", "+json")))
                size += len(repr(form))
            except NotJSONValue:
                form = value_text(value, limit_bytes)[0]
                size += len(form)
        bundle[name] = form
    return bundle, size


def mime_bundle(value: object, limit_bytes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the object shows of itself through IPython's protocol of ``_repr_*_`` methods.

    Args:
        value: The object.
        limit_bytes: Of its ``text/plain``.

    Returns:
        The data and the metadata by MIME type; ``text/plain`` is always there.

    Raises:
        BaseException: What its ``__repr__`` raises. The other methods' exceptions only mean that
            the object does not have that form.
    """
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    whole = _call(value, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(whole, tuple) and len(whole) == 2:
        whole, notes = whole
        if isinstance(notes, Mapping):
            metadata.update(notes)
    if isinstance(whole, Mapping):
        data.update(whole)
    for mime_type, method in _METHODS.items():
        if mime_type in data:
            continue
        form = _call(value, method)
        if isinstance(form, tuple) and len(form) == 2:
            form, note = form
            metadata[mime_type] = note
        if form is not None:
            data[mime_type] = form
    if "text/plain" not in data:
        data["text/plain"] = (
            _quoted(value, limit_bytes)
            if isinstance(value, str)
            else value_text(value, limit_bytes)[0]
        )
    return data, metadata


def _quoted(value: str, limit_bytes: int) -> str:
    """A text as Python writes it; where it is too long, its beginning and its end."""
    text, is_cut = cut_text(repr(value), limit_bytes)
    return shortened(repr(value), min(SHORT_CHARACTERS, limit_bytes)) if is_cut else text


def _call(value: object, name: str, **arguments: Any) -> Any:
    # Looked up on the class: an object that answers to every attribute does not mean it, and a
    # class that is displayed does not have its instances' forms.
    method: Callable[..., Any] | None = getattr(type(value), name, None)
    if method is None:
        return None
    try:
        return method(value, **arguments)
    except Exception:  # noqa: BLE001  as in IPython: that form is missing
        return None
