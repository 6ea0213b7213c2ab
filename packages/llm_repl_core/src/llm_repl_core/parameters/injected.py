"""Giving a notebook the parameters of a run."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.engine.plan import analyse_notebook
from llm_repl_core.errors import InvalidInput
from llm_repl_core.model.cell import Cell, CodeCell, PromptCell
from llm_repl_core.model.names import as_variable, by_variable, is_variable
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.parameters.declared import (
    INJECTED_TAG,
    PARAMETERS_TAG,
    Parameter,
    declared_parameters,
    find_tagged,
)
from llm_repl_core.parameters.values import fit_value, read_text, source_of
from llm_repl_core.suggestions import did_you_mean

__all__ = ["AppliedParameters", "GivenParameters", "apply_parameters"]


class GivenParameters(Struct, frozen=True, kw_only=True):
    """What a run is given, by name. Where two have a name, the later field goes before the other.

    Attributes:
        values: Of a file, or of Python: of the type that they have.
        texts: Of the type that the notebook's default has.
        raw: Text, whatever the notebook's default is.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, str] = field(default_factory=dict)


class AppliedParameters(Struct, frozen=True, kw_only=True):
    """What became of the parameters.

    Attributes:
        values: By name, of the types that the notebook wants.
        injected: Whether a cell of the notebook sets them; else they are to be assigned.
        cell_id: That cell; None: there is none.
        warnings: What a person should know before the run, a sentence each.
    """

    values: dict[str, Any]
    injected: bool
    cell_id: str | None = None
    warnings: tuple[str, ...] = ()


def apply_parameters(notebook: Notebook, given: GivenParameters) -> AppliedParameters:
    """Put parameters into a notebook as papermill does, where it has a cell tagged ``parameters``.

    They stand in a cell of their own behind that one, tagged ``injected-parameters``; one that is
    there already gets the new ones in place of its own. A notebook that has neither cell is left
    as it is.

    Args:
        notebook: The notebook, which is changed.
        given: The parameters.

    Raises:
        InvalidInput: A name that is none, or that the notebook does not have; a value that is not
            of the type of the notebook's default.
    """
    if not (given.values or given.texts or given.raw):
        return AppliedParameters(values={}, injected=False)
    _refuse_other_language(notebook)
    for name in (*given.values, *given.texts, *given.raw):
        _refuse_bad_name(name)
    given = GivenParameters(
        values=by_variable(given.values),
        texts=by_variable(given.texts),
        raw=by_variable(given.raw),
    )
    names = [*dict.fromkeys((*given.values, *given.texts, *given.raw))]
    anchor = find_tagged(notebook, PARAMETERS_TAG)
    injected = find_tagged(notebook, INJECTED_TAG)
    source = anchor or injected
    warnings: list[str] = []
    if source is None:
        warnings += _refuse_unused(names, notebook)
        declared: dict[str, Parameter] = {}
    else:
        declared = declared_parameters(source)
        _refuse_unknown(names, declared, source)
    values = dict(_fitted(name, declared.get(name), given) for name in names)
    first, cell_id = 0, None
    if source is not None:
        # Nobody has edited the notebook: two runs of it save the same file.
        edited_at = notebook.updated_at
        cell = _inject(notebook, source, injected, values)
        notebook.updated_at = edited_at
        first, cell_id = notebook.index(cell.id) + 1, cell.id
    warnings += _overwritten(values, notebook, first, injected=source is not None)
    return AppliedParameters(
        values=values, injected=source is not None, cell_id=cell_id, warnings=tuple(warnings)
    )


def _fitted(name: str, known: Parameter | None, given: GivenParameters) -> tuple[str, Any]:
    parameter = known or Parameter(name=name)
    if name in given.raw:
        return name, given.raw[name]
    if name in given.texts:
        return name, read_text(given.texts[name], parameter)
    return name, fit_value(given.values[name], parameter)


def _inject(
    notebook: Notebook, source: CodeCell, injected: CodeCell | None, values: Mapping[str, Any]
) -> Cell:
    lines = [f"{name} = {source_of(value)}" for name, value in values.items()]
    content = "\n".join(["# Parameters", *lines])
    if injected is not None:
        return notebook.change(injected.id, content=content)
    place = notebook.index(source.id) + 1
    # The names of answers that go by the places of cells stay those of the same answers.
    for later in range(place, len(notebook)):
        cell = notebook.cells[later]
        if isinstance(cell, PromptCell) and cell.response_var is None:
            cell.response_var = cell.answer_variable(later)
    # The same in each run.
    new_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{source.id}/{INJECTED_TAG}"))
    cell = CodeCell(content=content, metadata={"tags": [INJECTED_TAG]})
    return notebook.insert(cell if new_id in notebook else cell.copy(id=new_id), place)


def _refuse_other_language(notebook: Notebook) -> None:
    for key, field_name in (("language_info", "name"), ("kernelspec", "language")):
        noted = notebook.metadata.get(key)
        language = noted.get(field_name) if isinstance(noted, dict) else None
        if isinstance(language, str) and language and "python" not in language.lower():
            raise InvalidInput(
                f"Parameters are set by Python code, and this notebook is in {language}."
            )


def _refuse_bad_name(name: str) -> None:
    if not name.isidentifier():
        raise InvalidInput(f"The parameter `{name}` must be named by a Python identifier.")
    if not is_variable(name) or name.startswith("__"):
        raise InvalidInput(f"`{name}` is reserved by Python: no parameter can have this name.")


def _refuse_unknown(names: Sequence[str], declared: Collection[str], source: CodeCell) -> None:
    for name in names:
        if name not in declared:
            known = ", ".join(f"`{parameter}`" for parameter in declared) or "none"
            tag = PARAMETERS_TAG if PARAMETERS_TAG in str(source.metadata.get("tags")) else ""
            raise InvalidInput(
                f"The notebook has no parameter `{name}`; its cell tagged "
                f"`{tag or INJECTED_TAG}` has {known}.{did_you_mean(name, declared)}"
            )


def _refuse_unused(names: Sequence[str], notebook: Notebook) -> Iterator[str]:
    """Refuse names that stand nowhere; yields a warning where code may come from elsewhere."""
    texts = "\n".join(f"{cell.content}\n{cell.changed_options()}" for cell in notebook)
    system = notebook.preference("system") or ""
    used = set(re.findall(r"\w+", as_variable(f"{texts}\n{system}")))
    effects = analyse_notebook(notebook)
    read: set[str] = set().union(*(effect.reads for effect in effects))
    for name in names:
        if name in used:
            continue
        sentence = f"No cell uses the parameter `{name}`.{did_you_mean(name, read)}"
        if not any(cell.sees_all for cell in effects):
            raise InvalidInput(sentence)
        yield sentence


def _overwritten(
    names: Collection[str], notebook: Notebook, first: int, *, injected: bool
) -> Iterator[str]:
    """What is to be told of parameters that a cell sets anew before anything has used them."""
    effects = analyse_notebook(notebook)[first:]
    for name in names:
        place = _overwriting(name, effects)
        if place is None:
            continue
        again = "again " if injected else ""
        way_out = "" if injected else f": tag the cell `{PARAMETERS_TAG}`, and it holds defaults"
        yield (
            f"Cell {first + place + 1} sets `{name}` {again}before anything uses it, so that "
            f"the parameter has no effect{way_out}."
        )


def _overwriting(name: str, effects: Sequence[Effects]) -> int | None:
    for index, effect in enumerate(effects):
        if name in effect.reads:
            return None
        if name in effect.rebinds:
            return index
    return None
