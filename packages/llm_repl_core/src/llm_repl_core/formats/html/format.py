"""The format ``.html``: a notebook as a page that anybody can open, written and never read."""

from __future__ import annotations

from typing import ClassVar, NoReturn

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.formats.base import Format
from llm_repl_core.model.notebook import Notebook

__all__ = ["HtmlFormat"]


class HtmlFormat(Format):
    """A self-contained page: styles and pictures are in it, and it needs no script.

    What a stranger's notebook holds neither runs nor loads anything.
    """

    name: ClassVar[str] = "html"
    suffix: ClassVar[str] = ".html"
    media_type: ClassVar[str] = "text/html"
    is_readable: ClassVar[bool] = False

    def decode(self, data: bytes) -> NoReturn:  # noqa: ARG002  # the interface's signature
        """Refuse: a page does not hold all of a notebook.

        Raises:
            InvalidNotebook: Always.
        """
        raise InvalidNotebook(
            "A page of HTML is for reading: open the .llmn or .ipynb that it was made from."
        )

    def encode(self, notebook: Notebook) -> bytes:
        """Write a file's bytes.

        Raises:
            InvalidInput: What reads Markdown is not installed.
        """
        # What draws the page takes a twentieth of a second to import.
        from llm_repl_core.formats.html._page import draw_page

        return draw_page(notebook, self.answer_price_usd).encode()
