from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar

from llm_repl_core.errors import KernelUnsupported
from llm_repl_core.kernels.base import Evaluated, Expression, Kernel, Value
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output_changes import OutputChange


class Plugin(Kernel):
    """A kernel of a plugin's author who knew nothing of forks and pending variables."""

    name: ClassVar[str] = "plugin"

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self.assigned: list[dict[str, Any]] = []

    @property
    def alive(self) -> bool:
        return True

    async def start(self) -> None: ...

    async def execute(self, code: str) -> AsyncGenerator[OutputChange, None]:
        raise KernelUnsupported(code)
        yield

    async def evaluate(
        self,
        expressions: Sequence[Expression],
        *,
        restricted: bool = False,
        extra: Mapping[str, JSONValue] | None = None,
    ) -> list[Evaluated]:
        raise KernelUnsupported("It runs another language.")

    async def assign(self, values: Mapping[str, Any]) -> None:
        self.assigned.append(dict(values))

    async def names(self) -> list[str]:
        return []

    async def snapshot(self) -> dict[str, Value]:
        return {}

    async def interrupt(self) -> None: ...

    async def shutdown(self) -> None: ...


def test_answers_are_assigned_in_the_order_of_their_prompts() -> None:
    async def check() -> None:
        kernel = Plugin()
        await kernel.set_pending(["a"], "1", "It waits.")
        await kernel.resolve_pending({"1": {"a": 1, "b": 1}, "2": None, "3": {"a": 3}})
        await kernel.resolve_pending({"4": None})
        assert kernel.assigned == [{"a": 3, "b": 1}]

    asyncio.run(check())


def test_there_is_no_copy_of_what_cannot_be_asked() -> None:
    assert asyncio.run(Plugin().fork(["a"])) is None
