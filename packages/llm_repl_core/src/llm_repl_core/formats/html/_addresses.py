"""Which addresses a text from elsewhere may lead to, and which pictures it may bring."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

__all__ = ["data_address", "picture_address", "safe_link"]

_SCHEMES = frozenset({"http", "https", "mailto"})
_PICTURE = re.compile(r"image/(png|jpeg|gif|webp|avif|bmp|svg\+xml)")
_DATA_PICTURE = re.compile(
    r"data:image/(?:png|jpeg|gif|webp|avif|bmp|svg\+xml);base64,[\w+/=\s%-]+"
)


def safe_link(address: str) -> str | None:
    """The address, where a click may follow it; None: it may not (``javascript:``, a file).

    Args:
        address: As the text has it.
    """
    if address.startswith("#"):
        return address
    try:
        scheme = urlsplit(address).scheme.lower()
    except ValueError:
        return None
    return address if scheme in _SCHEMES else None


def picture_address(address: str, attachments: dict[str, Any]) -> str | None:
    """The address of a picture that comes with the page; None: it is elsewhere, and not loaded.

    Args:
        address: As the text has it: ``data:`` or ``attachment:``.
        attachments: Of the cell: MIME bundles by name.
    """
    if address.startswith("attachment:"):
        bundle = attachments.get(address.removeprefix("attachment:"))
        if isinstance(bundle, dict):
            for media_type, content in bundle.items():
                if _PICTURE.fullmatch(media_type) and isinstance(content, str | list):
                    return data_address(media_type, "".join(map(str, content)))
        return None
    return address if _DATA_PICTURE.fullmatch(address) else None


def data_address(media_type: str, content: str) -> str:
    """An address that holds the content itself.

    Args:
        media_type: Its type.
        content: In Base64; of an SVG, its text, or that in Base64 as attachments have it.
    """
    if media_type == "image/svg+xml" and "<" in content:
        # As a picture it runs nothing, and loads nothing.
        text = content.encode("utf-8", "replace").decode()
        return f"data:image/svg+xml;charset=utf-8,{quote(text)}"
    return f"data:{media_type};base64,{''.join(content.split())}"
