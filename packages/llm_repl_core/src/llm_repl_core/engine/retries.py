"""Calls that failed for the moment are made again, later and not all at the same time."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from llm_repl_core.errors import ProviderError, RateLimited

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["RetryPolicy", "with_retries"]

T = TypeVar("T")

Uniform = Callable[[float, float], float]


class RetryPolicy(Struct, frozen=True):
    """How often a call is made again, and how long is waited in between.

    Attributes:
        attempts: How many tries there are at most, the first one included.
        first_wait_s: The longest wait after the first failure; it doubles with each further one.
        longest_wait_s: Where the doubling ends.
        longest_retry_after_s: The longest wait that a provider may ask for; where it asks for more,
            the call fails instead.
    """

    attempts: Annotated[int, Meta(ge=1)] = 4
    first_wait_s: Annotated[float, Meta(ge=0)] = 0.5
    longest_wait_s: Annotated[float, Meta(ge=0)] = 30.0
    longest_retry_after_s: Annotated[float, Meta(ge=0)] = 300.0


async def with_retries(
    attempt: Callable[[], Awaitable[T]],
    *,
    policy: RetryPolicy,
    on_retry: Callable[[int, ProviderError, float], None],
    uniform: Uniform = random.uniform,
) -> T:
    """Try until it works, or cannot work, or has been tried often enough.

    Only a `ProviderError` that is ``retryable`` is tried again. The wait is drawn from 0 to a
    limit that doubles each time ("full jitter"), so that calls which failed together come back
    apart. Where the provider says how long to wait, that is waited, and a little jitter. Cancelling
    ends a wait at once.

    Args:
        attempt: Makes the call once.
        policy: How often, and how long to wait.
        on_retry: Called before a wait with the number of the attempt that failed, from 1, its error
            and the length of the wait in seconds.
        uniform: Draws a number between two: the source of the jitter.

    Raises:
        ProviderError: The last attempt's, as it was; or `RateLimited`, where the provider asks for
            more patience than the policy has.
    """
    outcome = await _tried(attempt)
    if isinstance(outcome, _Failed) and _has_patience(outcome.error, policy):
        outcome = await _tried_again(outcome, attempt, policy, on_retry, uniform)
    if not isinstance(outcome, _Failed):
        return outcome.value
    try:
        raise _explained(outcome.error, policy)
    finally:
        del outcome  # else the error and this frame would keep each other alive


class _Succeeded(Struct, Generic[T], frozen=True):
    value: T


class _Failed(Struct, frozen=True):
    error: ProviderError


async def _tried(attempt: Callable[[], Awaitable[T]]) -> _Succeeded[T] | _Failed:
    """Make the call; errors come back as values, so that no library stands in their traceback."""
    try:
        return _Succeeded(await attempt())
    except ProviderError as error:
        return _Failed(error)


async def _tried_again(
    first: _Failed,
    attempt: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    on_retry: Callable[[int, ProviderError, float], None],
    uniform: Uniform,
) -> _Succeeded[T] | _Failed:
    # Imported when a call has failed: it takes 10 ms, and 30 where tornado is installed.
    import asyncio

    import tenacity

    known: list[_Succeeded[T] | _Failed] = [first]

    async def outcome() -> _Succeeded[T] | _Failed:
        return known.pop() if known else await _tried(attempt)

    def last(state: RetryCallState) -> _Succeeded[T] | _Failed:
        assert state.outcome is not None
        ended: _Succeeded[T] | _Failed = state.outcome.result()
        return ended

    def failure(state: RetryCallState) -> ProviderError:
        ended = last(state)
        assert isinstance(ended, _Failed)
        return ended.error

    retrying = tenacity.AsyncRetrying(
        sleep=asyncio.sleep,
        stop=tenacity.stop_after_attempt(policy.attempts),
        retry=tenacity.retry_if_result(
            lambda ended: isinstance(ended, _Failed) and _has_patience(ended.error, policy)
        ),
        wait=lambda state: _wait_s(failure(state), state.attempt_number, policy, uniform),
        before_sleep=lambda state: on_retry(
            state.attempt_number, failure(state), state.upcoming_sleep
        ),
        retry_error_callback=last,
    )
    return await retrying(outcome)


def _has_patience(error: ProviderError, policy: RetryPolicy) -> bool:
    return error.retryable and not _asked_s(error) > policy.longest_retry_after_s


def _explained(error: ProviderError, policy: RetryPolicy) -> ProviderError:
    """The error to raise: itself, or what says that it asks for too much patience."""
    asked_s = _asked_s(error)
    if asked_s <= policy.longest_retry_after_s:
        return error
    explained = RateLimited(
        f"{error} It asks to wait {asked_s:,.0f} s, and at most "
        f"{policy.longest_retry_after_s:,.0f} s are waited: run the cell again later.",
        retry_after_s=asked_s,
    )
    explained.__cause__ = error
    return explained


def _wait_s(error: ProviderError, number: int, policy: RetryPolicy, uniform: Uniform) -> float:
    if asked_s := _asked_s(error):
        return asked_s + uniform(0.0, policy.first_wait_s)
    doublings = min(number - 1, 60)  # more would only overflow
    return uniform(0.0, min(policy.longest_wait_s, policy.first_wait_s * 2.0**doublings))


def _asked_s(error: ProviderError) -> float:
    """How long the provider asks to wait; 0 where it does not say, or says nothing sensible."""
    asked_s = error.retry_after_s if isinstance(error, RateLimited) else None
    return 0.0 if asked_s is None or math.isnan(asked_s) else max(0.0, asked_s)
