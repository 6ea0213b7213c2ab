"""A session's variables, as a mapping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from msgspec import UNSET

from llm_repl_core.kernels.base import Expression, Failed, Kernel
from llm_repl_core.kernels.evaluation import user_names

__all__ = ["State"]


T = TypeVar("T")


class Ask(Protocol):
    """Asks a kernel something when no run has it, and waits for the answer."""

    def __call__(self, question: Callable[[], Awaitable[T]], /) -> T:
        """Ask it."""


class State(Mapping[str, Any]):
    """The user's variables, read when they are asked for.

    A kernel in this process gives the objects themselves; from any other, a value comes as what
    JSON can hold of it, else as its text, and while a run has the kernel, reading waits for it.

    Args:
        kernel: Whose variables.
        ask: Asks the kernel.
    """

    def __init__(self, kernel: Kernel, ask: Ask) -> None:
        self._kernel = kernel
        self._ask = ask

    def __getitem__(self, name: str) -> Any:
        live = self._kernel.live_namespace()
        if live is not None:
            return live[name]
        if not self._kernel.alive or not name.isidentifier():
            raise KeyError(name)
        [value] = self._ask(lambda: self._kernel.evaluate([Expression(name)]))
        if isinstance(value, Failed):
            raise KeyError(name)
        return value.text if value.json is UNSET else value.json

    def __iter__(self) -> Iterator[str]:
        live = self._kernel.live_namespace()
        if live is not None:
            return iter(user_names(live))
        return iter(self._ask(self._kernel.names) if self._kernel.alive else ())

    def __len__(self) -> int:
        return sum(1 for _ in self)
