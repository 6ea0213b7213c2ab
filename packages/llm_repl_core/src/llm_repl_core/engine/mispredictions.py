"""Which cells were seen to change what a prompt asks that had been sent ahead of them."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_core.model.notebook import Notebook

__all__ = ["Mispredictions"]


class Mispredictions:
    """Pairs of cells that are not tried again before one of them is edited. One a session.

    Args:
        notebook: The notebook.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._contents: dict[tuple[str, str], tuple[str, str]] = {}

    def note(self, prompt_id: str, above_ids: Iterable[str]) -> None:
        """Note that a prediction was wrong.

        Args:
            prompt_id: The prompt that was sent ahead.
            above_ids: The cells that ran between, any of which may be the reason.
        """
        for above_id in above_ids:
            contents = self._contents_of(prompt_id, above_id)
            if contents is not None:
                self._contents[prompt_id, above_id] = contents

    def holds(self, prompt_id: str, above_id: str) -> bool:
        """Whether a prompt is not to be sent ahead of a cell.

        Args:
            prompt_id: The prompt.
            above_id: The cell above it.
        """
        known = self._contents.get((prompt_id, above_id))
        return known is not None and known == self._contents_of(prompt_id, above_id)

    def pairs(self) -> list[tuple[str, str]]:
        """The pairs that it holds for: a prompt, and a cell above it. From any thread."""
        return [pair for pair in list(self._contents) if self.holds(*pair)]

    def _contents_of(self, prompt_id: str, above_id: str) -> tuple[str, str] | None:
        notebook = self._notebook
        if prompt_id not in notebook or above_id not in notebook:
            return None
        return notebook[prompt_id].content, notebook[above_id].content
