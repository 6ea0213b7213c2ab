"""``.py`` and ``.md``: notebooks as text that people edit, as jupytext has them, without what a run gave."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from llm_repl_core.errors import InvalidInput, InvalidNotebook
from llm_repl_core.formats.base import Format
from llm_repl_core.formats.ipynb import IpynbFormat
from llm_repl_core.model.notebook import Notebook

__all__ = ["MarkdownNotebookFormat", "PercentFormat"]

_ID = "id"
_OTHER_ID = "id_of_another_tool"
"""Where metadata have an `id` of their own, as Colab's do."""
_SPACING = "lines_to_next_cell"
"""Jupytext's note of blank lines."""
_ALL = "all"
_HALF = re.compile("[\ud800-\udfff]")


class _TextFormat(Format):
    """A text format of jupytext's.

    Everything that is written by hand is in it: cells with their ids and options, the notebook's name,
    metadata and memory. Outputs, answers and attachments are not; neither is always a blank line at the end of
    a cell.
    """

    jupytext_name: ClassVar[str]

    def decode(self, data: bytes) -> Notebook:
        """Read a file's bytes; a file that jupytext or a person has written has what it says.

        Raises:
            InvalidNotebook: It is no text in UTF-8, or its head cannot be read.
        """
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidNotebook(
                f"This is not a {self.suffix} file: byte {error.start} is not UTF-8."
            ) from None
        return self._read(text)

    def encode(self, notebook: Notebook) -> bytes:
        """Write a file's bytes.

        Raises:
            InvalidInput: A cell's text cannot be told from the format's own marks.
        """
        jupytext = _import_jupytext()
        document = json.loads(self._ipynb().encode(_without_results(notebook)))
        for cell in document["cells"]:
            if _ID in cell["metadata"]:
                cell["metadata"][_OTHER_ID] = cell["metadata"][_ID]
            cell["metadata"][_ID] = cell["id"]
        metadata = document["metadata"]
        for name in metadata.get("llm_repl", {}).pop("added_metadata", ()):
            metadata.pop(name, None)  # of every notebook in Python
        metadata["jupytext"] = {"cell_metadata_filter": _ALL, "notebook_metadata_filter": _ALL}
        node = jupytext.reads(json.dumps(document), fmt="ipynb")
        text: str = jupytext.writes(node, fmt=self.jupytext_name)
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise self._refusal(notebook, text) from None
        self._refuse_changed(notebook, self._read(text))
        return data

    def _read(self, text: str) -> Notebook:
        jupytext = _import_jupytext()
        try:
            node = jupytext.reads(text, fmt=self.jupytext_name)
        except Exception as error:  # noqa: BLE001  # a YAML reader's and jupytext's own, of many kinds
            reason = str(error).partition("\n")[0]
            raise InvalidNotebook(f"This is not a {self.suffix} notebook: {reason}") from None
        document: dict[str, Any] = json.loads(json.dumps(node, default=str))
        document["metadata"].pop("jupytext", None)
        document |= {"nbformat": 4, "nbformat_minor": 5}
        for cell in document["cells"]:
            cell["metadata"].pop(_SPACING, None)
            cell_id = cell["metadata"].pop(_ID, None)
            if isinstance(cell_id, str):
                cell["id"] = cell_id
            if _OTHER_ID in cell["metadata"]:
                cell["metadata"][_ID] = cell["metadata"].pop(_OTHER_ID)
            if isinstance(cell["source"], list):
                cell["source"] = "".join(cell["source"])
        return self._ipynb().decode(json.dumps(document).encode())

    def _ipynb(self) -> IpynbFormat:
        ipynb = IpynbFormat(self.cell_types)
        ipynb.default_name, ipynb.modified_at = self.default_name, self.modified_at
        return ipynb

    def _refusal(self, notebook: Notebook, text: str) -> InvalidInput:
        """What there is to say of a text that UTF-8 does not have."""
        numbered = enumerate(notebook, start=1)
        where = next(
            (f"Cell {number}" for number, cell in numbered if _HALF.search(cell.content)),
            "The notebook",
        )
        return InvalidInput(
            f"{where} cannot be written to a {self.suffix} file: it holds half of a character "
            f"({_HALF.findall(text)[0]!a}), which UTF-8 does not have. Take it out, or save the "
            "notebook as .llmn or .ipynb instead."
        )

    def _refuse_changed(self, notebook: Notebook, read_again: Notebook) -> None:
        texts = [cell.content.rstrip("\n") for cell in read_again]
        for number, cell in enumerate(notebook, start=1):
            if texts[number - 1 : number] != [cell.content.rstrip("\n")]:
                raise InvalidInput(
                    f"Cell {number} cannot be written to a {self.suffix} file: it has lines that mean "
                    "something else there. Save the notebook as .llmn or .ipynb instead."
                )


class PercentFormat(_TextFormat):
    """Python with ``# %%`` between cells, as editors know it."""

    name: ClassVar[str] = "py"
    suffix: ClassVar[str] = ".py"
    media_type: ClassVar[str] = "text/x-python"
    jupytext_name: ClassVar[str] = "py:percent"


class MarkdownNotebookFormat(_TextFormat):
    """Markdown with fenced code."""

    name: ClassVar[str] = "md"
    suffix: ClassVar[str] = ".md"
    media_type: ClassVar[str] = "text/markdown"
    jupytext_name: ClassVar[str] = "md"


def _without_results(notebook: Notebook) -> Notebook:
    cells = [cell.copy(id=cell.id) for cell in notebook]
    for cell in cells:
        cell.clear_outputs()
    return Notebook(
        notebook.name,
        id=notebook.id,
        cells=cells,
        created_at=notebook.created_at,
        updated_at=notebook.updated_at,
        metadata=notebook.metadata,
        memory=notebook.memory,
        extra=notebook.extra,
    )


def _import_jupytext() -> Any:
    """Jupytext, which takes a fifth of a second to import and is not there with the core alone.

    Raises:
        InvalidInput: It is not installed.
    """
    try:
        import jupytext
    except ImportError:
        raise InvalidInput(
            "Notebooks as .py and .md need jupytext: install llm-repl-core[text]."
        ) from None
    return jupytext
