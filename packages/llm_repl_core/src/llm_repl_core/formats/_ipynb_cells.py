"""Cells of a Jupyter notebook.

========================  ==========================================================
markdown                  markdown
code, memory              code
prompt                    markdown with ``solveit_ai``, the reply behind a separator
any other                 raw
========================  ==========================================================

What has no place there stands under ``metadata.llm_repl``.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from llm_repl_core.formats._fields import Fields, build, unknown_fields
from llm_repl_core.formats._ipynb_metadata import CELL_SHAPES, merge_own, put_back, take_own
from llm_repl_core.formats._ipynb_outputs import decode_output, encode_output, is_mime_bundle
from llm_repl_core.formats._ipynb_text import (
    STANDARD_SEPARATOR,
    lines,
    prompt_and_reply,
    separators_in,
    take_text,
    with_reply,
)
from llm_repl_core.formats._missing import FallbackIds
from llm_repl_core.formats._ran import (
    edited_since,
    inferred_status,
    judge,
    ran_of,
    take_ran,
)
from llm_repl_core.model.cell import (
    Cell,
    CodeCell,
    ForeignCell,
    MarkdownCell,
    MemoryCell,
    PromptCell,
)
from llm_repl_core.model.cell_types import CellTypes
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["decode_cell", "encode_cell", "ipynb_id"]

_KINDS: dict[type[Cell], str] = {
    MarkdownCell: "markdown",
    PromptCell: "markdown",
    CodeCell: "code",
    MemoryCell: "code",
}
_PLAIN_CLASSES: dict[str, type[Cell]] = {"markdown": MarkdownCell, "code": CodeCell}
_JUPYTERS_OWN = frozenset({"cell_type", "execution_count", "id", "metadata", "outputs", "source"})
_OWN_KEYS = frozenset(
    {"execution_count", "extra", "id", "outputs", "prompt_separators", "ran", "status", "type"}
)
_PROMPT_MARK = "solveit_ai"
_BETWEEN = "separator"
_UNKNOWN = "ipynb"  # under which a cell's `extra` keeps what only Jupyter's format has
_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def ipynb_id(cell_id: str) -> str:
    """The id as nbformat allows it; one that it does not becomes a digest of itself."""
    if _VALID_ID.fullmatch(cell_id):
        return cell_id
    return f"cell-{sha256(cell_id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


# Reading -----------------------------------------------------------------------------------------


def decode_cell(value: Any, where: str, cell_types: CellTypes, stand_ins: FallbackIds) -> Cell:
    """A cell from a file.

    Args:
        value: What stands in the file.
        where: Its place: ``cells[3]``.
        cell_types: The known types of cells.
        stand_ins: The ids for cells that have none.

    Raises:
        InvalidNotebook: It does not have the shape of a cell.
    """
    fields = Fields(value, where)
    kind = fields.text("cell_type")
    metadata, own = take_own(fields)
    cell_class, foreign_type = _class_of(kind, metadata, own, cell_types)
    common: dict[str, Any] = {"content": take_text(fields, "source")}
    common["id"] = _take_id(fields, own) or stand_ins.id_of(where)
    ran = take_ran(own)
    is_rendered = cell_class is MarkdownCell and ran is not None and "outputs" not in own.rest
    count = own.count("execution_count")
    if kind == "code":
        written = fields.count("execution_count")
        common["outputs"] = [
            decode_output(output, fields.path(f"outputs[{place}]"), written)
            for place, output in enumerate(fields.array("outputs"))
        ]
        count = written if count is None else count
    elif cell_class is PromptCell:
        metadata.pop(_PROMPT_MARK)
        common["content"], common["outputs"] = _take_prompt(common["content"], own)
    else:
        common["outputs"] = own.outputs("outputs")
    if is_rendered:
        common["outputs"] = [Output.markdown(common["content"])]
    common["execution_count"] = count
    common["status"] = own.status("status", inferred_status(count, common["outputs"]))
    common["stale"] = own.flag("stale")

    extra = own.object("extra")
    if fields.rest:
        kept = extra.get(_UNKNOWN)
        extra[_UNKNOWN] = {**(kept if isinstance(kept, dict) else {}), **fields.rest}
    if cell_class is None:
        common |= own.flags("pinned", "skipped")
        common |= {"extra": extra, "metadata": put_back(metadata, own)}
        cell: Cell = ForeignCell(foreign_type=foreign_type, **common)
    else:
        names = cell_class.option_names()
        options = own.take(names)
        # A cell that was foreign when it was saved kept its options with the unknown fields.
        options |= {name: extra[name] for name in names if name in extra and name not in options}
        common["extra"] = {name: item for name, item in extra.items() if name not in names}
        common["metadata"] = put_back(metadata, own)
        cell = build(cell_class, common, options, own.where)
    if is_rendered and ran is not None and edited_since(cell, ran):
        # What it was rendered as stood nowhere but in its source.
        cell.outputs, cell.status, cell.stale = [], "idle", True
    else:
        judge(cell, ran)
    return cell


def _class_of(
    kind: str, metadata: dict[str, JSONValue], own: Fields, cell_types: CellTypes
) -> tuple[type[Cell] | None, str]:
    """The class, or None and the type's name where it is foreign."""
    word = own.optional_text("type")
    if kind == "markdown" and metadata.get(_PROMPT_MARK) is True:
        return PromptCell, ""
    if word is not None and kind == "raw" and cell_types.find(word) is None:
        return None, word
    named = cell_types.find(word) if word is not None else None
    # A cell whose type was changed elsewhere is what it is now.
    if named is not None and _KINDS.get(named, "raw") == kind:
        return named, ""
    return _PLAIN_CLASSES.get(kind), kind


