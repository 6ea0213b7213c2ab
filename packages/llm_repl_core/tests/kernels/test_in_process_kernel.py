from __future__ import annotations

from typing import ClassVar

from llm_repl_core.kernels.base import KernelOptions
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.testing.kernel_suite import KernelSuite


class TestInProcessKernel(KernelSuite):
    survives_process_death: ClassVar[bool] = False
    has_magics: ClassVar[bool] = False
    has_interrupt_of_sleep: ClassVar[bool] = False
    captures_processes: ClassVar[bool] = False
    limits_memory: ClassVar[bool] = False

    def make_kernel(self, options: KernelOptions) -> InProcessKernel:
        return InProcessKernel(options)
