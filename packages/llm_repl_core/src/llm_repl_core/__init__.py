"""LLM-REPL's core: notebooks in which prompts are cells, the engine, the kernels, the hooks."""

from llm_repl_core.application import Application, load_notebook, save_notebook
from llm_repl_core.engine.cell_type import CellType, Execution
from llm_repl_core.engine.events import (
    CellCompleted,
    CellEndedBadly,
    CellOutput,
    CellStarted,
    Event,
    RunCompleted,
    RunEndedBadly,
    RunStarted,
)
from llm_repl_core.engine.session import Session
from llm_repl_core.errors import *  # noqa: F403  # the whole tree is public
from llm_repl_core.errors import __all__ as _errors
from llm_repl_core.formats.base import Format
from llm_repl_core.kernels.base import Expression, Failed, Kernel, KernelOptions, Value
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.model.output import Output
from llm_repl_core.plugins.contexts import (
    CallContext,
    CallResult,
    CellContext,
    CellResult,
    RunContext,
    RunResult,
)
from llm_repl_core.plugins.manager import PluginManager
from llm_repl_core.plugins.markers import hookimpl
from llm_repl_core.providers.base import Delta, Message, Provider, ProviderConfig, Request, Usage
from llm_repl_core.providers.secret import Secret
from llm_repl_core.settings import Settings, load_settings

__version__ = "0.1.0"

__all__ = [
    "Application",
    "CallContext",
    "CallResult",
    "Cell",
    "CellCompleted",
    "CellContext",
    "CellEndedBadly",
    "CellOutput",
    "CellResult",
    "CellStarted",
    "CellType",
    "CodeCell",
    "Delta",
    "Event",
    "Execution",
    "Expression",
    "Failed",
    "ForeignCell",
    "Format",
    "Kernel",
    "KernelOptions",
    "MarkdownCell",
    "MemoryCell",
    "Message",
    "Notebook",
    "Output",
    "PluginManager",
    "PromptCell",
    "Provider",
    "ProviderConfig",
    "Request",
    "RunCompleted",
    "RunContext",
    "RunEndedBadly",
    "RunResult",
    "RunStarted",
    "Secret",
    "Session",
    "Settings",
    "Usage",
    "Value",
    "hookimpl",
    "load_notebook",
    "load_settings",
    "save_notebook",
]
__all__ += _errors
