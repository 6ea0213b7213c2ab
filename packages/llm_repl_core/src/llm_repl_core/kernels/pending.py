"""Variables that get their values later: until then they have none, and nobody sees an older one.

Runs inside kernels. This file stands alone, with the standard library only: its text is also sent
into kernels whose environment does not have this package (see
`llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

__all__ = ["PendingVariables"]


class _Layer:
    """A value of a variable that stands below others, or is still to come."""

    def __init__(self, token: str | None, why: str, value: Any = None) -> None:
        self.token = token
        """None: the value is there."""
        self.why = why
        self.value = value


class PendingVariables:
    """The variables of a namespace that wait for a value, each with what was there before.

    Of each variable there is a stack. At its bottom is the value that it had; above it stand, in the
    order of their cells, those that are to come. The one at the top is what the variable is to be.
    Code that sets a variable meanwhile has the last word: what would have been set before it is of
    no interest any more.

    Args:
        namespace: The state.
        result_names: Its variables that the kernel itself sets to the last results, such as ``_``,
            unless somebody else has set one.
    """

    def __init__(
        self, namespace: MutableMapping[str, Any], result_names: Sequence[str] = ()
    ) -> None:
        self._namespace = namespace
        self._result_names = frozenset(result_names)
        self._stacks: dict[str, list[_Layer]] = {}
        self._results_are_set = False

    @property
    def results_are_claimed(self) -> bool:
        """Whether the kernel is to leave its results' variables alone, as one is a prompt's."""
        return self._results_are_set or any(
            layer.token is not None
            for name in self._result_names
            for layer in self._stacks.get(name, ())
        )

    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables, whatever is pending."""
        for name in values:
            self._stacks.pop(name, None)
        self._note_results(values)
        self._namespace.update(values)

    def set_pending(self, names: Iterable[str], token: str, why: str) -> None:
        """Take variables out of the namespace until they are resolved; see `Kernel.set_pending`."""
        for name in dict.fromkeys(names):
            if name in self._namespace:
                self._stacks[name] = [_Layer(None, "", self._namespace.pop(name))]
            self._stacks.setdefault(name, []).append(_Layer(token, why))

    def resolve(self, resolved: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Give variables their values; see `Kernel.resolve_pending`."""
        for token, values in resolved.items():
            for name, stack in list(self._stacks.items()):
                index = next((i for i, layer in enumerate(stack) if layer.token == token), None)
                if index is None:
                    continue
                if values is None or name not in values:
                    del stack[index]
                else:
                    self._note_results([name])
                    stack[index] = _Layer(None, "", values[name])
                self._settle(name, stack)

    def forget_set(self) -> None:
        """Note that code has run: what it has set is the latest, even where it is deleted later."""
        for name in [name for name in self._stacks if name in self._namespace]:
            del self._stacks[name]

    @property
    def names(self) -> list[str]:
        """The variables that have no value yet."""
        return [
            name
            for name, stack in self._stacks.items()
            if name not in self._namespace and stack and stack[-1].token is not None
        ]

    def explanation(self, text: str) -> str:
        """Why a variable of which an error's text speaks has no value; empty where there is none.

        Args:
            text: Such as ``name 'x' is not defined``.
        """
        for name in self.names:
            quoted = rf"['\"`]{re.escape(name)}['\"`]|\bname {re.escape(name)}(?!\w)"
            if re.search(quoted, text):
                return self._stacks[name][-1].why
        return ""

    def _settle(self, name: str, stack: list[_Layer]) -> None:
        if name in self._namespace or not stack:
            del self._stacks[name]
        elif stack[-1].token is None:
            self._namespace[name] = stack[-1].value
            del self._stacks[name]

    def _note_results(self, names: Iterable[str]) -> None:
        if not self._result_names.isdisjoint(names):
            self._results_are_set = True
