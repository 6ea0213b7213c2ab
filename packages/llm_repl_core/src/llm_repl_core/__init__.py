"""LLM-REPL's core: notebooks in which prompts are cells, the engine, the kernels, the hooks.

The names are imported when they are first used: all of them take longer than Flask, and a plugin
or a program that only handles notebooks needs a few.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from llm_repl_core.errors import *  # noqa: F403  # the whole tree is public
from llm_repl_core.errors import __all__ as _errors

if TYPE_CHECKING:
    from llm_repl_core.application import Application, load_notebook, save_notebook
    from llm_repl_core.dataflow.graph import Graph
    from llm_repl_core.engine.budget import Budget
    from llm_repl_core.engine.options import RunOptions
    from llm_repl_core.engine.prompts.preview import Preview
    from llm_repl_core.execution.cell_type import CellType, Execution
    from llm_repl_core.execution.events import (
        CallQueued,
        CallSent,
        CellCompleted,
        CellFailed,
        CellNeed,
        CellOutput,
        CellOutputsCleared,
        CellOutputUpdated,
        CellReasoning,
        CellRemoved,
        CellRetried,
        CellsStale,
        CellStarted,
        CellSuperseded,
        CellText,
        CellWaiting,
        Event,
        ItemsProgress,
        ItemsStarted,
        RunCompleted,
        RunFailed,
        RunProgress,
        RunStarted,
        StaleReasonsChanged,
        ToolApprovalNeeded,
    )
    from llm_repl_core.formats.base import Format
    from llm_repl_core.kernels.base import Expression, Failed, Kernel, KernelOptions, Value
    from llm_repl_core.ledger.base import Ledger
    from llm_repl_core.ledger.in_memory import MemoryLedger
    from llm_repl_core.ledger.record import CallRecord
    from llm_repl_core.ledger.recordings import RecordingsLedger
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
    from llm_repl_core.model.staleness import Staleness, StaleReason
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
    from llm_repl_core.providers.base import (
        AnswerSchema,
        Attachment,
        CacheHint,
        Delta,
        Message,
        Provider,
        ProviderConfig,
        Request,
        Tool,
        ToolCall,
    )
    from llm_repl_core.providers.parts import (
        Citation,
        Media,
        Reasoning,
        Refusal,
        ServerToolCall,
        Text,
        TokenLogprob,
        ToolCallPlace,
    )
    from llm_repl_core.providers.secret import Secret
    from llm_repl_core.providers.usage import Usage
    from llm_repl_core.session import Session
    from llm_repl_core.settings import Settings, load_settings

__version__ = "0.1.0"

__all__ = [
    "AnswerSchema",
    "Application",
    "Attachment",
    "Budget",
    "CacheHint",
    "CallContext",
    "CallQueued",
    "CallRecord",
    "CallResult",
    "CallSent",
    "Cell",
    "CellCompleted",
    "CellContext",
    "CellFailed",
    "CellNeed",
    "CellOutput",
    "CellOutputUpdated",
    "CellOutputsCleared",
    "CellReasoning",
    "CellRemoved",
    "CellResult",
    "CellRetried",
    "CellStarted",
    "CellSuperseded",
    "CellText",
    "CellType",
    "CellWaiting",
    "CellsStale",
    "Citation",
    "CodeCell",
    "Delta",
    "Event",
    "Execution",
    "Expression",
    "Failed",
    "ForeignCell",
    "Format",
    "Graph",
    "ItemsProgress",
    "ItemsStarted",
    "Kernel",
    "KernelOptions",
    "Ledger",
    "MarkdownCell",
    "Media",
    "MemoryCell",
    "MemoryLedger",
    "Message",
    "Notebook",
    "Output",
    "PluginManager",
    "Preview",
    "PromptCell",
    "Provider",
    "ProviderConfig",
    "Reasoning",
    "RecordingsLedger",
    "Refusal",
    "Request",
    "RunCompleted",
    "RunContext",
    "RunFailed",
    "RunOptions",
    "RunProgress",
    "RunResult",
    "RunStarted",
    "Secret",
    "ServerToolCall",
    "Session",
    "Settings",
    "StaleReason",
    "StaleReasonsChanged",
    "Staleness",
    "Text",
    "TokenLogprob",
    "Tool",
    "ToolApprovalNeeded",
    "ToolCall",
    "ToolCallPlace",
    "Usage",
    "Value",
    "hookimpl",
    "load_notebook",
    "load_settings",
    "save_notebook",
]
__all__ += _errors

_MODULES = {
    "engine.budget": ("Budget",),
    "engine.options": ("RunOptions",),
    "engine.prompts.preview": ("Preview",),
    "dataflow.graph": ("Graph",),
    "ledger.base": ("Ledger",),
    "ledger.in_memory": ("MemoryLedger",),
    "ledger.record": ("CallRecord",),
    "ledger.recordings": ("RecordingsLedger",),
    "application": ("Application", "load_notebook", "save_notebook"),
    "execution.cell_type": ("CellType", "Execution"),
    "execution.events": (
        "CallQueued",
        "CallSent",
        "CellNeed",
        "CellRemoved",
        "CellWaiting",
        "CellCompleted",
        "CellFailed",
        "CellOutput",
        "CellOutputUpdated",
        "CellOutputsCleared",
        "CellReasoning",
        "CellRetried",
        "CellSuperseded",
        "CellStarted",
        "CellText",
        "CellsStale",
        "Event",
        "ItemsProgress",
        "ItemsStarted",
        "RunCompleted",
        "RunFailed",
        "RunProgress",
        "RunStarted",
        "StaleReasonsChanged",
        "ToolApprovalNeeded",
    ),
    "formats.base": ("Format",),
    "kernels.base": ("Expression", "Failed", "Kernel", "KernelOptions", "Value"),
    "model.cell": ("Cell", "CodeCell", "ForeignCell", "MarkdownCell", "MemoryCell", "PromptCell"),
    "model.notebook": ("Notebook",),
    "model.output": ("Output",),
    "model.staleness": ("StaleReason", "Staleness"),
    "plugins.contexts": (
        "CallContext",
        "CallResult",
        "CellContext",
        "CellResult",
        "RunContext",
        "RunResult",
    ),
    "plugins.manager": ("PluginManager",),
    "plugins.markers": ("hookimpl",),
    "providers.base": (
        "AnswerSchema",
        "Attachment",
        "CacheHint",
        "Delta",
        "Message",
        "Provider",
        "ProviderConfig",
        "Request",
        "Tool",
        "ToolCall",
    ),
    "providers.parts": (
        "Citation",
        "Media",
        "Reasoning",
        "Refusal",
        "ServerToolCall",
        "Text",
        "TokenLogprob",
        "ToolCallPlace",
    ),
    "providers.secret": ("Secret",),
    "providers.usage": ("Usage",),
    "session": ("Session",),
    "settings": ("Settings", "load_settings"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # the next use finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
