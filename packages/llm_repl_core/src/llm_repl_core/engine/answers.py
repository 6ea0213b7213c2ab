"""The answers of a run's prompts, on their way into the kernel."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import Struct

from llm_repl_core.errors import KernelDied, KernelStartFailed
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["Answers"]


class _Delivery(Struct, frozen=True, eq=False):
    """One answer under way; the future is done when it is in the kernel, or cannot be."""

    names: Sequence[str]
    place: int
    value: JSONValue
    tell: Callable[[Output], None]
    done: asyncio.Future[None]


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

    def latest(self, names: Iterable[str], place: int) -> list[str]:
        """The variables that a prompt is to set: not those that a lower one has set already.

        Args:
            names: The prompt's variables.
            place: Where the prompt stands among the cells of the run, from 0.
        """
        return [name for name in names if self._set_at.get(name, -1) <= place]

    def note_set(self, name: str, place: int) -> None:
        """Note that a prompt has set a variable by itself, within its turn.

        Args:
            name: One of those that are `latest`.
            place: As for `latest`.
        """
        self._set_at[name] = place

    async def set(
        self, names: Sequence[str], place: int, value: JSONValue, tell: Callable[[Output], None]
    ) -> None:
        """Set variables to an answer, those of them that are `latest`.

        Args:
            names: The prompt's variables; each gets a value of its own.
            place: As for `latest`.
            value: The answer.
            tell: Called with a notice for the user where the kernel had lost its state.

        Raises:
            LLMReplError: It could not be set.
        """
        delivery = _Delivery(names, place, value, tell, asyncio.get_running_loop().create_future())
        self._waiting.append(delivery)
        self._start()
        try:
            await delivery.done
        except asyncio.CancelledError:
            await self._let_go()
            raise

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
                for one in _living(self._under_way):
                    one.done.cancel()  # the engine is closing
                self._under_way = []

    async def _place(self, batch: Sequence[_Delivery]) -> None:
        """Set the variables of all; where one can't be set, those of each for itself."""
        error = await self._assign(batch)
        if error is None or isinstance(error, KernelDied | KernelStartFailed):
            _end(batch, error)
            return
        for one in batch:
            if not one.done.done():
                _end([one], await self._assign([one]))

    async def _assign(self, batch: Sequence[_Delivery]) -> BaseException | None:
        """Set the variables of all, or of none; answers why it could not be done."""
        try:
            notice = await self._ensure_kernel()
            living = _living(batch)
            if notice is not None and living:
                living[0].tell(notice)
            values: dict[str, JSONValue] = {}
            places: dict[str, int] = {}
            for one in sorted(living, key=lambda one: one.place):
                for name in self.latest(one.names, one.place):
                    # What the user's code makes of one changes neither the other nor the output.
                    values[name] = copy.deepcopy(one.value)
                    places[name] = one.place
            if values:
                await self._kernel.assign(values)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return error
        except BaseException as error:  # noqa: BLE001  # a plugin's kernel may raise anything
            return error
        self._set_at |= places
        return None


def _living(deliveries: Iterable[_Delivery]) -> list[_Delivery]:
    """Those that somebody still waits for."""
    return [one for one in deliveries if not one.done.done()]


def _end(batch: Iterable[_Delivery], error: BaseException | None) -> None:
    for one in _living(batch):
        if error is None:
            one.done.set_result(None)
        elif isinstance(error, asyncio.CancelledError):
            one.done.cancel()
        else:
            one.done.set_exception(error)
