"""What whoever wrote a prompt should know of what it sends, beside the messages themselves."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence

from llm_repl_core.dataflow.cells import analyse_cell
from llm_repl_core.kernels.state import Failed, KernelState
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.names import as_variable
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.templates import Doubt, Template

__all__ = ["doubtful_braces", "few", "refuse_builtins"]

_SHOWN = 5
_TEXT_SHOWN = 80  # characters
_BUILTINS = {name for name in dir(builtins) if not name.startswith("_")} | {
    *("__builtin__", "__builtins__", "display", "exit", "get_ipython", "quit"),
}


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
    shown = [
        (field, name)
        for template in templates
        for field in template.fields
        for name in field.shown
        if name in _BUILTINS
    ]
    names = tuple(await kernel.names()) if shown else ()
    for field, name in shown:
        if name not in names:
            Template((field,)).fill([Failed("NameError", f"name {name!r} is not defined", names)])


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
                    f"{field.named} stands in a formula, and is filled in all the same. For the "
                    "braces of LaTeX write `{{` and `}}`."
                )
    doubts = [doubt for template in templates for doubt in template.doubts]
    known = _names(notebook) if doubts else set()
    for doubt in doubts:
        names = doubt.names - (_BUILTINS - known)
        if names and names <= known:
            yield _about(doubt)


def _about(doubt: Doubt) -> str:
    text = doubt.text
    if len(text) > _TEXT_SHOWN:
        text = f"{text[: _TEXT_SHOWN - 1]}…"
    named = f"`{text}` at line {doubt.line}"
    if doubt.kind == "doubled":
        return f"{named} is sent as `{text[1:-1]}`: doubled braces are plain ones, single ones a field."
    if doubt.kind == "open":
        return f"{named} is sent as it stands, as no brace closes it on its line."
    return (
        f"{named} is sent as it stands: a field starts from a name, as `{{str.join(', ', names)}}` "
        "does, and sets nothing."
    )


def _names(notebook: Notebook) -> set[str]:
    """The names that cells of the notebook set, or its memory has."""
    names = {as_variable(name) for name in notebook.memory}
    for place, cell in enumerate(notebook):
        if isinstance(cell, PromptCell):
            names.add(cell.answer_variable(place))
        else:
            names |= analyse_cell(cell).writes
    return names
