"""Looking into states: hostile values, huge ones, and libraries' own."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llm_repl_core.engine.looks import Looks
from llm_repl_core.engine.run_queue import RunQueue
from llm_repl_core.errors import NotFound
from llm_repl_core.kernels import views
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.kernels.jupyter import JupyterKernel
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_core.testing.kernel_suite import run_cell

LIMIT_S = 20.0
KERNELS = (InProcessKernel, WorkerKernel, JupyterKernel)

VALUES = """
import dataclasses, itertools
import numpy as np, pandas as pd, pydantic

frame = pd.DataFrame({"day": ["Mon", "Tue", "Wed"], "stars": [5, 3, np.nan]})
counts = frame["day"].value_counts()
grid = np.arange(24).reshape(2, 3, 4)
many = {number: str(number) for number in range(1_000_000)}
endless = itertools.count()
notes = [{"topic": "tea", "urgent": True}] * 9
circle = []
circle.append(circle)

class Raises:
    def __repr__(self): raise ValueError("no")
    @property
    def price(self): raise KeyError("never read")

raises = Raises()
raises.inner = 7

class Order(pydantic.BaseModel):
    sku: str
    amount: int = 1

order = Order(sku="TIN-1")

@dataclasses.dataclass(slots=True)
class Point:
    x: int
    y: list

point = Point(1, [2, 3])
wide = pd.DataFrame(np.zeros((3, 200)))
"""


def drive(kind: type[Kernel], check: Callable[[Any], Awaitable[None]], code: str) -> None:
    async def whole() -> None:
        kernel = kind()
        await kernel.start()
        looks = Looks(kernel, RunQueue(kernel))
        try:
            assert await run_cell(kernel, code) == []

            async def ask(question: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
                look = await looks.ask(lambda state, _: question(state, *arguments))
                assert look is not None
                return look.answer

            await check(ask)
        finally:
            await looks.close()
            await kernel.shutdown()

    asyncio.run(asyncio.wait_for(whole(), 3 * LIMIT_S))


@pytest.mark.parametrize("kind", KERNELS)
def test_every_kind_of_value_has_a_line_and_pages(kind: type[Kernel]) -> None:
    async def check(ask: Any) -> None:
        listed = await ask(views.list_variables)
        lines = {value.name: value for value in listed.variables}
        assert (lines["frame"].shape, lines["frame"].text) == ([3, 2], "day, stars")
        assert lines["counts"].text == "Mon 1, Tue 1, Wed 1"
        assert lines["grid"].shape == [2, 3, 4]
        assert lines["many"].length == 1_000_000
        assert len(lines["many"].text) <= 201
        assert lines["notes"].text == "dict(topic, urgent)"
        assert lines["raises"].text == "its text raised ValueError"
        assert not lines["endless"].has_parts

        async def page(name: str, *path: str, number: int = 0, size: int = 50) -> views.ValuePage:
            found: views.ValuePage = await ask(views.value_page, name, path, number, size)
            return found

        frame = await page("frame", number=1, size=2)
        assert (frame.kind, frame.total) == ("table", 3)
        assert [column.name for column in frame.columns] == ["day", "stars"]
        assert [(row.label, row.cells) for row in frame.rows] == [("2", ["Wed", "nan"])]
        assert (await page("frame", "day", "1")).piece == "Tue"
        assert (await page("wide")).columns_left_out == 150
        assert (await page("wide", "@199")).kind == "table"
        assert [row.cells[3] for row in (await page("grid", "1")).rows] == ["15", "19", "23"]
        last = await page("many", number=9_999, size=100)
        assert (last.entries[-1].label, last.entries[-1].step) == ("999999", "@999999")
        assert [entry.label for entry in (await page("order")).entries] == ["sku", "amount"]
        assert (await page("point", "y", "1")).piece == "3"
        assert [entry.label for entry in (await page("raises")).entries] == ["inner"]
        assert (await page("circle", "0", "0", "0")).kind == "entries"
        for path in (("frame", "week"), ("point", "z"), ("grid", "9"), ("notes", "x"), ("gone",)):
            with pytest.raises(NotFound):
                await page(*path)

    drive(kind, check, VALUES)


HANGS = """
import time
plain = 1
class Hangs:
    def __repr__(self):
        while True:
            try:
                time.sleep(10)
            except BaseException:
                pass
acts = []
class Acts:
    def __repr__(self):
        acts.append("was looked at")
        return "Acts"
first, second = Acts(), Hangs()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Forks are for Linux.")
def test_a_value_that_never_ends_or_acts_does_neither_to_the_kernel() -> None:
    async def check(ask: Any) -> None:
        began = time.monotonic()
        look = await ask(list_with_texts_if_allowed)
        assert time.monotonic() - began < LIMIT_S
        assert [value.name for value in look.variables] == [
            *("Acts", "Hangs", "acts", "first", "plain", "second")
        ]
        assert (await ask(views.value_page, "plain", (), 0, 50)).piece == "1"
        assert (await ask(views.value_page, "acts", (), 0, 50)).total == 0

    async def whole() -> None:
        kernel = WorkerKernel()
        await kernel.start()
        looks = Looks(kernel, RunQueue(kernel))
        try:
            assert await run_cell(kernel, HANGS) == []

            async def ask(question: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
                if question is list_with_texts_if_allowed:
                    look = await looks.ask(question)
                else:
                    look = await looks.ask(lambda state, _: question(state, *arguments))
                assert look is not None
                return look.answer

            await check(ask)
            assert await run_cell(kernel, "assert acts == []") == []
        finally:
            await looks.close()
            await kernel.shutdown()

    asyncio.run(asyncio.wait_for(whole(), 3 * LIMIT_S))


async def list_with_texts_if_allowed(state: Any, may_call: bool) -> views.VariableList:
    return await views.list_variables(state, with_texts=may_call)
