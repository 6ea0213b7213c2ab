"""The markers of pluggy: what a plugin's author decorates hooks with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

__all__ = ["ENTRY_POINT_GROUP", "hookimpl", "hookspec"]

ENTRY_POINT_GROUP = "llm_repl"
"""The project name of the hooks, and the entry-point group in which plugins announce themselves."""

if TYPE_CHECKING:
    F = TypeVar("F", bound=Any)

    def hookimpl(function: F) -> F:
        """Mark a function as an implementation of the hook of its name."""

    def hookspec(function: F) -> F:
        """Mark a function as the specification of a hook."""

else:
    hookimpl = pluggy.HookimplMarker(ENTRY_POINT_GROUP)
    hookspec = pluggy.HookspecMarker(ENTRY_POINT_GROUP)
