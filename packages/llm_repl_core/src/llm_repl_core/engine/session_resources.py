"""What a session has that its runs use."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from llm_repl_core.dataflow.code import analyse_code
from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.engine.approvals import Approvals
from llm_repl_core.engine.call_policies import CallPolicies
from llm_repl_core.engine.calls import ModelCaller
from llm_repl_core.engine.dependencies import Dependencies
from llm_repl_core.engine.displays import Displays
from llm_repl_core.engine.event_stream import EventStream
from llm_repl_core.engine.kernel_manager import KernelManager
from llm_repl_core.engine.mispredictions import Mispredictions
from llm_repl_core.execution.cell_type import CellType
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.cell import Cell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.plugins.manager import PluginManager

__all__ = ["SessionResources"]


class SessionResources(Struct, kw_only=True, eq=False):
    """The parts of a session, each of which knows none of the others' users.

    Attributes:
        notebook: The notebook.
        kernels: Has its kernel.
        cell_types: How each class of cell is run.
        model_caller: Sends requests to models.
        policies: What runs allow their calls.
        plugins: Whose hooks watch.
        events: Where the events of runs go.
        approvals: Calls of tools that wait until somebody agrees.
        mispredictions: Which predictions were wrong.
        dependencies: What depends on what.
        displays: What is displayed under which id.
        cell_timeout_s: How long a cell may run; 0: no limit.
        execution_count: How many cells the kernel has run.
        plain_names: Variables that were set from outside, to plain data.
    """

    notebook: Notebook
    kernels: KernelManager
    cell_types: Mapping[type[Cell], CellType]
    model_caller: ModelCaller
    policies: CallPolicies
    plugins: PluginManager
    events: EventStream
    approvals: Approvals
    mispredictions: Mispredictions
    dependencies: Dependencies
    displays: Displays
    cell_timeout_s: float = 0.0
    execution_count: int = 0
    plain_names: set[str] = field(default_factory=set)

    @property
    def kernel(self) -> Kernel:
        """The notebook's kernel."""
        return self.kernels.kernel

    def effects_of_former_code(self) -> list[Effects]:
        """What the code does that the kernel has run and that no cell says any more."""
        return [analyse_code(content) for content in self.kernels.former_code()]
