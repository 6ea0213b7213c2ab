"""What cannot be run as it is, found out before anything runs."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_core.errors import Conflict, KernelUnsupported
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.cell import CodeCell
from llm_repl_core.model.language import kernelspec_name, notebook_language
from llm_repl_core.model.merge_conflicts import has_both_texts
from llm_repl_core.model.notebook import Notebook

__all__ = ["refuse_merge_conflicts", "refuse_other_language"]


def refuse_other_language(notebook: Notebook, cell_ids: Iterable[str], kernel: Kernel) -> None:
    """Refuse code that the kernel would take for something else.

    Raises:
        KernelUnsupported: There is such code.
    """
    spoken, language = kernel.language, notebook_language(notebook.metadata)
    if spoken is None or spoken == language:
        return
    if any(isinstance(notebook[cell_id], CodeCell) for cell_id in cell_ids):
        spec = kernelspec_name(notebook.metadata)
        raise KernelUnsupported(
            f"The notebook's code is {language.capitalize()}, as its metadata says, and the "
            f"kernel `{kernel.name}` runs {spoken.capitalize()}: install a Jupyter kernel "
            f"for it{f' (the notebook names `{spec}`)' if spec else ''} and "
            "llm-repl-core[jupyter], or correct `kernelspec` in the notebook's metadata."
        )


def refuse_merge_conflicts(notebook: Notebook, cell_ids: Iterable[str]) -> None:
    """Refuse cells that hold both texts of a merge: a prompt would send them.

    Raises:
        Conflict: There is such a cell.
    """
    for cell_id in cell_ids:
        cell = notebook[cell_id]
        if has_both_texts(cell.content, cell.metadata):
            raise Conflict(
                f"Cell {notebook.index(cell_id) + 1} holds both texts of a merge: choose one, and delete "
                "the lines that mark them. Nothing was run."
            )
