"""What every kernel must do. The author of one subclasses `KernelSuite` in a test module.

::

    class TestMyKernel(KernelSuite):
        def make_kernel(self, options):
            return MyKernel(options)

Flags say what a kernel of its nature can't do. Needs pytest, and nothing of its plugins.
"""

from __future__ import annotations

from llm_repl_core.testing.kernel_suite._checks import Check, interrupted, run_cell, text_of
from llm_repl_core.testing.kernel_suite._failures import FailureTests
from llm_repl_core.testing.kernel_suite._forks import ForkTests
from llm_repl_core.testing.kernel_suite._interrupts import InterruptTests
from llm_repl_core.testing.kernel_suite._life import LifeTests
from llm_repl_core.testing.kernel_suite._outputs import OutputTests
from llm_repl_core.testing.kernel_suite._pending import PendingTests
from llm_repl_core.testing.kernel_suite._threads import ThreadTests
from llm_repl_core.testing.kernel_suite._updates import UpdateTests
from llm_repl_core.testing.kernel_suite._values import ValueTests

__all__ = ["Check", "KernelSuite", "interrupted", "run_cell", "text_of"]


class KernelSuite(
    OutputTests,
    ThreadTests,
    UpdateTests,
    FailureTests,
    InterruptTests,
    ValueTests,
    PendingTests,
    ForkTests,
    LifeTests,
):
    """The tests; each starts kernels of its own, and ends them."""
