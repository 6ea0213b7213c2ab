"""PendingAnswers on their way into the kernel: together where it is busy, each for itself where one can't."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core.engine.pending_answers import PendingAnswers
from llm_repl_core.errors import InvalidInput, KernelDied, KernelStartFailed
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_core.model.output import Output

LIMIT_S = 20.0
NOT_UNICODE = "\ud800"


class CountingKernel(WorkerKernel):
    """A real worker: what it was asked to set, and what is to happen instead, once or more."""

    def __init__(self, **options):
        super().__init__(**options)
        self.assigned = []
        self.instead = []
        self.left = 0

    async def assign(self, values):
        self.assigned.append(sorted(values))
        try:
            if self.instead:
                await self.instead.pop(0)()
            await super().assign(values)
        finally:
            self.left += 1


class RunAnswers(PendingAnswers):
    """The answers of a run, and what its cells were told."""

    told = ()

    async def set(self, names, index, value, token=None):
        await super().set(names, index, value, lambda notice: self.note(index, notice), token=token)

    def note(self, index, notice):
        self.told = (*self.told, (index, notice.content))


class Kernels:
    """Starts a kernel where it is not alive, and says so from the second time on."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.generation = 0

    async def ensure_with_notice(self):
        if self.kernel.alive:
            return None
        await self.kernel.shutdown()
        await self.kernel.start()
        self.generation += 1
        return Output.warning("new") if self.generation > 1 else None


@pytest.fixture
def answering(zygote):
    """Runs a scenario with a kernel, whose turn it is, and the answers of a run."""

    def run(scenario):
        async def whole():
            kernel = CountingKernel(zygote=zygote)
            turn = asyncio.Lock()
            try:
                async with asyncio.timeout(LIMIT_S):
                    answers = RunAnswers(Kernels(kernel), turn)
                    await scenario(kernel, turn, answers)
            finally:
                await kernel.shutdown()

        asyncio.run(whole())

    return run


async def under_way(kernel, turn, answers, deliveries):
    """PendingAnswers that the kernel is busy with, and does not come to an end with: their tasks."""

    async def for_ever():
        begun.set()
        await asyncio.Event().wait()

    begun = asyncio.Event()
    kernel.instead = [for_ever]
    async with turn:
        tasks = [asyncio.ensure_future(answers.set(*one)) for one in deliveries]
        await asyncio.sleep(0)
    await begun.wait()
    return tasks


def raising(error):
    async def instead():
        raise error

    return instead


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
        await answers.set([], 0, 0)
        await answers.set_pending("upper", ["x"], "It is to come.")
        await answers.set_pending("lower", ["x"], "It is to come.")
        await answers.set(["x"], 5, "of the lower", token="lower")
        await answers.set(["x"], 2, "of the upper", token="upper")
        assert await value_of(kernel, "x") == "of the lower"

    answering(scenario)


def test_what_was_there_comes_back_where_there_is_no_answer(answering):
    async def scenario(kernel, _turn, answers):
        await answers.set(["x"], 0, "before")
        await answers.set_pending("failing", ["x"], "It is to come.")
        assert "x" not in await kernel.names()
        answers.give_up("failing")
        await answers.settled()
        assert await value_of(kernel, "x") == "before"

    answering(scenario)


def test_what_code_has_set_meanwhile_stays(answering):
    async def scenario(kernel, _turn, answers):
        await answers.set([], 0, 0)
        await answers.set_pending("asked", ["x"], "It is to come.")
        async for _ in kernel.execute("x = 'below'"):
            pass
        await answers.set(["x"], 0, "above", token="asked")
        assert await value_of(kernel, "x") == "below"

    answering(scenario)


def test_an_answer_to_a_kernel_that_is_gone_is_set_in_the_new_one(answering):
    async def scenario(kernel, _turn, answers):
        await answers.set([], 0, 0)
        await answers.set_pending("asked", ["x"], "It is to come.")
        await answers.set_pending("failing", ["y"], "It is to come.")
        await kernel.shutdown()
        answers.give_up("failing")
        await answers.set(["x"], 0, "there", token="asked")
        assert await value_of(kernel, "x") == "there"
        assert await kernel.names() == ["x"]

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


def test_one_that_fails_takes_nothing_from_the_one_above_it(answering):
    async def scenario(kernel, turn, answers):
        async with turn:
            waiting = [
                asyncio.ensure_future(answers.set(["x", "last"], place, value))
                for place, value in enumerate(["good", NOT_UNICODE])
            ]
            await asyncio.sleep(0)
        first, second = await asyncio.gather(*waiting, return_exceptions=True)
        assert first is None
        assert isinstance(second, InvalidInput)
        assert await value_of(kernel, "x") == "good"
        assert await value_of(kernel, "last") == "good"

    answering(scenario)


