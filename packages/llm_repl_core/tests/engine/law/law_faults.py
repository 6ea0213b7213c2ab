"""Breaks the engine on purpose, to see that the law finds it.

A fault names what is replaced, by its dotted name, and makes the replacement of what is there::

    FAULTS["adopt without comparing"] = {
        "llm_repl_core.engine.adoption.same_call": lambda same_call: lambda *_: True,
    }

`broken` puts a fault in for as long as a block runs; a method is named with its class.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

__all__ = ["FAULTS", "Fault", "broken"]

Fault: TypeAlias = Mapping[str, Callable[[Any], Any]]
"""By dotted name: what makes, of the thing that is there, the one that is broken."""


def _without(**fields: Any) -> Callable[[Any], Any]:
    """An analysis of cells that overlooks something."""

    def make(analyse: Any) -> Any:
        def faulty(*given: Any, **named: Any) -> Any:
            return msgspec.structs.replace(analyse(*given, **named), **fields)

        return faulty

    return make


_ANALYSIS = "llm_repl_core.engine.plan.analyse_cell"

FAULTS: dict[str, Fault] = {
    "code that sees every variable is taken for harmless": {_ANALYSIS: _without(barrier=None)},
    "other names of an object are overlooked": {_ANALYSIS: _without(links=())},
    "what functions do when they are called is overlooked": {
        _ANALYSIS: _without(deferred={}, implied={})
    },
}


@contextlib.contextmanager
def broken(fault: Fault) -> Iterator[None]:
    """Have the engine broken meanwhile.

    Args:
        fault: How.
    """
    with contextlib.ExitStack() as stack:
        for dotted, make in fault.items():
            owner, name = _owner_of(dotted)
            original = getattr(owner, name)
            stack.callback(setattr, owner, name, original)
            setattr(owner, name, make(original))
        yield


def _owner_of(dotted: str) -> tuple[Any, str]:
    """The module, or the class in one, that has the name."""
    path, _, name = dotted.rpartition(".")
    try:
        return importlib.import_module(path), name
    except ModuleNotFoundError:
        owner, class_name = _owner_of(path)
        return getattr(owner, class_name), name
