"""A session's variables, as a mapping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from msgspec import UNSET

from llm_repl_core.kernels.base import Kernel, Value
from llm_repl_core.kernels.evaluation import user_names
from llm_repl_core.model.names import as_variable

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
    Modules, and names that start with ``_``, are found but not listed. `copy` gives a dictionary
    that no run changes.

    Args:
        kernel: Whose variables.
        ask: Asks the kernel.
    """

    def __init__(self, kernel: Kernel, ask: Ask) -> None:
        self._kernel = kernel
        self._ask = ask

    def __getitem__(self, name: str) -> Any:
        if not isinstance(name, str):
            raise KeyError(name)
        variable = as_variable(name)
        live = self._kernel.live_namespace()
        found = self._snapshot([variable]) if live is None else live
        try:
            value = found[variable]
        except KeyError:
            raise KeyError(name) from None
        return value if live is not None else _python_value(value)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        variable = as_variable(name)
        live = self._kernel.live_namespace()
        return variable in (self._snapshot([variable]) if live is None else live)

    def __iter__(self) -> Iterator[str]:
        live = self._kernel.live_namespace()
        if live is not None:
            return iter(user_names(live))
        return iter(self._ask(self._kernel.names) if self._kernel.alive else ())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.copy() == (other.copy() if isinstance(other, State) else dict(other))

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        # What `copy.copy`, `copy.deepcopy` and pickle make of it is a dictionary.
        return dict, (self.copy(),)

    def copy(self) -> dict[str, Any]:
        """The variables as they are now, all of the same moment."""
        live = self._kernel.live_namespace()
        if live is not None:
            held = live.copy()
            return {name: held[name] for name in user_names(held)}
        return {name: _python_value(value) for name, value in self._snapshot().items()}

    def _snapshot(self, names: list[str] | None = None) -> dict[str, Value]:
        if not self._kernel.alive:
            return {}
        return self._ask(lambda: self._kernel.snapshot(names))


def _python_value(value: Value) -> Any:
    return value.text if value.json is UNSET else value.json
