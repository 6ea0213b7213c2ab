"""What a docstring says of a function and of each of its arguments.

Google's, numpy's and Sphinx's ways of writing it are read; anything else is all description.
"""

from __future__ import annotations

import re

__all__ = ["read_docstring"]

_ARGUMENT_SECTIONS = frozenset(
    {"args", "arguments", "parameters", "params", "keyword args", "keyword arguments",
     "other parameters"}
)  # fmt: skip
_OTHER_SECTIONS = frozenset(
    {"attributes", "example", "examples", "note", "notes", "raises", "references", "return",
     "returns", "see also", "todo", "warning", "warnings", "warns", "yield", "yields"}
)  # fmt: skip
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_NUMPY_ENTRY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_SPHINX_ENTRY = re.compile(
    r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)"
)
_SPHINX_FIELD = re.compile(r":\w+[^:]*:")
_UNDERLINE = re.compile(r"\s*-{3,}\s*$")


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, and the descriptions of arguments by name.

    Args:
        text: The docstring, as `inspect.getdoc` gives it.
    """
    lines = text.splitlines()
    description: list[str] = []
    arguments: dict[str, str] = {}
    index = 0
    while index < len(lines):
        section, body_start = _section_at(lines, index)
        if section is not None:
            end = _section_end(lines, body_start)
            if section in _ARGUMENT_SECTIONS:
                is_numpy = _UNDERLINE.match(lines[body_start - 1]) is not None
                arguments |= _read_entries(lines[body_start:end], is_numpy)
            index = end
        elif _SPHINX_FIELD.match(lines[index]):
            index = _read_sphinx_field(lines, index, arguments)
        else:
            description.append(lines[index])
            index += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(description)).strip(), arguments


def _section_at(lines: list[str], index: int) -> tuple[str | None, int]:
    """The section whose title stands here, in lower case, and where its body begins."""
    line = lines[index]
    title = line.strip().rstrip(":").lower()
    if line[:1].isspace() or title not in _ARGUMENT_SECTIONS | _OTHER_SECTIONS:
        return None, index
    if line.rstrip().endswith(":"):
        return title, index + 1
    if index + 1 < len(lines) and _UNDERLINE.match(lines[index + 1]):
        return title, index + 2
    return None, index


def _section_end(lines: list[str], start: int) -> int:
    is_numpy = _UNDERLINE.match(lines[start - 1]) is not None
    for index in range(start, len(lines)):
        line = lines[index]
        if _section_at(lines, index)[0] is not None or _SPHINX_FIELD.match(line):
            return index
        # A section of Google's is indented; one of numpy's goes to the next title.
        if not is_numpy and line.strip() and not line[:1].isspace():
            return index
    return len(lines)


def _read_entries(lines: list[str], is_numpy: bool) -> dict[str, str]:
    filled = [line for line in lines if line.strip()]
    indent = min((_indent_of(line) for line in filled), default=0)
    arguments: dict[str, str] = {}
    names: list[str] = []
    for line in filled:
        entry = (_NUMPY_ENTRY if is_numpy else _GOOGLE_ENTRY).match(line.strip())
        if _indent_of(line) == indent and entry is not None:
            names = [name.strip().lstrip("*") for name in entry[1].split(",")]
            first = "" if is_numpy else entry[2]
            arguments |= dict.fromkeys(names, first)
            continue
        for name in names:
            arguments[name] = f"{arguments[name]} {line.strip()}".strip()
    return {name: said for name, said in arguments.items() if said}


def _read_sphinx_field(lines: list[str], index: int, arguments: dict[str, str]) -> int:
    """Read one field, and the indented lines that go with it; the place behind them."""
    entry = _SPHINX_ENTRY.match(lines[index])
    said = [entry[2] if entry is not None else ""]
    index += 1
    while index < len(lines) and lines[index].strip() and lines[index][:1].isspace():
        said.append(lines[index].strip())
        index += 1
    if entry is not None:
        arguments[entry[1]] = " ".join(said).strip()
    return index


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())
