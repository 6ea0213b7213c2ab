"""jsonschema, imported without the second that one of its formats takes.

Where `rfc3987_syntax` is installed, as it is with Jupyter, jsonschema imports it for the formats
``iri`` and ``iri-reference``, and it compiles a grammar of 1.4 s. Here it is imported when such a
value is checked first, by whomever.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ["import_jsonschema"]

_SLOW = "rfc3987_syntax"
_lock = threading.Lock()


def import_jsonschema() -> Any:
    """The module `jsonschema`."""
    with _lock:
        if "jsonschema" in sys.modules or _SLOW in sys.modules or find_spec(_SLOW) is None:
            return import_module("jsonschema")
        stand_in: Any = ModuleType(_SLOW)
        stand_in.is_valid_syntax = _is_valid_syntax
        sys.modules[_SLOW] = stand_in
        try:
            return import_module("jsonschema")
        finally:
            del sys.modules[_SLOW]


def _is_valid_syntax(term: str, value: str) -> bool:
    return bool(import_module(_SLOW).is_valid_syntax(term, value))
