"""A worker kernel that starts while the command still imports what it needs itself."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

    from llm_repl_core import Application, Kernel, Notebook
    from llm_repl_core.kernels.worker.zygote import Zygote
    from llm_repl_core.kernels.worker.zygote_launch import LaunchedZygote

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
        self._launched: LaunchedZygote | None = None
        self._zygote: Zygote | None = None
        expected = chosen or os.environ.get("LLM_REPL_KERNEL") or _USUAL
        if expected == _USUAL and hasattr(os, "fork"):
            # What this imports is little: the process imports the most of what there is.
            from llm_repl_core.errors import KernelStartFailed
            from llm_repl_core.kernels.worker.zygote_launch import LaunchedZygote

            # Where it can't be started, the kernel itself will say so.
            with suppress(OSError, KernelStartFailed):
                self._launched = LaunchedZygote()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def kernel(
        self, application: Application, notebook: Notebook, *, cwd: Path | None = None
    ) -> Kernel | str:
        """The kernel of a notebook, which uses what was begun; else the kernel's name.

        Args:
            application: Has the kernels.
            notebook: The notebook; of several, each gets a kernel of its own.
            cwd: The folder that the code runs in; None: the command's own.

        Raises:
            KernelNotFound: It names one that is not installed.
        """
        from llm_repl_core.kernels.worker import WorkerKernel, Zygote

        name = application.kernel_name(notebook, self._chosen)
        options = application.kernel_options(cwd=cwd)
        launched = self._launched
        # Only now it is known which variables hold keys, also those of plugins.
        if (
            launched is not None
            and application.choose_kernel(notebook, self._chosen).kernel_class is WorkerKernel
            and launched.suits(options.preload, options.withheld_variables)
        ):
            if self._zygote is None:
                self._zygote = Zygote(launched=launched)
            return WorkerKernel(options, zygote=self._zygote)
        if self._zygote is None:
            self._end()
        return name

    def _end(self) -> None:
        zygote, self._zygote = self._zygote, None
        launched, self._launched = self._launched, None
        if zygote is not None:
            import asyncio  # it is there, for the kernel

            asyncio.run(zygote.stop())
        elif launched is not None:
            launched.end(at_once=True)
            launched.close()
