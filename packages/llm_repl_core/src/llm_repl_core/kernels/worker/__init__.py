"""The worker kernel: a process of its own, forked from a zygote.

On the application's side are `kernel`, `connection` and `zygote`; in the zygote runs
`zygote_process`, in a worker `worker_process` with `shell`, `capture`, `pump`, `channel` and
`interrupts`. They meet at `protocol` and `frames`. Only the processes import IPython.
"""

from llm_repl_core.kernels.worker.kernel import WorkerKernel, make_zygote
from llm_repl_core.kernels.worker.spawner import Spawner
from llm_repl_core.kernels.worker.zygote import Zygote

__all__ = ["Spawner", "WorkerKernel", "Zygote", "make_zygote"]
