"""The start of a zygote's process, which needs little: a command begins it before it imports the rest."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import IO

from llm_repl_core.kernels.environment import kernel_environment
from llm_repl_core.kernels.private_folder import PrivateFolder

__all__ = ["LaunchedZygote"]

# No garbage is collected, from the beginning to the fork: what would be freed leaves holes everywhere,
# and each worker that fills some has those pages of its own.
_PROGRAM = (
    "import gc; gc.disable(); "
    "from llm_repl_core.kernels.worker.zygote_process import run_program; run_program()"
)
_STOP_TIMEOUT_S = 2.0


class LaunchedZygote:
    """A zygote's process from its start to its end, and what it has of this one.

    Args:
        preload: Modules that it imports.
        withheld_variables: Names of environment variables that it may not see, beside those that
            `llm_repl_core.kernels.environment` always withholds.

    Raises:
        KernelStartFailed: There is no folder for its sockets.
        OSError: The system starts no process.

    Attributes:
        preload: As given.
        environment: The variables that it has.
        folder: Where its workers' sockets are.
        control: Over which it is asked for workers; it ends when this is closed.
        errors: What it writes to standard error until it is ready.
        process: The process.
    """

    def __init__(
        self, preload: Iterable[str] = (), *, withheld_variables: Iterable[str] = ()
    ) -> None:
        self.preload = tuple(preload)
        self.environment = kernel_environment(withheld_variables=withheld_variables)
        self.folder = PrivateFolder()
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long
        self.control, theirs = socket.socketpair()
        inherited = [] if self.folder.descriptor is None else [self.folder.descriptor]
        with theirs:
            # Its folder is the one that it runs in, so that no file of the user's is imported
            # in a module's place.
            self.process = subprocess.Popen(  # noqa: S603  our own interpreter
                [
                    sys.executable,
                    "-c",
                    _PROGRAM,
                    str(theirs.fileno()),
                    str(self.folder.descriptor),
                    *self.preload,
                ],
                cwd=self.folder.path,
                env=self.environment,
                pass_fds=[theirs.fileno(), *inherited],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                start_new_session=True,
            )

    def suits(self, preload: Iterable[str], withheld_variables: Iterable[str]) -> bool:
        """Whether its workers have imported, and see of the environment, what is wanted now."""
        return self.preload == tuple(preload) and self.environment == kernel_environment(
            withheld_variables=withheld_variables
        )

    def end(self, *, at_once: bool) -> None:
        """End the process, wait for that, and let go of what it had.

        Args:
            at_once: Whether it has no workers yet, and would end its imports first.
        """
        if at_once:
            self.process.kill()
        try:
            self.process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """Let go of the sockets and files that a process which has ended leaves."""
        self.control.close()
        self.errors.close()
        self.folder.remove(with_content=True)