def _take_id(fields: Fields, own: Fields) -> str | None:
    written, original = fields.optional_text("id"), own.optional_text("id")
    # A cell that was copied elsewhere has a new id, and still its original's metadata.
    if original is not None and ipynb_id(original) == written:
        return original
    return written


def _take_prompt(source: str, own: Fields) -> tuple[str, list[Output]]:
    prompt, reply = prompt_and_reply(source, own.count("prompt_separators") or 0)
    if reply is not None:
        own.rest.pop(_BETWEEN, None)
        between = source[len(prompt) : len(source) - len(reply)]
        if between != STANDARD_SEPARATOR:
            own.rest[_BETWEEN] = between  # which goes to the metadata, and back from there
    documents = own.array("outputs")
    is_reply = [
        isinstance(document, dict)
        and document.get("type") == "llm_response"
        and "content" not in document
        for document in documents
    ]
    own.rest["outputs"] = [
        {**document, "content": reply} if here else document
        for document, here in zip(documents, is_reply, strict=True)
        if reply is not None or not here
    ]
    outputs = own.outputs("outputs")
    if reply is not None and not any(is_reply):
        outputs.append(_plain_reply(prompt, reply))
    return prompt, outputs


# Writing -----------------------------------------------------------------------------------------


def encode_cell(cell: Cell, written_id: str) -> dict[str, Any]:
    """A cell as it stands in a file.

    Args:
        cell: The cell.
        written_id: Its id, as nbformat allows it.
    """
    kind = _KINDS.get(type(cell), "raw")
    document: dict[str, Any] = {"cell_type": kind, "id": written_id}
    own: dict[str, Any] = _own_options(cell, kind)
    if written_id != cell.id:
        own["id"] = cell.id
    if cell.status != inferred_status(cell.execution_count, cell.outputs):
        own["status"] = cell.status
    if cell.stale:
        own["stale"] = True
    if ran := ran_of(cell):
        own["ran"] = ran

    source, hidden, mark = cell.content, set(), {}
    count_fits = cell.execution_count is None or cell.execution_count >= 0
    if kind == "code":
        document["execution_count"] = count = cell.execution_count if count_fits else None
        document["outputs"] = [encode_output(output, count) for output in cell.outputs]
    elif isinstance(cell, PromptCell):
        source, more = _encode_prompt(cell)
        own |= more
        hidden, mark = {_PROMPT_MARK}, {_PROMPT_MARK: True}
    else:
        is_rendered = isinstance(cell, MarkdownCell) and cell.outputs == [Output.markdown(source)]
        # What a markdown cell is rendered as is its source, which need not stand there twice.
        if cell.outputs if ran is None else not is_rendered:
            own["outputs"] = [output.to_wire() for output in cell.outputs]
        if kind == "markdown" and cell.metadata.get(_PROMPT_MARK) is True:
            hidden = {_PROMPT_MARK}  # the cell is no prompt, whatever the mark says
    if cell.execution_count is not None and not (kind == "code" and count_fits):
        own["execution_count"] = cell.execution_count

    placed, rest = _placed_extra(unknown_fields(cell), kind)
    document |= placed
    if rest:
        own["extra"] = rest
    metadata = merge_own(
        cell.metadata,
        own,
        shapes=CELL_SHAPES,
        reserved=_OWN_KEYS | set(cell.option_names()),
        hidden=hidden,
    )
    return {**document, "metadata": {**metadata, **mark}, "source": lines(source)}


def _own_options(cell: Cell, kind: str) -> dict[str, Any]:
    own = cell.changed_options()
    if isinstance(cell, ForeignCell):
        word = own.pop("foreign_type")
        if word != kind:
            own["type"] = word
    elif not isinstance(cell, MarkdownCell | CodeCell | PromptCell):
        own["type"] = cell.wire_type
    return own


def _encode_prompt(cell: PromptCell) -> tuple[str, dict[str, Any]]:
    """The source, and what must stand in the own part."""
    own: dict[str, Any] = {}
    if skipped := separators_in(cell.content):
        own["prompt_separators"] = skipped
    documents = [output.to_wire() for output in cell.outputs]
    answers = [index for index, output in enumerate(cell.outputs) if output.type == "llm_response"]
    if not answers:
        return cell.content, {**own, "outputs": documents} if documents else own
    reply = cell.outputs[answers[-1]].content
    if cell.outputs != [_plain_reply(cell.content, reply)]:
        del documents[answers[-1]]["content"]  # it stands in the source
        own["outputs"] = documents
    noted = cell.metadata.get("llm_repl")
    between = noted.get(_BETWEEN) if isinstance(noted, dict) else None
    return with_reply(cell.content, reply, between), own


def _placed_extra(extra: dict[str, JSONValue], kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The unknown fields that have a place in the cell itself, and the rest."""
    unknown = extra.get(_UNKNOWN)
    if not isinstance(unknown, dict) or not unknown or unknown.keys() & _JUPYTERS_OWN:
        return {}, extra
    if "attachments" in unknown and not _are_attachments(unknown["attachments"], kind):
        return {}, extra
    return dict(unknown), {name: value for name, value in extra.items() if name != _UNKNOWN}


def _are_attachments(value: JSONValue, kind: str) -> bool:
    """Whether nbformat allows the value as the pictures within a cell of that kind."""
    return kind != "code" and isinstance(value, dict) and all(map(is_mime_bundle, value.values()))


def _plain_reply(prompt: str, reply: str) -> Output:
    """What a reply that another tool wrote is read as."""
    return Output("llm_response", reply, {"prompt": prompt})
