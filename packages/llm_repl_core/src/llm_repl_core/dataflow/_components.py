"""Names that hang together, by union-find."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Components"]


class Components:
    """Sets of names, joined where a group holds names of both.

    Args:
        groups: Names that belong together.
    """

    def __init__(self, groups: Iterable[frozenset[str]]) -> None:
        self._parents: dict[str, str] = {}
        for group in groups:
            names = iter(group)
            first = next(names, None)
            for name in names:
                assert first is not None
                self._parents[self._root(name)] = self._root(first)

    def of(self, name: str) -> str:
        """The component of a name: one of its names, the same for all of them."""
        return self._root(name)

    def _root(self, name: str) -> str:
        parents = self._parents
        while (parent := parents.get(name, name)) != name:
            # Halving the path keeps later searches short.
            parents[name] = name = parents.get(parent, parent)
        return name
