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
_KERNELS_WITHOUT_LANGUAGE = {
    "ir": "R",
    "bash": "bash",
    "julia": "julia",
    "javascript": "javascript",
}
"""Of kernelspecs whose language a notebook need not say: how their names begin."""


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
    name = info["name"] if info is not None else "python"
    if name.lower() in ("python", "ipython"):
        return dict(_PYTHON_KERNEL)
    return {"display_name": name, "language": name, "name": name.lower()}


def _info_for(kernel: Mapping[str, Any]) -> dict[str, JSONValue]:
    language = kernel.get("language")
    if not isinstance(language, str) or not language:
        name = kernel["name"].lower()
        language = next(
            (
                known
                for start, known in _KERNELS_WITHOUT_LANGUAGE.items()
                if name == start or name.startswith(f"{start}-")
            ),
            "python",
        )
    return dict(_PYTHON) if language.lower() == "python" else {"name": language}
