"""A text that does not show itself, and how it is taken out of other texts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar, cast
from urllib.parse import quote, quote_plus

from msgspec import Struct, structs

__all__ = ["Redactor", "Secret", "redact"]

T = TypeVar("T")

_MASK = "[key]"

_SHORTEST = 8
"""A key that is shorter, or a plain word, is a placeholder such as `none`: it would be found
everywhere."""

_PART = 4
"""How much of a key stands at least before or behind what hides the rest of it."""

_UNMARKED_PART = 10
"""How much of its beginning is taken for a part of it where nothing says that it was cut."""

_HIDDEN = r"(?:\*{2,}|•{2,}|…|\.{3,}|x{4,}|X{4,})"


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


class Redactor:
    """Takes keys out of what is sent, shown, recorded or saved.

    A key is recognised as it is and as JSON, URLs and Base64 write it; in JSON, any of its letters
    may be an escape. What is too short or too plain for a key, such as the ``none`` that servers of
    one's own are given, is left alone.

    Args:
        secrets: The keys.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        keys = {secret.reveal().strip() for secret in secrets}
        telling = sorted(filter(_is_telling, keys), key=len, reverse=True)
        forms = {form for key in telling for form in _forms(key)}
        # The longest first: one may be a part of another.
        self._forms = sorted(forms, key=len, reverse=True)
        self._bytes = [(form.encode(), _MASK.encode()) for form in self._forms]
        self._beginning = re.compile("|".join([r"\\", *sorted({*map(_beginning, self._forms)})]))
        # Looked for only where there is an escape that a key could have: few texts have any.
        escape, escaped = _escapes(telling), "|".join(map(_with_escapes, telling))
        self._escape, self._escaped = re.compile(escape), re.compile(escaped)
        self._escape_bytes = re.compile(escape.encode())
        self._escaped_bytes = re.compile(escaped.encode())

    def __bool__(self) -> bool:
        """Whether there is any key to look for."""
        return bool(self._forms)

    def text(self, text: str) -> str:
        """The text without keys."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, _MASK)
        if self._forms and self._escape.search(text):
            text = self._escaped.sub(_MASK, text)
        return text

    def data(self, data: bytes) -> bytes:
        """The bytes of a text without keys."""
        for form, mask in self._bytes:
            if form in data:
                data = data.replace(form, mask)
        if self._forms and self._escape_bytes.search(data):
            data = self._escaped_bytes.sub(_MASK.encode(), data)
        return data

    def value(self, value: T) -> T:
        """A JSON value or a Struct without keys, in names as well; itself, where it has none."""
        return cast("T", self._value(value)) if self._forms else value

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.data(value)
        if isinstance(value, Struct):
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            cleaned = {name: self._value(item) for name, item in fields.items()}
            changed = {name: item for name, item in cleaned.items() if item is not fields[name]}
            return structs.replace(value, **changed) if changed else value
        if isinstance(value, dict):
            pairs = [(self._value(name), self._value(item)) for name, item in value.items()]
            is_same = all(
                name is old and item is value[old]
                for (name, item), old in zip(pairs, value, strict=True)
            )
            return value if is_same else dict(pairs)
        if isinstance(value, list | tuple):
            items = [self._value(item) for item in value]
            is_same = all(item is old for item, old in zip(items, value, strict=True))
            return value if is_same else type(value)(items)
        return value

    def split(self, text: str) -> tuple[str, str]:
        """What of a text that goes on can be told already, and what may be the start of a key."""
        if self._beginning.search(text) is None:
            return text, ""  # so are most pieces of an answer, and there are thousands
        text = self.text(text)
        longest = max((_overlap(text, form) for form in self._forms), default=0)
        return text[: len(text) - longest], text[len(text) - longest :]


def redact(text: str, secret: Secret | None) -> str:
    """Take a key out of a text that came from elsewhere, such as a server's error message.

    Besides the key and the ways to write it, parts of it are recognised of which stars or dots
    hide the rest, and its beginning where the text was cut.
    """
    key = secret.reveal().strip() if secret is not None else ""
    if not key:
        return text
    for form in sorted(_forms(key) if _is_telling(key) else {key}, key=len, reverse=True):
        text = text.replace(form, _MASK)
    if not _is_telling(key):
        return text
    text = re.sub(_with_escapes(key), _MASK, text)
    return _without_parts(text, key)


def _is_telling(key: str) -> bool:
    return len(key) >= _SHORTEST and not key.isalpha()


def _forms(key: str) -> set[str]:
    """The key as it is written here and there."""
    escaped = json.dumps(key)[1:-1]
    plain = {key, escaped, escaped.replace("/", "\\/"), quote(key, safe=""), quote_plus(key)}
    plain |= {re.sub("%..", lambda found: found[0].lower(), form) for form in set(plain)}
    plain.add("".join(f"%{byte:02X}" for byte in key.encode()))
    return plain | _base64_forms(key.encode())


def _beginning(form: str) -> str:
    """A pattern of where a form may begin, also where a text ends within its first letters."""
    first, second, third = map(re.escape, form[:3])
    return rf"{first}(?:\Z|{second}(?:\Z|{third}))"


def _escapes(keys: Iterable[str]) -> str:
    """A pattern of what JSON may write for a letter of the keys, and hardly ever does."""
    codes = "|".join(f"{ord(letter):04x}" for letter in sorted(set("".join(keys))))
    return rf"\\u(?i:{codes})"


def _with_escapes(key: str) -> str:
    """A pattern of the key in JSON, and in JSON within JSON: each letter may be an escape."""
    # All backslashes in a row, or what is left would be no JSON; not more, or many would take long.
    slashes = r"(?<!\\)\\{1,8}"
    return "".join(
        rf"(?:{re.escape(letter)}|{slashes}u(?i:{ord(letter):04x})"
        + (rf"|{slashes}{re.escape(letter)})" if letter in '"\\/' else ")")
        for letter in key
    )


def _base64_forms(key: bytes) -> set[str]:
    """What Base64 makes of it, alone or within something longer, whichever byte it begins at."""
    forms = set()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + key).decode().rstrip("=")
        # Letters at both ends hold bits of what stands beside it.
        start = (0, 2, 3)[shift]
        end = len(encoded) - ((len(key) + shift) % 3 != 0)
        forms |= {encoded[start:end], encoded[start:end].translate(str.maketrans("+/", "-_"))}
    return forms


def _without_parts(text: str, key: str) -> str:
    def mask(found: re.Match[str]) -> str:
        before, after = found["before"], found["after"]
        is_part = (len(before) >= _PART and key.startswith(before)) or (
            len(after) >= _PART and key.endswith(after)
        )
        return _MASK if is_part else found[0]

    letter = r"[^\s\"'`<>()\[\]{}=:,;*•…]"
    text = re.sub(rf"(?P<before>(?:(?!\.\.){letter})*){_HIDDEN}(?P<after>{letter}*)", mask, text)
    return _without_beginnings(text, key)


def _without_beginnings(text: str, key: str) -> str:
    """Beginnings of the key that are long enough to be of no other one."""
    least = max(_UNMARKED_PART, len(key) // 3)
    beginning, position = key[:least], 0
    while len(key) > least and (position := text.find(beginning, position)) >= 0:
        length = least
        while length < len(key) and text[position + length : position + length + 1] == key[length]:
            length += 1
        text = text[:position] + _MASK + text[position + length :]
        position += len(_MASK)
    return text


def _overlap(text: str, form: str) -> int:
    """How many letters at the end of a text are the beginning of a form."""
    start = text.find(form[0], max(0, len(text) - len(form) + 1))
    while start >= 0:
        if form.startswith(text[start:]):
            return len(text) - start
        start = text.find(form[0], start + 1)
    return 0
