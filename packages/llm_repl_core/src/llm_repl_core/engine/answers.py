"""The answers of a run's prompts, on their way into the kernel."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["Answers"]


class _Delivery(Struct, frozen=True, eq=False):
    """One answer under way; the future has the notice of a kernel that had to be started anew."""

    names: Sequence[str]
    place: int
    value: JSONValue
    done: asyncio.Future[Output | None]


class Answers:
    """Sets the variables of prompts: answers that come while the kernel is in use go together.

    Prompts that were sent at once are often answered at once, and a round trip to the kernel
    costs more than what goes along with it. One a run, used in the engine's loop.

    Args:
        kernel: Whose variables are set.
        turn: Whose turn it is to use the kernel.
        ensure_kernel: Starts it where it is not alive; answers a notice where state was lost.
    """

    def __init__(
        self,
        kernel: Kernel,
        turn: asyncio.Lock,
        ensure_kernel: Callable[[], Awaitable[Output | None]],
    ) -> None:
        self._kernel = kernel
        self._turn = turn
        self._ensure_kernel = ensure_kernel
        self._set_at: dict[str, int] = {}
        self._waiting: list[_Delivery] = []
        self._under_way: list[_Delivery] = []
        self._task: asyncio.Task[None] | None = None

    def latest(self, names: Sequence[str], place: int) -> list[str]:
        """The variables that a prompt is to set: not those that a lower one has set already.

        Args:
            names: The prompt's variables.
            place: Where the prompt stands among the cells of the run, from 0.
        """
        latest = [name for name in names if self._set_at.get(name, -1) <= place]
        self._set_at |= dict.fromkeys(latest, place)
        return latest

    async def set(self, names: Sequence[str], place: int, value: JSONValue) -> Output | None:
        """Set variables to an answer, those of them that are `latest`.

        Args:
            names: The prompt's variables; each gets a value of its own.
            place: As for `latest`.
            value: The answer.

        Returns:
            A notice for the user where the kernel had lost its state.

        Raises:
            LLMReplError: It could not be set.
        """
        delivery = _Delivery(names, place, value, asyncio.get_running_loop().create_future())
        self._waiting.append(delivery)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._deliver())
        try:
            return await delivery.done
        except asyncio.CancelledError:
            # Of a batch that nobody waits for any more, the kernel is let go.
            if all(one.done.done() for one in (*self._waiting, *self._under_way)):
                self._task.cancel()
                self._task = None
            raise

    async def _deliver(self) -> None:
        while self._waiting:
            async with self._turn:
                batch = [one for one in self._waiting if not one.done.done()]
                self._waiting.clear()
                self._under_way = batch
                if batch and not await self._try(batch) and len(batch) > 1:
                    # One after the other, so that only those fail that can't be set.
                    for one in batch:
                        await self._try([one])
                self._under_way = []

    async def _try(self, batch: Sequence[_Delivery]) -> bool:
        """Set the variables of all; of a single one the error is kept."""
        values: dict[str, Any] = {}
        for one in batch:
            for name in self.latest(one.names, one.place):
                # What the user's code makes of one changes neither the other nor the output.
                values[name] = copy.deepcopy(one.value)
        try:
            notice = await self._ensure_kernel()
            if values:
                await self._kernel.assign(values)
        except Exception as error:  # noqa: BLE001  # a plugin's kernel may raise anything
            if len(batch) == 1 and not batch[0].done.done():
                batch[0].done.set_exception(error)
            return False
        for one in batch:
            if not one.done.done():
                one.done.set_result(notice)
                notice = None
        return True
