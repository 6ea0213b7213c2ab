"""A worker kernel that starts while the command still imports what it needs itself."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from llm_repl_core import Application, Kernel, Notebook
    from llm_repl_core.kernels.worker import Zygote

__all__ = ["EarlyKernel"]

_USUAL = "worker"


class EarlyKernel:
    """Begins what a worker kernel is forked from, unless it is known to be another one's turn.

    Importing IPython takes as long as all that comes before the first cell. Where the notebook or
    the settings' file then name another kernel, it was begun in vain, and ends. A context manager,
    which ends it in any case.

    Args:
        chosen: The kernel that the command line names, if any.
    """

    def __init__(self, chosen: str | None) -> None:
        self._chosen = chosen
        self._zygote: Zygote | None = None
        expected = chosen or os.environ.get("LLM_REPL_KERNEL") or _USUAL
        if expected == _USUAL and hasattr(os, "fork"):
            from llm_repl_core.errors import KernelStartFailed
            from llm_repl_core.kernels.worker import Zygote

            zygote = Zygote()
            # Where it can't be started, the kernel itself will say so.
            with suppress(OSError, KernelStartFailed):
                zygote.begin()
                self._zygote = zygote

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def kernel(self, application: Application, notebook: Notebook) -> Kernel | str:
        """The kernel of a notebook, which uses what was begun; else the kernel's name.

        Raises:
            KernelNotFound: It names one that is not installed.
        """
        from llm_repl_core.kernels.worker import WorkerKernel

        name = application.kernel_name(notebook, self._chosen)
        options = application.kernel_options()
        # Only now it is known which variables hold keys, also those of plugins.
        if (
            self._zygote is not None
            and application.choose_kernel(notebook, self._chosen).kernel_class is WorkerKernel
            and self._zygote.suits(options)
        ):
            return WorkerKernel(options, zygote=self._zygote)
        self._end()
        return name

    def _end(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            asyncio.run(zygote.stop())