def test_all_that_are_under_way_can_be_stopped_at_once(answering):
    async def scenario(kernel, turn, answers):
        tasks = await under_way(kernel, turn, answers, [(["a"], 0, 1), (["b"], 1, 2)])
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in ended] == [asyncio.CancelledError] * 2
        assert kernel.left == 1, "the kernel was not left when the cells ended"
        assert not turn.locked()
        await answers.set(["c"], 2, 3)
        assert await value_of(kernel, "c") == "3"

    answering(scenario)


def test_who_waits_is_served_when_all_that_are_under_way_were_stopped(answering):
    async def scenario(kernel, turn, answers):
        tasks = await under_way(kernel, turn, answers, [(["a"], 0, 1), (["b"], 1, 2)])
        waiting = asyncio.ensure_future(answers.set(["c"], 2, 3))
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await waiting
        assert kernel.assigned == [["a", "b"], ["c"]]

    answering(scenario)


def test_stopping_one_of_those_under_way_leaves_the_other(answering):
    async def scenario(kernel, turn, answers):
        first, second = await under_way(kernel, turn, answers, [(["a"], 0, 1), (["b"], 1, 2)])
        first.cancel()
        await asyncio.wait([first])
        assert kernel.left == 0
        assert not second.done()
        second.cancel()
        await asyncio.wait([second])
        assert kernel.left == 1

    answering(scenario)


def test_when_the_engine_closes_no_answer_waits_for_ever(answering):
    async def scenario(kernel, turn, answers):
        tasks = await under_way(kernel, turn, answers, [(["a"], 0, 1), (["b"], 1, 2)])
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in ended] == [asyncio.CancelledError] * 2

    answering(scenario)


@pytest.mark.parametrize("count", [1, 3])
def test_a_kernel_that_dies_meanwhile_fails_all_and_the_next_cell_says_so(answering, count):
    async def scenario(kernel, turn, answers):
        async def die():
            await kernel.shutdown()
            raise KernelDied("It is gone.")

        await answers.set(["before"], 0, 0)
        kernel.instead = [die]
        async with turn:
            waiting = [
                asyncio.ensure_future(answers.set([f"a{place}"], place, place))
                for place in range(1, 1 + count)
            ]
            await asyncio.sleep(0)
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in ended] == [KernelDied] * count
        await answers.set(["after"], 9, "set")
        assert answers.told == ((9, "new"),)
        assert await value_of(kernel, "after") == "set"

    answering(scenario)


def test_a_lost_state_is_told_also_where_the_answer_cannot_be_set(answering):
    async def scenario(kernel, _turn, answers):
        await answers.set(["before"], 0, 0)
        await kernel.shutdown()
        with pytest.raises(InvalidInput):
            await answers.set(["a"], 1, NOT_UNICODE)
        assert answers.told == ((1, "new"),)

    answering(scenario)


def test_a_kernel_that_cannot_be_started_fails_all_at_once(zygote):
    async def scenario():
        class FailingKernels(Kernels):
            async def ensure_with_notice(self):
                self.generation += 1
                raise KernelStartFailed("No.")

        turn = asyncio.Lock()
        kernel = CountingKernel(zygote=zygote)
        answers = RunAnswers(kernels := FailingKernels(kernel), turn)
        async with turn:
            waiting = [asyncio.ensure_future(answers.set(["a"], place, 1)) for place in range(5)]
            await asyncio.sleep(0)
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in ended] == [KernelStartFailed] * 5
        assert kernels.generation == 1

    asyncio.run(asyncio.wait_for(scenario(), LIMIT_S))


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_whatever_a_kernel_raises_no_answer_waits_for_ever(answering, error):
    async def scenario(kernel, turn, answers):
        kernel.instead = [raising(error)] * 3
        async with turn:
            waiting = [asyncio.ensure_future(_caught(answers, place)) for place in range(2)]
            await asyncio.sleep(0)
        assert await asyncio.gather(*waiting) == [type(error)] * 2
        await answers.set(["c"], 2, 3)
        assert await value_of(kernel, "c") == "3"

    async def _caught(answers, place):
        try:
            await answers.set([f"a{place}"], place, place)
        except BaseException as caught:  # noqa: BLE001  # any of them
            return type(caught)

    answering(scenario)


def test_a_change_of_one_variable_changes_no_other(answering):
    async def scenario(kernel, _turn, answers):
        await answers.set(["a", "b"], 0, [1])
        async for _ in kernel.execute("a.append(2)"):
            pass
        assert await value_of(kernel, "b") == "[1]"

    answering(scenario)
