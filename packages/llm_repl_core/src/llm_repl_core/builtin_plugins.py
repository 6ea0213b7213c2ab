"""What comes with the core, registered by the hooks that strangers use."""

from __future__ import annotations

from llm_repl_core.engine.executors.code import execute_code
from llm_repl_core.engine.executors.markdown import execute_markdown
from llm_repl_core.engine.executors.memory import execute_memory
from llm_repl_core.engine.executors.prompt import execute_prompt
from llm_repl_core.execution.cell_type import CellType
from llm_repl_core.formats.base import Format
from llm_repl_core.formats.html.format import HtmlFormat
from llm_repl_core.formats.ipynb import IpynbFormat
from llm_repl_core.formats.llmn import LlmnFormat
from llm_repl_core.formats.text_notebooks import MarkdownNotebookFormat, PercentFormat
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.kernels.jupyter import JupyterKernel
from llm_repl_core.kernels.worker import WorkerKernel
from llm_repl_core.model.cell import CodeCell, MarkdownCell, MemoryCell, PromptCell
from llm_repl_core.plugins.markers import hookimpl

__all__ = ["llm_repl_cell_types", "llm_repl_formats", "llm_repl_kernels"]


@hookimpl
def llm_repl_cell_types() -> list[CellType]:
    """Markdown, code, prompt and memory."""
    return [
        CellType(MarkdownCell, execute_markdown),
        CellType(CodeCell, execute_code, runs_in_kernel=True),
        CellType(PromptCell, execute_prompt, shares_kernel=True),
        CellType(MemoryCell, execute_memory),
    ]


@hookimpl
def llm_repl_kernels() -> list[type[Kernel]]:
    """In this process, in a worker process, and any of Jupyter's."""
    return [InProcessKernel, WorkerKernel, JupyterKernel]


@hookimpl
def llm_repl_formats() -> list[type[Format]]:
    """The native format, Jupyter's, those for people's editors, and one to read."""
    return [LlmnFormat, IpynbFormat, PercentFormat, MarkdownNotebookFormat, HtmlFormat]
