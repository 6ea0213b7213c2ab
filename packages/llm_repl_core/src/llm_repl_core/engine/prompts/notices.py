"""What whoever wrote a prompt should know of what it sends, beside the messages themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.kernels.state import KernelState
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.names import as_variable
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.templates import Lookalike, Template
from llm_repl_core.templates.unknown_names import PYTHON_NAMES

__all__ = ["doubtful_braces", "doubtful_lookalikes", "few", "refuse_builtins"]

_SHOWN = 5


def few(notices: Sequence[str]) -> tuple[str, ...]:
    """The notices, each once, and a bounded number of them."""
    different = tuple(dict.fromkeys(notices))
    more = len(different) - _SHOWN
    return (*different[:_SHOWN], f"And {more} more of this kind.") if more > 0 else different


async def refuse_builtins(templates: Sequence[Template], kernel: KernelState) -> None:
    """Fail for fields such as ``{id}`` and ``{type}``, which only Python has, and not the notebook.

    Raises:
        InvalidTemplate: There is one; it is the error of any other unknown name.
        KernelDied: The kernel ended meanwhile.
    """
    if any(field.builtins for template in templates for field in template.fields):
        names = tuple(await kernel.names())
        for template in templates:
            template.refuse_builtins(names)


def doubtful_braces(templates: Sequence[Template], notebook: Notebook) -> Iterator[str]:
    """What is sent as it stands and would be a value if it were written otherwise, or the reverse.

    Only what has all its names from the notebook is in doubt: braces in an example of JSON, in CSS
    or in code seldom have.

    Args:
        templates: What is sent.
        notebook: Whose cells say which names there are.
    """
    for template in templates:
        for field in template.fields:
            if field.in_formula:
                yield (
                    f"{field.named} is inside a formula, but is filled in nevertheless. For the "
                    "braces of LaTeX write `{{` and `}}`."
                )
    for lookalike in doubtful_lookalikes(templates, notebook):
        yield lookalike.notice


def doubtful_lookalikes(templates: Sequence[Template], notebook: Notebook) -> Iterator[Lookalike]:
    """What looks like a field, has all its names from the notebook, and is sent as text.

    Args:
        templates: What is sent.
        notebook: Whose cells say which names there are.
    """
    lookalikes = [found for template in templates for found in template.lookalikes]
    known = _names(notebook) if lookalikes else set()
    for lookalike in lookalikes:
        names = lookalike.names - (PYTHON_NAMES - known)
        if names and names <= known:
            yield lookalike


def _names(notebook: Notebook) -> set[str]:
    """The names that cells of the notebook set, or its memory has."""
    names = {as_variable(name) for name in notebook.memory}
    for place, cell in enumerate(notebook):
        if isinstance(cell, PromptCell):
            names.add(cell.answer_variable(place))
        else:
            names |= analyse_cell(cell).writes
    return names
