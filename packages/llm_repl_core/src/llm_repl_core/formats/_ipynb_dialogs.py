"""Dialogs of Solveit: what they say in its own way is said in LLM-REPL's when they are read, and back.

=====================  =============================================================
`` $`name` ``          a value: the template's field ``{name}``
`` &`tool` ``          a tool: the prompt's ``tools``; of notes and prompts above, too
a brace                text: ``{{`` in a template
all above is sent      ``context`` is ``above``
``pinned, skipped``    the cell's, of the metadata
=====================  =============================================================

Both are done on the documents, so that nothing else has to know of it. A prompt that has no such form
is written as the template that it is, which ``metadata.llm_repl.template`` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from llm_repl_core.formats._ipynb_text import (
    joined,
    lines,
    prompt_and_reply,
)

__all__ = ["from_dialog", "is_dialog", "to_dialog"]

_MARKS = frozenset({"solveit_dialog_mode", "solveit_ver"})
_PROMPT_MARK = "solveit_ai"
_FLAGS = ("pinned", "skipped")
_TEMPLATE = "template"
_EXPRESSION = r"[^\W\d]\w*(?:\.[^\W\d]\w*|\([^`{}]*\)|\[[^`{}]*\])*"
_VALUE = re.compile(rf"\$`({_EXPRESSION})`")
_IN_DIALOG = re.compile(rf"\$`({_EXPRESSION})`|([{{}}])")
_IN_TEMPLATE = re.compile(rf"(\{{\{{|\}}\}})|\{{({_EXPRESSION})\}}|[{{}}]")
_TOOLS = re.compile(r"&`([^`\n]+)`|&\[([^\]\n]+)\]")
_NAME = re.compile(r"[^\W\d]\w*")
_SHELL = re.compile(r"(?<![\w`])!`[^`\n]+`")


def is_dialog(metadata: Any) -> bool:
    """Whether a notebook's metadata are those of a dialog of Solveit."""
    return isinstance(metadata, dict) and bool(metadata.keys() & _MARKS)


def from_dialog(cells: list[Any], metadata: dict[str, Any]) -> tuple[list[Any], list[str]]:
    """The cells of a dialog as those of a notebook of ours, and a notice of what was not taken over.

    Args:
        cells: As they stand in the file; whatever is no cell is left for others to refuse.
        metadata: The notebook's.
    """
    left: list[str] = []
    if metadata.get("solveit_dialog_mode") not in (None, "", "standard", "default"):
        left.append(f"the mode `{metadata['solveit_dialog_mode']}`")
    tools: list[str] = []
    taken = []
    for cell in cells:
        if not _is_cell(cell):
            taken.append(cell)
            continue
        noted = dict(cell["metadata"])
        own = dict(noted.get("llm_repl") or {})
        for flag in _FLAGS:
            own |= {flag: True} if _is_set(noted.get(flag)) else {}
            if noted.get(flag) is True:  # others write 1, and find it as it was
                del noted[flag]
        source = joined(cell.get("source", ""))
        document = {**cell, "metadata": {**noted, "llm_repl": own}}
        if cell["cell_type"] == "markdown" and not own.get("skipped"):
            tools += [tool for tool in _tools_in(_prompt_of(cell)) if tool not in tools]
        if _is_prompt(cell):
            own.setdefault("context", "above")
            if tools:
                own.setdefault("tools", list(tools))
            if own.pop(_TEMPLATE, False) is not True:
                prompt, reply = prompt_and_reply(source, _separators(own))
                left += _left_in(prompt, noted)
                rest = source[len(prompt) :] if reply is not None else ""
                document["source"] = lines(_template_of(prompt) + rest)
        elif cell["cell_type"] == "markdown" and _VALUE.search(source):
            left.append("values in notes (`` $`name` ``)")
        if not own:
            del document["metadata"]["llm_repl"]
        taken.append(document)
    if not left:
        return taken, []
    listed = ", ".join(dict.fromkeys(left))
    return taken, [f"This dialog of Solveit has what is not taken over: {listed}."]


