"""A session's variables, as a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import UNSET

from llm_repl_core.engine.loop import EngineLoop
from llm_repl_core.kernels.base import Expression, Failed, Kernel

__all__ = ["State"]


class State(Mapping[str, Any]):
    """The user's variables, read when they are asked for.

    A kernel in this process gives the objects themselves; from any other, a value comes as what
    JSON can hold of it, else as its text.

    Args:
        kernel: Whose variables.
        loop: Where the kernel is used.
    """

    def __init__(self, kernel: Kernel, loop: EngineLoop) -> None:
        self._kernel = kernel
        self._loop = loop

    def __getitem__(self, name: str) -> Any:
        live = self._kernel.live_namespace()
        if live is not None:
            return live[name]
        if not self._kernel.alive or not name.isidentifier():
            raise KeyError(name)
        [value] = self._loop.call(self._kernel.evaluate([Expression(name)]))
        if isinstance(value, Failed):
            raise KeyError(name)
        return value.text if value.json is UNSET else value.json

    def __iter__(self) -> Iterator[str]:
        if not self._kernel.alive:
            return iter(())
        return iter(self._loop.call(self._kernel.names()))

    def __len__(self) -> int:
        return sum(1 for _ in self)
