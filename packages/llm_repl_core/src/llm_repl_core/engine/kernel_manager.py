"""A session's kernel: started when it is needed, and anew when it has died."""

from __future__ import annotations

from llm_repl_core.engine.executors.memory import restore_memory
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output

__all__ = ["KernelManager"]


class KernelManager:
    """Sees to it that there is a kernel that is alive and has the notebook's memory.

    Args:
        kernel: The kernel, perhaps not started yet.
        notebook: Its memory is given to every new kernel.
    """

    def __init__(self, kernel: Kernel, notebook: Notebook) -> None:
        self.kernel = kernel
        self.notebook = notebook
        self._has_state = False
        self._lost = False
        self._held: set[str] = set()
        self._code: dict[str, list[str]] = {}
        """By cell: what the kernel has run."""
        self.generation = 0
        """Which kernel it is: another number after each start."""

    @property
    def held(self) -> frozenset[str]:
        """The ids of the cells whose variables the kernel has."""
        return frozenset(self._held) if self.kernel.alive and self._has_state else frozenset()

    def note_held(self, cell_id: str) -> None:
        """Note that the kernel has the variables of a cell."""
        self._held.add(cell_id)

    def note_not_held(self, cell_id: str) -> None:
        """Note that what the kernel has of a cell is not what the cell would give now."""
        self._held.discard(cell_id)

    def note_code(self, cell_id: str, content: str) -> None:
        """Note what the kernel runs for a cell."""
        contents = self._code.setdefault(cell_id, [])
        if content not in contents:
            contents.append(content)

    def former_code(self) -> list[str]:
        """What the kernel has run and no cell says any more: its functions may still be there."""
        notebook = self.notebook
        return [
            content
            for cell_id, contents in self._code.items()
            for content in contents
            if cell_id not in notebook or notebook[cell_id].content != content
        ]

    async def ensure(self) -> None:
        """Have a kernel that is alive.

        Raises:
            KernelStartFailed: None can be started.
        """
        if self.kernel.alive and self._has_state:
            return
        if self._has_state:
            self._lost, self._has_state = True, False
            await self.kernel.shutdown()
        await self._start()

    async def ensure_with_notice(self) -> Output | None:
        """As `ensure`; the answer is what the user has to be told, where state was lost."""
        await self.ensure()
        return self._take_notice()

    def note_lost_state(self) -> None:
        """Note that a kernel of before had state, which is gone."""
        self._lost = True

    def _take_notice(self) -> Output | None:
        """What the user has to be told, once, where a kernel that had state has died."""
        lost, self._lost = self._lost, False
        if not lost:
            return None
        return Output.warning(
            "The kernel was started anew: the variables of cells that ran before are gone."
        )

    async def restart(self) -> None:
        """Begin again with the memory only.

        Raises:
            KernelStartFailed: None can be started.
        """
        await self.kernel.shutdown()
        self._has_state = self._lost = False
        await self._start()

    async def _start(self) -> None:
        self._held.clear()
        self._code.clear()
        self.generation += 1
        try:
            if not self.kernel.alive:
                await self.kernel.start()
            await restore_memory(self.notebook.memory, self.kernel)
        except BaseException:
            # A kernel that is alive but lacks its memory must not be taken for a whole one.
            await self.kernel.shutdown()
            raise
        self._has_state = True
