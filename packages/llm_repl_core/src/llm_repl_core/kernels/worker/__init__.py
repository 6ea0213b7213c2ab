"""The worker kernel: a process of its own, forked from a zygote.

On the application's side are `kernel`, `connection` and `zygote`; in the zygote runs
`zygote_process`, in a worker `worker_process` with `shell`, `capture`, `pump`, `channel` and
`interrupts`. They meet at `protocol` and `frames`. Only the processes import IPython.

The names are imported when they are first used: neither the processes nor who only launches one
(`zygote_launch`) has any use for the application's side.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_repl_core.kernels.worker.kernel import WorkerKernel, make_zygote
    from llm_repl_core.kernels.worker.spawner import Spawner
    from llm_repl_core.kernels.worker.zygote import Zygote

__all__ = ["Spawner", "WorkerKernel", "Zygote", "make_zygote"]

_MODULES = {
    "Spawner": "spawner",
    "WorkerKernel": "kernel",
    "Zygote": "zygote",
    "make_zygote": "kernel",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
