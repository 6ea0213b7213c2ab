"""The kernels of a server's notebooks: forked from one zygote, which is warm when they are wanted."""

from __future__ import annotations

from pathlib import Path

from llm_repl_core import Application, Kernel, Notebook
from llm_repl_core.kernels.worker import WorkerKernel, make_zygote

__all__ = ["KernelFactory"]


class KernelFactory:
    """Makes kernels, which are started when they first have something to run.

    Args:
        application: Knows the kinds of kernels.
        root: The folder that code runs in.
    """

    def __init__(self, application: Application, root: Path) -> None:
        self._application = application
        self._options = application.kernel_options(cwd=root)
        self._zygote = make_zygote(self._options)

    async def warm(self) -> None:
        """Begin to import what kernels need, where the settings' kernel needs it."""
        kernel_class = self._application.kernels.get(self._application.settings.kernel)
        if kernel_class is not None and issubclass(kernel_class, WorkerKernel):
            await self._zygote.warm()

    def make(self, notebook: Notebook) -> Kernel:
        """A kernel for a notebook, of the kind that it names under ``metadata.llm_repl.kernel``.

        Raises:
            KernelNotFound: It names one that is not installed.
        """
        choice = self._application.choose_kernel(notebook)
        if issubclass(choice.kernel_class, WorkerKernel):
            return choice.kernel_class(self._options, zygote=self._zygote)
        return choice.make(self._options)

    async def close(self) -> None:
        """End the zygote; to be called when all kernels have ended."""
        await self._zygote.stop()
