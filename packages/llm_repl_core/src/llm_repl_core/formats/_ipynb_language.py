"""The language of a Jupyter notebook: what other tools ask for before they run or convert it.

Papermill refuses a notebook without ``kernelspec``, nbconvert takes one without ``language_info``
for plain text, and jupytext asks for either. What the notebook does not say itself is written for
it, noted under ``metadata.llm_repl``, and taken out again when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_repl_core.formats._fields import Fields
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.language import PYTHON, notebook_language

__all__ = ["LANGUAGE_KEY", "add_language", "take_added_language"]

LANGUAGE_KEY = "added_metadata"

_PYTHON_KERNEL: dict[str, JSONValue] = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
_PYTHON: dict[str, JSONValue] = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
_USUAL_CASE = {"r": "R"}


def add_language(metadata: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """What a notebook's metadata lacks of ``kernelspec`` and ``language_info``.

    Args:
        metadata: The metadata as it is written; what stands in it has the shape that nbformat wants.
    """
    kernel: Any = metadata.get("kernelspec")
    info: Any = metadata.get("language_info")
    added: dict[str, JSONValue] = {}
    if kernel is None:
        kernel = _kernel_for(info)
        added["kernelspec"] = kernel
    if info is None:
        added["language_info"] = _info_for(kernel)
    return added


def take_added_language(metadata: dict[str, JSONValue], own: Fields) -> None:
    """Take out of a notebook's metadata what `add_language` put there; what was changed stays."""
    names = own.rest.pop(LANGUAGE_KEY, None)
    if not isinstance(names, list):
        return
    taken = {
        name: metadata.pop(name) for name in names if isinstance(name, str) and name in metadata
    }
    metadata |= {
        name: value for name, value in taken.items() if add_language(metadata).get(name) != value
    }


def _kernel_for(info: Any) -> dict[str, JSONValue]:
    if info is None or notebook_language({"language_info": info}) == PYTHON:
        return dict(_PYTHON_KERNEL)
    name = info["name"]
    return {"display_name": name, "language": name, "name": name.lower()}


def _info_for(kernel: Mapping[str, Any]) -> dict[str, JSONValue]:
    language = notebook_language({"kernelspec": dict(kernel)})
    if language == PYTHON:
        return dict(_PYTHON)
    return {"name": kernel.get("language") or _USUAL_CASE.get(language, language)}
