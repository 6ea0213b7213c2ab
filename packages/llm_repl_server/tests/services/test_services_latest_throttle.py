"""How far something is: told at once, then no more often than people can look."""

from __future__ import annotations

import asyncio

from llm_repl_server.services.throttles import LatestThrottle

LIMIT_S = 20.0


class Told(list):
    """What was told; somebody may wait for so many."""

    def __init__(self):
        super().__init__()
        self._more = asyncio.Event()

    def tell(self, value):
        self.append(value)
        self._more.set()

    async def reach(self, count):
        while len(self) < count:
            self._more.clear()
            await self._more.wait()


def run(scenario):
    told = Told()

    async def inside():
        async with asyncio.timeout(LIMIT_S):
            await scenario(LatestThrottle(told.tell), told)

    asyncio.run(inside())
    return told


def test_the_first_value_is_told_at_once():
    async def scenario(throttle, told):
        throttle.add(1)
        assert told == [1]

    run(scenario)


def test_of_those_that_follow_the_latest_is_told():
    async def scenario(throttle, told):
        for value in range(1, 6):
            throttle.add(value)
        assert told == [1]
        await told.reach(2)

    assert run(scenario) == [1, 5]


def test_what_waits_is_told_when_it_has_to_be_and_once():
    async def scenario(throttle, told):
        throttle.add(1)
        throttle.add(2)
        throttle.flush()
        throttle.flush()
        assert told == [1, 2]
        throttle.add(3)
        await told.reach(3)

    assert run(scenario) == [1, 2, 3]


def test_after_a_pause_a_value_is_told_at_once_again():
    async def scenario(throttle, told):
        throttle.add(1)
        asyncio.get_running_loop().time = lambda: 1e12
        throttle.add(2)
        assert told == [1, 2]

    run(scenario)
