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
    from llm_repl_core.providers.base import (
        Delta,
        Message,
        Provider,
        ProviderConfig,
        Request,
        Usage,
    )
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

_MODULES = {
    "application": ("Application", "load_notebook", "save_notebook"),
    "engine.cell_type": ("CellType", "Execution"),
    "engine.events": (
        "CellCompleted",
        "CellEndedBadly",
        "CellOutput",
        "CellStarted",
        "Event",
        "RunCompleted",
        "RunEndedBadly",
        "RunStarted",
    ),
    "engine.session": ("Session",),
    "formats.base": ("Format",),
    "kernels.base": ("Expression", "Failed", "Kernel", "KernelOptions", "Value"),
    "model.cell": ("Cell", "CodeCell", "ForeignCell", "MarkdownCell", "MemoryCell", "PromptCell"),
    "model.notebook": ("Notebook",),
    "model.output": ("Output",),
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
    "providers.base": ("Delta", "Message", "Provider", "ProviderConfig", "Request", "Usage"),
    "providers.secret": ("Secret",),
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
