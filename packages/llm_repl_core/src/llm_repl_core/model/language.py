"""Which language a notebook's code cells are written in, as its Jupyter metadata says."""

from __future__ import annotations

from collections.abc import Mapping

from llm_repl_core.model.json_value import JSONValue

__all__ = ["PYTHON", "kernelspec_name", "notebook_language"]

PYTHON = "python"

_PYTHON_NAMES = frozenset({"python", "python2", "python3", "ipython", "ipython2", "ipython3"})
_KERNELS = {
    "bash": "bash",
    "calysto_bash": "bash",
    "deno": "typescript",
    "ir": "r",
    "javascript": "javascript",
    "matlab": "matlab",
    "octave": "octave",
    "rust": "rust",
    "scala": "scala",
}
"""The languages of kernelspecs that are often noted without their language."""


def notebook_language(metadata: Mapping[str, JSONValue]) -> str:
    """The language in lower case; ``python`` where nothing says otherwise.

    The kernelspec decides, as it does in Jupyter: ``language_info`` tells what ran last.

    Args:
        metadata: The notebook's.

    Example:
        >>> notebook_language({"kernelspec": {"name": "ir", "language": "R"}})
        'r'
    """
    name = kernelspec_name(metadata) or ""
    said = _text(metadata, "kernelspec", "language") or _of_kernel(name)
    language = (said or _text(metadata, "language_info", "name") or PYTHON).lower()
    return PYTHON if language in _PYTHON_NAMES else language


def kernelspec_name(metadata: Mapping[str, JSONValue]) -> str | None:
    """The name of the notebook's kernelspec; None where it has none."""
    return _text(metadata, "kernelspec", "name")


def _of_kernel(name: str) -> str | None:
    name = name.lower()
    if name.startswith("julia"):
        return "julia"
    return _KERNELS.get(name)


def _text(metadata: Mapping[str, JSONValue], part: str, key: str) -> str | None:
    """A text in a part of the metadata; None where it is missing, blank or something else."""
    found = metadata.get(part)
    value = found.get(key) if isinstance(found, dict) else None
    return value.strip() or None if isinstance(value, str) else None
