"""A copy of the kernel's state, on which prompts are rendered before their place has come."""

from __future__ import annotations

import asyncio
import contextlib

from msgspec import Struct

from llm_repl_core.engine.kernel_manager import KernelManager
from llm_repl_core.errors import LLMReplError
from llm_repl_core.kernels.state import KernelFork

__all__ = ["StateCopies", "StateCopy"]


class StateCopy(Struct, frozen=True, eq=False):
    """A copy of the state.

    Attributes:
        state: The copy.
        index: The cells before it had run when the copy was made.
        ended: The cells that had ended then, so that it has their answers.
    """

    state: KernelFork
    index: int
    ended: frozenset[str]


class StateCopies:
    """Keeps one copy at a time: the newest. Used in the engine's loop.

    Args:
        kernels: Has the kernel whose state is copied.
        kernel_turn: Whose turn it is to use it.
    """

    def __init__(self, kernels: KernelManager, kernel_turn: asyncio.Lock) -> None:
        self._kernels = kernels
        self._kernel_turn = kernel_turn
        self.current: StateCopy | None = None

    async def renew(self, names: frozenset[str], index: int, ended: set[str]) -> None:
        """Make a copy in place of the one there is; none where the kernel cannot make any.

        Args:
            names: The variables that are read from it.
            index: The cells before it have run.
            ended: The cells that have ended; looked at when the copy is made.
        """
        fork: KernelFork | None = None
        async with self._kernel_turn:
            with contextlib.suppress(LLMReplError):
                await self._kernels.ensure()
                fork = await self._kernels.kernel.fork(names)
        older = self.current
        self.current = None if fork is None else StateCopy(fork, index, frozenset(ended))
        if older is not None:
            await older.state.close()

    async def close(self) -> None:
        """Let the copy go."""
        copy, self.current = self.current, None
        if copy is not None:
            await copy.state.close()
