"""The kernel that runs code in the caller's own process."""

from llm_repl_core.kernels.in_process.kernel import InProcessKernel

__all__ = ["InProcessKernel"]
