from __future__ import annotations

import asyncio
import gc
import random
import subprocess
import sys
import traceback
import weakref

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.engine.retries import RetryPolicy, with_retries
from llm_repl_core.errors import (
    AnswerBroken,
    Conflict,
    ContextTooLong,
    KeyRejected,
    ProviderServerError,
    ProviderTimeout,
    ProviderUnreachable,
    RateLimited,
)

POLICY = RetryPolicy()


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop that does not wait for its timers: its clock jumps to the next one."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        waiting = self._selector.select

        def select(timeout=None):
            self.now += timeout or 0.0
            return waiting(0)

        self._selector.select = select

    def time(self):
        return self.now


def run(main):
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(main)


class Scripted:
    """Fails with these errors, one an attempt, and then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.attempts = 0

    async def __call__(self):
        self.attempts += 1
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def retried(attempt, policy=POLICY, uniform=lambda low, high: high):
    """What came of it, what `on_retry` was told, and how long it took in seconds."""
    told = []

    async def main():
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        try:
            ended = await with_retries(
                attempt,
                policy=policy,
                on_retry=lambda number, error, wait_s: told.append((number, error, wait_s)),
                uniform=uniform,
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, the test looks at it
            ended = error
        return ended, told, loop.time() - started_s

    return run(main())


def test_what_works_is_called_once():
    attempt = Scripted()
    assert retried(attempt) == ("answer", [], 0.0)
    assert attempt.attempts == 1


@pytest.mark.parametrize(
    "kind", [AnswerBroken, ProviderServerError, ProviderTimeout, ProviderUnreachable, RateLimited]
)
def test_what_may_succeed_later_is_tried_again(kind):
    errors = [kind("one"), kind("two")]
    attempt = Scripted(*errors)
    ended, told, took_s = retried(attempt)
    assert ended == "answer"
    assert attempt.attempts == 3
    assert told == [(1, errors[0], 0.5), (2, errors[1], 1.0)]
    assert took_s == pytest.approx(1.5)


@pytest.mark.parametrize(
    "error", [KeyRejected("no"), ContextTooLong("no"), Conflict("no"), ZeroDivisionError()]
)
def test_what_cannot_succeed_is_not_tried_again(error):
    attempt = Scripted(error)
    assert retried(attempt) == (error, [], 0.0)
    assert attempt.attempts == 1


def test_what_cannot_succeed_ends_the_tries_also_later():
    last = KeyRejected("no")
    attempt = Scripted(ProviderTimeout("slow"), last, ProviderTimeout("never seen"))
    ended, told, _ = retried(attempt)
    assert ended is last
    assert [number for number, _, _ in told] == [1]
    assert attempt.attempts == 2


def test_the_last_error_is_raised_as_it_was():
    errors = [ProviderServerError(str(number)) for number in range(9)]
    errors[3].__cause__ = cause = OSError("socket")
    attempt = Scripted(*errors)
    ended, told, _ = retried(attempt)
    assert ended is errors[3]
    assert ended.__cause__ is cause
    assert ended.__context__ is None
    assert attempt.attempts == 4
    assert [number for number, _, _ in told] == [1, 2, 3]
    files = {frame.filename for frame in traceback.extract_tb(ended.__traceback__)}
    assert not [file for file in files if "tenacity" in file or "concurrent" in file]
    names = [frame.name for frame in traceback.extract_tb(ended.__traceback__)]
    assert names == ["main", "with_retries", "_tried", "__call__"]


@pytest.mark.parametrize("attempts", [1, 2, 7])
def test_there_are_as_many_attempts_as_the_policy_says(attempts):
    attempt = Scripted(*[ProviderTimeout("slow")] * 9)
    _, told, _ = retried(attempt, RetryPolicy(attempts=attempts))
    assert attempt.attempts == attempts
    assert len(told) == attempts - 1


def test_waits_double_up_to_the_longest():
    policy = RetryPolicy(attempts=100, first_wait_s=1.0, longest_wait_s=9.0)
    _, told, took_s = retried(Scripted(*[ProviderTimeout("slow")] * 100), policy)
    waits_s = [wait_s for _, _, wait_s in told]
    assert waits_s == [1.0, 2.0, 4.0, 8.0] + [9.0] * 95
    assert took_s == pytest.approx(sum(waits_s))


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.lists(st.sampled_from([None, 0.0, 2.0, 17.5]), max_size=6))
def test_jitter_spreads_each_wait_within_its_bounds(seed, asked):
    errors = [
        ProviderTimeout("slow") if one is None else RateLimited("slow", retry_after_s=one)
        for one in asked
    ]
    _, told, _ = retried(
        Scripted(*errors), RetryPolicy(attempts=10), uniform=random.Random(seed).uniform
    )
    assert len(told) == len(asked)
    for number, (one, (_, _, wait_s)) in enumerate(zip(asked, told, strict=True)):
        if one:
            assert one <= wait_s <= one + POLICY.first_wait_s
        else:
            assert 0.0 <= wait_s <= min(30.0, 0.5 * 2**number)


def test_jitter_is_drawn_anew_each_time():
    waits_s = {
        retried(Scripted(ProviderTimeout("slow")), uniform=random.uniform)[1][0][2]
        for _ in range(20)
    }
    assert len(waits_s) > 10


def test_what_the_provider_asks_for_is_waited():
    ended, told, took_s = retried(Scripted(RateLimited("busy", retry_after_s=200.0)))
    assert ended == "answer"
    assert took_s == pytest.approx(200.5)
    assert told[0][2] == pytest.approx(200.5)


@pytest.mark.parametrize("asked_s", [-5.0, float("nan")])
def test_what_no_provider_can_mean_is_not_waited(asked_s):
    ended, _, took_s = retried(Scripted(RateLimited("busy", retry_after_s=asked_s)))
    assert (ended, took_s) == ("answer", 0.5)


@pytest.mark.parametrize("before", [[], [ProviderTimeout("slow")]])
@pytest.mark.parametrize("asked_s", [301.0, 86_400.0, float("inf")])
def test_too_much_patience_is_not_given(before, asked_s):
    error = RateLimited("The provider says: come back.", retry_after_s=asked_s)
    attempt = Scripted(*before, error)
    ended, told, took_s = retried(attempt)
    assert isinstance(ended, RateLimited)
    assert ended.retry_after_s == asked_s
    assert ended.__cause__ is error
    assert str(ended) == (
        f"The provider says: come back. It asks to wait {asked_s:,.0f} s, and at most 300 s are "
        "waited: run the cell again later."
    )
    assert attempt.attempts == 1 + len(before) == 1 + len(told)
    assert took_s <= 0.5


@pytest.mark.parametrize("phase", ["first attempt", "wait", "second attempt"])
def test_cancelling_ends_it_at_once(phase):
    async def main():
        attempts = 0

        async def attempt():
            nonlocal attempts
            attempts += 1
            if phase == "first attempt" or attempts == 2:
                await asyncio.Event().wait()
            raise RateLimited("busy", retry_after_s=100.0)

        told = []
        task = asyncio.create_task(
            with_retries(attempt, policy=POLICY, on_retry=lambda *what: told.append(what))
        )
        loop = asyncio.get_running_loop()
        await asyncio.sleep(150.0 if phase == "second attempt" else 50.0)
        cancelled_at_s = loop.time()
        task.cancel("stop")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert caught.value.args == ("stop",)
        assert loop.time() == cancelled_at_s
        assert (attempts, len(told)) == {
            "first attempt": (1, 0),
            "wait": (1, 1),
            "second attempt": (2, 1),
        }[phase]

    run(main())


def test_it_is_told_before_the_wait_and_what_it_raises_ends_the_call():
    async def main():
        def stop(*_):
            assert asyncio.get_running_loop().time() == 0.0
            raise Conflict("no more")

        attempt = Scripted(ProviderTimeout("slow"))
        with pytest.raises(Conflict, match="no more"):
            await with_retries(attempt, policy=POLICY, on_retry=stop)
        assert attempt.attempts == 1

    run(main())


def test_a_final_error_that_was_looked_at_is_gone():
    """An error keeps its frames alive, and with them what is open: nothing here keeps the error."""

    async def main():
        try:
            await with_retries(Scripted(KeyRejected("no")), policy=POLICY, on_retry=lambda *_: None)
        except KeyRejected as error:
            return weakref.ref(error)

    gc.disable()
    try:
        assert run(main())() is None
    finally:
        gc.enable()


def test_a_thousand_at_once():
    async def main():
        attempts = [Scripted(*[ProviderTimeout("slow")] * 3) for _ in range(1_000)]
        answers = await asyncio.gather(
            *(with_retries(one, policy=POLICY, on_retry=lambda *_: None) for one in attempts)
        )
        assert answers == ["answer"] * 1_000

    run(main())


def test_the_library_is_loaded_when_something_has_failed():
    code = (
        "import asyncio, sys\n"
        "from llm_repl_core.engine.retries import RetryPolicy, with_retries\n"
        "async def answer(): return 1\n"
        "asyncio.run(with_retries(answer, policy=RetryPolicy(), on_retry=print))\n"
        "assert 'tenacity' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("field", ["attempts", "first_wait_s", "longest_wait_s"])
def test_a_policy_that_cannot_be_is_refused(field):
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: -1}, RetryPolicy)
