"""What is a variable's name, and which one: as Python reads it.

Python normalises identifiers to NFKC: code that sets ``µ``, the sign on many keyboards, sets the
Greek letter ``μ``. Whatever else names a variable (a prompt's ``response_var``, a tool, a
parameter, ``session.state[...]``) means the same one.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Mapping
from typing import TypeVar

__all__ = ["as_variable", "by_variable", "is_variable", "named_variable"]

T = TypeVar("T")


def as_variable(name: str) -> str:
    """The name under which Python keeps a variable; a text that is no name comes back as well."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def is_variable(name: str) -> bool:
    """Whether code can set a variable of that name."""
    return name.isidentifier() and not keyword.iskeyword(as_variable(name))


def named_variable(written: object) -> str | None:
    """The variable that is meant where a name may stand among other things, as in ``schema``.

    >>> named_variable(" Person "), named_variable("name, age int"), named_variable({})
    ('Person', None, None)

    Args:
        written: What stands there.
    """
    if not isinstance(written, str) or not is_variable(written.strip()):
        return None
    return as_variable(written.strip())


def by_variable(values: Mapping[str, T]) -> dict[str, T]:
    """Values by the names under which Python keeps them."""
    return {as_variable(name): value for name, value in values.items()}
