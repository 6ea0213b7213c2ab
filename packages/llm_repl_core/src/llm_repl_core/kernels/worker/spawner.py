"""Makes workers where there is no ``os.fork``: each is an interpreter that starts from nothing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from llm_repl_core.errors import KernelStartFailed
from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.environment import kernel_environment
from llm_repl_core.kernels.private_folder import PrivateFolder
from llm_repl_core.kernels.worker.exit_reasons import exit_reason
from llm_repl_core.kernels.worker.handle import WorkerHandle, worker_options
from llm_repl_core.kernels.worker.listening import listen

__all__ = ["Spawner"]

_PROGRAM = "from llm_repl_core.kernels.worker.worker_process import run_program; run_program()"


class Spawner:
    """Has the methods of a `Zygote`, and none of its speed.

    Args:
        withheld_variables: Names of environment variables that no worker may see, beside
            those that `llm_repl_core.kernels.environment` always withholds.
    """

    def __init__(self, *, withheld_variables: Iterable[str] = ()) -> None:
        self._withheld_variables = tuple(withheld_variables)
        self._folder: PrivateFolder | None = None
        self._numbers = itertools.count(1)

    async def warm(self) -> None:
        """Do nothing: each worker is started from nothing."""

    async def fork(self, options: KernelOptions, *, linger_s: float) -> WorkerHandle:
        """Make a worker; see `Zygote.fork`.

        Raises:
            KernelStartFailed: There is none; the message says why.
        """
        return await asyncio.to_thread(self._spawn, options, linger_s)

    async def stop(self) -> None:
        """Remove the folder of the sockets; the workers are not its children to end."""
        folder, self._folder = self._folder, None
        if folder is not None:
            await asyncio.to_thread(folder.remove)

    def _spawn(self, options: KernelOptions, linger_s: float) -> WorkerHandle:
        if self._folder is None:
            self._folder = PrivateFolder()
        path = self._folder.path / f"{next(self._numbers)}.sock"
        handle = WorkerHandle(str(path), options.memory_limit_bytes)
        told = worker_options(options, handle.path, linger_s)
        try:
            with listen(handle.path) as listener:
                process = subprocess.Popen(  # noqa: S603  our own interpreter
                    [sys.executable, "-c", _PROGRAM, str(listener.fileno())],
                    cwd=self._folder.path,
                    env=kernel_environment(withheld_variables=self._withheld_variables),
                    pass_fds=(listener.fileno(),),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    process_group=0,
                )
        except OSError as error:
            raise KernelStartFailed(f"The kernel's process can't be started: {error}.") from None
        assert process.stdin is not None
        # Not as an argument, which every user of the machine can read.
        with process.stdin as stdin:
            stdin.write(msgspec.json.encode(told))
        handle.pid = process.pid
        threading.Thread(target=_watch, args=(process, handle), daemon=True).start()
        return handle


def _watch(process: subprocess.Popen[bytes], handle: WorkerHandle) -> None:
    status = process.wait()
    with contextlib.suppress(OSError):
        Path(handle.path).unlink()
    handle.ended.set_result(exit_reason(status, memory_limit_bytes=handle.memory_limit_bytes))
