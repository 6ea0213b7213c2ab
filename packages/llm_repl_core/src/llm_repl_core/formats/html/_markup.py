"""HTML as text: elements whose content is escaped unless it is markup already."""

from __future__ import annotations

import html
import re

__all__ = ["Markup", "element", "escape", "join", "printable", "scrolling"]

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What HTML may not hold, and half surrogate pairs, which no encoding can write."""


class Markup(str):
    """Text that is HTML already. All other text is escaped when it is put into an element."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """A text as HTML shows it.

    Args:
        text: Any text, for between tags or for an attribute in quotes.
    """
    return Markup(html.escape(printable(text)))


def printable(text: str) -> str:
    """A text of letters alone that a page can hold; others are replaced.

    Args:
        text: Any text.
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def join(*parts: str) -> Markup:
    """Parts one behind the other; those that are no markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def element(name: str, /, *content: str, **attributes: str | bool | None) -> Markup:
    """An element.

    Args:
        name: Of the element.
        content: What is in it.
        attributes: Its attributes; ``class_`` for ``class``, and ``-`` for other underscores. True:
            one without a value. None, or false: left out.
    """
    opening = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _WITHOUT_END:
        return Markup(f"<{name}{opening}>")
    return Markup(f"<{name}{opening}>{join(*content)}</{name}>")


_WITHOUT_END = frozenset({"br", "hr", "img", "meta"})


def scrolling(name: str, /, *content: str, **attributes: str | bool | None) -> Markup:
    """An element that scrolls where it is too wide: the keyboard has to reach it for that.

    Args:
        name: As `element` has it.
        content: As `element` has it.
        attributes: As `element` has them.
    """
    return element(name, *content, tabindex="0", **attributes)
