"""Breaks the engine on purpose, to see that the law finds it.

A fault names what is replaced, by its dotted name, and makes the replacement of what is there::

    FAULTS["adopt without comparing"] = {
        "llm_repl_core.engine.request_builder.RequestBuilder.identity": lambda _identity: lambda *_: "the same",
    }

`broken` puts a fault in for as long as a block runs; a method is named with its class.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import structs

from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.kernels.state import Evaluated, Expression, KernelFork

__all__ = ["FAULTS", "WRONG_PREDICTIONS", "Fault", "broken"]

Fault: TypeAlias = Mapping[str, Callable[[Any], Any]]
"""By dotted name: what makes, of the thing that is there, the one that is broken."""


_CALLS = "llm_repl_core.engine.request_builder.RequestBuilder"
_NAMES = "llm_repl_core.dataflow.transitive.Names"


def _nothing_disturbs(_may_disturb: Any) -> Any:
    """A prediction that sees what is bound anew and no change, so that all prompts are ahead."""
    return lambda above, below: not above.writes.isdisjoint(below.reads)


def _without_attachments(identity: Any) -> Any:
    def faulty(self: Any, question: Any) -> str:
        messages = tuple(structs.replace(one, attachments=()) for one in question.messages)
        return str(identity(self, structs.replace(question, messages=messages)))

    return faulty


class _Itself(KernelFork):
    """The kernel, in place of a copy of it."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel.options)
        self._kernel = kernel

    @property
    def alive(self) -> bool:
        return self._kernel.alive

    async def evaluate(self, expressions: Sequence[Expression], **options: Any) -> list[Evaluated]:
        return await self._kernel.evaluate(expressions, **options)

    async def assign(self, values: Mapping[str, Any]) -> None:
        await self._kernel.assign(values)

    async def names(self) -> list[str]:
        return await self._kernel.names()

    async def close(self) -> None:
        """It goes on."""


def _fork_itself(_fork: Any) -> Any:
    async def fork(self: Kernel, _names: Any) -> KernelFork:
        return _Itself(self)

    return fork


def _blind(effects: Effects) -> Effects:
    return structs.replace(effects, mentions=set(), words=set())


WRONG_PREDICTIONS: Fault = {
    "llm_repl_core.engine.plan.may_disturb": _nothing_disturbs,
    # As long as it takes on a busy machine.
    "llm_repl_core.engine.look_ahead._RENDER_LIMIT_S": lambda _: 20.0,
}
"""No fault: the law has to hold whatever is predicted."""

FAULTS: dict[str, Fault] = {
    "what was sent ahead is adopted without a look": {
        f"{_CALLS}.identity": lambda _: lambda *_: "the same",
    },
    "attachments are not compared": {f"{_CALLS}.identity": _without_attachments},
    "prompts ahead are rendered in the kernel itself": {
        "llm_repl_core.kernels.worker.WorkerKernel.fork": _fork_itself,
    },
    "code does not wait for a word in a text": {
        f"{_NAMES}.__init__": lambda begin: (
            lambda self, effects, **options: begin(self, map(_blind, effects), **options)
        ),
        f"{_NAMES}.transitive": lambda transitive: (
            lambda self, effects: transitive(self, _blind(effects))
        ),
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
