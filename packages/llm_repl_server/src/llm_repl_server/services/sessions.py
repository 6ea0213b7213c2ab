"""The sessions of a server's notebooks: their kernels are forked from one zygote, which is warm."""

from __future__ import annotations

import platform
from pathlib import Path

from llm_repl_core import Application, InvalidInput, Kernel, Notebook
from llm_repl_core.engine.live_session import LiveSession
from llm_repl_core.errors import KernelNotFound
from llm_repl_core.kernels.worker import WorkerKernel, make_zygote
from llm_repl_core.ledger.base import Ledger
from llm_repl_core.model.language import PYTHON, notebook_language

__all__ = ["SessionFactory"]


class SessionFactory:
    """Makes sessions; a kernel is started when it first has something to run.

    Args:
        application: Knows the kinds of kernels.
        ledger: Where calls to models are put on record.
        root: The folder that code runs in.
    """

    def __init__(self, application: Application, ledger: Ledger, root: Path) -> None:
        self._application = application
        self._ledger = ledger
        self._options = application.kernel_options(cwd=root)
        self._zygote = make_zygote(self._options)

    async def warm(self) -> None:
        """Begin to import what kernels need, where the settings' kernel needs it."""
        kernel_class = self._application.kernels.get(self._application.settings.kernel)
        if kernel_class is not None and issubclass(kernel_class, WorkerKernel):
            await self._zygote.warm()

    def python_version(self, notebook: Notebook) -> str | None:
        """The version of Python that a notebook's kernel would run; None where that is not known."""
        if notebook_language(notebook.metadata) != PYTHON:
            return None
        try:
            choice = self._application.choose_kernel(notebook)
        except (KernelNotFound, InvalidInput):
            return None
        is_ours = choice.kernel_class.language_version is Kernel.language_version
        return platform.python_version() if is_ours else None

    def open(self, notebook: Notebook) -> LiveSession:
        """A session for a notebook, with a kernel of the kind that it names under ``metadata.llm_repl.kernel``.

        Raises:
            KernelNotFound: It names one that is not installed.
        """
        choice = self._application.choose_kernel(notebook)
        if issubclass(choice.kernel_class, WorkerKernel):
            kernel: Kernel = choice.kernel_class(self._options, zygote=self._zygote)
        else:
            kernel = choice.make(self._options)
        return self._application.open_live(notebook, kernel=kernel, ledger=self._ledger)

    async def close(self) -> None:
        """End the zygote; to be called when all kernels have ended."""
        await self._zygote.stop()
