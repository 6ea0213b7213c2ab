"""A text that does not show itself."""

from __future__ import annotations

__all__ = ["Secret", "redact"]


class Secret:
    """A key: it shows in no representation, log or traceback, and cannot be pickled.

    Args:
        text: What is to be kept.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; to be asked for only where it is sent."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('…')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


def redact(text: str, secret: Secret | None) -> str:
    """Take a key out of a text that came from elsewhere, such as a server's error message."""
    key = secret.reveal().strip() if secret is not None else ""
    return text.replace(key, "[key]") if key else text