def to_dialog(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells of a notebook of ours, as they are written, as those of a dialog."""
    tools: list[str] = []
    written = []
    for cell in cells:
        noted = dict(cell["metadata"])
        own = dict(noted.get("llm_repl") or {})
        for flag in _FLAGS:
            is_set = own.pop(flag, False) is True
            if is_set != _is_set(noted.get(flag)):
                noted.pop(flag, None)
                noted |= {flag: True} if is_set else {}
        document = {**cell, "metadata": noted}
        if _is_prompt(cell):
            source = joined(cell["source"])
            prompt, reply = prompt_and_reply(source, _separators(own))
            text = _dialog_text_of(prompt)
            if text is None:
                own[_TEMPLATE] = True
                text = prompt
            document["source"] = lines(text + (source[len(prompt) :] if reply is not None else ""))
        if cell["cell_type"] == "markdown" and not _is_set(noted.get("skipped")):
            tools += [tool for tool in _tools_in(_prompt_of(document)) if tool not in tools]
        if _is_prompt(cell):
            _leave_out(own, "context", "above", "isolated")
            _leave_out(own, "tools", list(tools), [])
        noted.pop("llm_repl", None)
        noted |= {"llm_repl": own} if own else {}
        written.append(document)
    return written


def _leave_out(own: dict[str, Any], name: str, dialogs: Any, ours: Any) -> None:
    """Write an option only where it is not what reading a dialog would make of it."""
    value = own.get(name, ours)
    own.pop(name, None)
    if value != dialogs:
        own[name] = value


def _template_of(text: str) -> str:
    return _IN_DIALOG.sub(lambda found: f"{{{found[1]}}}" if found[1] else found[2] * 2, text)


def _dialog_text_of(template: str) -> str | None:
    """What `_template_of` makes the template of; None where it has fields of other kinds."""
    text = _IN_TEMPLATE.sub(
        lambda found: found[1][0] if found[1] else f"$`{found[2]}`" if found[2] else found[0],
        template,
    )
    return text if _template_of(text) == template else None


def _left_in(prompt: str, noted: dict[str, Any]) -> Iterator[str]:
    if _SHELL.search(prompt):
        yield "shell commands in prompts (`` !`command` ``)"
    if len(re.findall(r"\$`[^`\n]+`", prompt)) > len(_VALUE.findall(prompt)):
        yield "values that are no name, attribute, item or call (`` $`…` ``)"
    if _is_set(noted.get("use_thinking")):
        yield "`use_thinking`"


def _tools_in(text: str) -> list[str]:
    """The tools that a text names: `` &`a` ``, `` &`[a, b]` ``, ``&[a, b]``."""
    named = []
    for found in _TOOLS.finditer(text):
        parts = (found[1] or found[2]).strip().removeprefix("[").removesuffix("]").split(",")
        names = [part.strip().strip("`") for part in parts]
        named += names if all(map(_NAME.fullmatch, names)) else []
    return named


def _prompt_of(cell: dict[str, Any]) -> str:
    source = joined(cell.get("source", ""))
    if not isinstance(source, str):
        return ""
    return prompt_and_reply(source)[0] if _is_prompt(cell) else source


def _separators(own: dict[str, Any]) -> int:
    skipped = own.get("prompt_separators")
    return skipped if isinstance(skipped, int) else 0


def _is_cell(cell: Any) -> bool:
    """Whether it has the shape that is looked at here."""
    match cell:
        case {"cell_type": str(), "metadata": dict(noted)}:
            own = noted.get("llm_repl")
            is_ours = own is None or isinstance(own, dict)
            return is_ours and isinstance(joined(cell.get("source", "")), str)
    return False


def _is_prompt(cell: dict[str, Any]) -> bool:
    return cell["cell_type"] == "markdown" and cell["metadata"].get(_PROMPT_MARK) is True


def _is_set(flag: Any) -> bool:
    return flag is True or flag == 1
