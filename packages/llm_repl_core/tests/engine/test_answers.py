"""Answers on their way into the kernel: together where it is busy, each for itself where one can't."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core.engine.answers import Answers
from llm_repl_core.errors import InvalidInput
from llm_repl_core.kernels.worker import WorkerKernel

LIMIT_S = 20.0
NOT_UNICODE = "\ud800"


class CountingKernel(WorkerKernel):
    """A real worker, and how often it was asked to set something."""

    def __init__(self, **options):
        super().__init__(**options)
        self.assigned = []

    async def assign(self, values):
        self.assigned.append(sorted(values))
        await super().assign(values)


@pytest.fixture
def answering(zygote):
    """Runs a scenario with a kernel, whose turn it is, and the answers of a run."""

    def run(scenario):
        async def whole():
            kernel = CountingKernel(zygote=zygote)
            turn = asyncio.Lock()

            async def ensure_kernel():
                if not kernel.alive:
                    await kernel.start()

            try:
                async with asyncio.timeout(LIMIT_S):
                    await scenario(kernel, turn, Answers(kernel, turn, ensure_kernel))
            finally:
                await kernel.shutdown()

        asyncio.run(whole())

    return run


async def value_of(kernel, expression):
    return (await kernel.snapshot())[expression].text


def test_answers_that_come_while_the_kernel_is_busy_are_set_at_once(answering):
    async def scenario(kernel, turn, answers):
        async with turn:
            waiting = [
                asyncio.ensure_future(answers.set([f"a{place}", "last"], place, place))
                for place in range(8)
            ]
            await asyncio.sleep(0)
        assert await asyncio.gather(*waiting) == [None] * 8
        assert kernel.assigned == [[*(f"a{place}" for place in range(8)), "last"]]
        assert [await value_of(kernel, f"a{place}") for place in range(8)] == list("01234567")
        assert await value_of(kernel, "last") == "7"

    answering(scenario)


def test_the_lower_of_two_prompts_wins_whichever_comes_first(answering):
    async def scenario(kernel, _turn, answers):
        await answers.set(["x"], 5, "lower")
        await answers.set(["x"], 2, "upper")
        assert await value_of(kernel, "x") == "lower"
        assert kernel.assigned == [["x"]]

    answering(scenario)


def test_one_that_cannot_be_set_fails_alone(answering):
    async def scenario(kernel, turn, answers):
        async with turn:
            waiting = [
                asyncio.ensure_future(answers.set([f"a{place}"], place, value))
                for place, value in enumerate(["first", NOT_UNICODE, "third"])
            ]
            await asyncio.sleep(0)
        first, second, third = await asyncio.gather(*waiting, return_exceptions=True)
        assert (first, third) == (None, None)
        assert isinstance(second, InvalidInput)
        assert await value_of(kernel, "a0") == "first"
        assert await value_of(kernel, "a2") == "third"

    answering(scenario)


def test_who_is_stopped_while_waiting_sets_nothing(answering):
    async def scenario(kernel, turn, answers):
        async with turn:
            stopped = asyncio.ensure_future(answers.set(["a"], 0, 1))
            other = asyncio.ensure_future(answers.set(["b"], 1, 2))
            await asyncio.sleep(0)
            stopped.cancel()
            await asyncio.wait([stopped])
        await other
        assert kernel.assigned == [["b"]]

    answering(scenario)


def test_the_next_answer_goes_in_after_all_before_it_were_stopped(answering):
    async def scenario(kernel, turn, answers):
        async with turn:
            stopped = asyncio.ensure_future(answers.set(["a"], 0, 1))
            await asyncio.sleep(0)
            stopped.cancel()
            await asyncio.wait([stopped])
            other = asyncio.ensure_future(answers.set(["b"], 1, 2))
            await asyncio.sleep(0)
        await other
        assert kernel.assigned == [["b"]]

    answering(scenario)


def test_a_change_of_one_variable_changes_no_other(answering):
    async def scenario(kernel, _turn, answers):
        await answers.set(["a", "b"], 0, [1])
        async for _ in kernel.execute("a.append(2)"):
            pass
        assert await value_of(kernel, "b") == "[1]"

    answering(scenario)
