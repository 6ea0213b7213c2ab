"""Werkzeug: a rule of the addresses that compiles how its addresses are built when one is wanted.

Werkzeug writes, compiles and runs two functions for each rule as it is added, which is most of what
an application takes to be made. The server matches addresses and builds none. If a version of the
library calls this something else, it compiles ahead again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

__all__ = ["MatchingRule"]


class MatchingRule(Rule):
    """A rule that is there to match requests."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            return compile_now(append_unknown)(rule, **values)

        return build
