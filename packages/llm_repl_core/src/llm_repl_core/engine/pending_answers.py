"""The answers of a run's prompts, on their way into the kernel."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Sequence

from msgspec import UNSET, Struct, UnsetType

from llm_repl_core.engine.kernel_manager import KernelManager
from llm_repl_core.errors import KernelDied, KernelStartFailed
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["PendingAnswers"]


class _Delivery(Struct, frozen=True, eq=False):
    """One answer under way; the future is done when it is in the kernel, or cannot be."""

    names: Sequence[str]
    index: int
    value: JSONValue | UnsetType
    notify: Callable[[Output], None]
    token: str | None
    done: asyncio.Future[None]


class PendingAnswers:
    """Sets the variables of prompts: answers that come while the kernel is in use go together.

    Prompts that were sent at once are often answered at once, and a round trip to the kernel
    costs more than what goes along with it. One a run, used in the engine's loop.

    Args:
        kernels: Has the kernel whose variables are set.
        turn: Whose turn it is to use the kernel.
    """

    def __init__(self, kernels: KernelManager, turn: asyncio.Lock) -> None:
        self._kernels = kernels
        self._turn = turn
        self._pending: dict[str, int] = {}
        """By token: the kernel whose variables have no value until the answer is there."""
        self._waiting: list[_Delivery] = []
        self._under_way: list[_Delivery] = []
        self._task: asyncio.Task[None] | None = None

    async def set_pending(self, token: str, names: Sequence[str], why: str) -> None:
        """Have variables wait for an answer, within the caller's turn.

        Args:
            token: By which `set` or `give_up` find them again.
            names: The variables.
            why: What code is told that reads one of them, in a sentence.

        Raises:
            LLMReplError: The kernel cannot do it.
        """
        await self._kernels.kernel.set_pending(names, token, why)
        self._pending[token] = self._kernels.generation

    def give_up(self, token: str) -> None:
        """Have the variables of a prompt that has no answer be what they were before it."""
        if self._pending.get(token) != self._kernels.generation or not self._kernels.kernel.alive:
            self._pending.pop(token, None)
            return
        given_up = self._put((), 0, UNSET, lambda _notice: None, token)
        # Looked at, or asyncio logs an error that nobody has come to be told.
        given_up.done.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def set(
        self,
        names: Sequence[str],
        index: int,
        value: JSONValue,
        notify: Callable[[Output], None],
        *,
        token: str | None = None,
    ) -> None:
        """Set variables to an answer.

        Args:
            names: The prompt's variables; each gets a value of its own.
            index: Where the prompt stands among the cells of the run, from 0.
            value: The answer.
            notify: Called with a notice for the user where the kernel had lost its state.
            token: By which the variables were made to wait for it, where they were.

        Raises:
            LLMReplError: It could not be set.
        """
        delivery = self._put(names, index, value, notify, token)
        try:
            await delivery.done
        except asyncio.CancelledError:
            await self._let_go()
            raise

    async def settled(self) -> None:
        """Wait until the kernel has what is on its way to it."""
        while (task := self._task) is not None:
            await asyncio.wait([task])
            await asyncio.sleep(0)  # until it is known whether there is more

    def _put(
        self,
        names: Sequence[str],
        index: int,
        value: JSONValue | UnsetType,
        notify: Callable[[Output], None],
        token: str | None,
    ) -> _Delivery:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        delivery = _Delivery(names, index, value, notify, token, done)
        self._waiting.append(delivery)
        self._start()
        return delivery

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.ensure_future(self._deliver())
            self._task.add_done_callback(self._restart)

    def _restart(self, _ended: asyncio.Task[None]) -> None:
        """Go on with what came after the last look."""
        self._task = None
        self._waiting = _living(self._waiting)
        if self._waiting:
            self._start()

    async def _let_go(self) -> None:
        """Of answers that nobody waits for any more, have the kernel left before their cells end."""
        task = self._task
        if task is None or _living(self._under_way or self._waiting):
            return
        if not task.cancelling():
            task.cancel()
        await asyncio.wait([task])

    async def _deliver(self) -> None:
        async with self._turn:
            self._under_way, self._waiting = _living(self._waiting), []
            try:
                if self._under_way:
                    await self._place(self._under_way)
            finally:
                for delivery in _living(self._under_way):
                    delivery.done.cancel()  # the engine is closing
                self._under_way = []

    async def _place(self, batch: Sequence[_Delivery]) -> None:
        """Set the variables of all; where one can't be set, those of each for itself."""
        error = await self._assign(batch)
        if error is None or isinstance(error, KernelDied | KernelStartFailed):
            _end(batch, error)
            return
        for delivery in batch:
            if not delivery.done.done():
                _end([delivery], await self._assign([delivery]))

    async def _assign(self, batch: Sequence[_Delivery]) -> BaseException | None:
        """Set the variables of all, or of none; answers why it could not be done."""
        try:
            notice = await self._kernels.ensure_with_notice()
            living = sorted(_living(batch), key=lambda delivery: delivery.index)
            if notice is not None and living:
                living[0].notify(notice)
            values: dict[str, JSONValue] = {}
            resolved: dict[str, dict[str, JSONValue] | None] = {}
            for delivery in living:
                value = delivery.value
                # What the user's code makes of one changes neither the other nor the output.
                own = (
                    None
                    if isinstance(value, UnsetType)
                    else {name: copy.deepcopy(value) for name in delivery.names}
                )
                token = delivery.token
                if token is not None and self._pending.get(token) == self._kernels.generation:
                    resolved[token] = own
                else:
                    values |= own or {}
            if resolved:
                await self._kernels.kernel.resolve_pending(resolved)
                for token in resolved:
                    self._pending.pop(token, None)
            if values:
                await self._kernels.kernel.assign(values)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return error
        except BaseException as error:  # noqa: BLE001  # a plugin's kernel may raise anything
            return error
        return None


def _living(deliveries: Iterable[_Delivery]) -> list[_Delivery]:
    """Those that somebody still waits for."""
    return [delivery for delivery in deliveries if not delivery.done.done()]


def _end(batch: Iterable[_Delivery], error: BaseException | None) -> None:
    for delivery in _living(batch):
        if error is None:
            delivery.done.set_result(None)
        elif isinstance(error, asyncio.CancelledError):
            delivery.done.cancel()
        else:
            delivery.done.set_exception(error)
