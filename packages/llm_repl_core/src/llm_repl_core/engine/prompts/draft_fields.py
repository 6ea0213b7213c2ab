"""What is known of the fields of a prompt before it is sent: known, unknown, stale, or not yet."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, TypeAlias

from msgspec import Struct

from llm_repl_core.dataflow.code import analyse_expression
from llm_repl_core.dataflow.effects import Effects
from llm_repl_core.dataflow.transitive import ALWAYS_THERE
from llm_repl_core.engine.prompts.items import ITEM
from llm_repl_core.engine.prompts.looked_at import LookedAtState
from llm_repl_core.kernels.state import Expression, Failed
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.names import as_variable
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.templates import Field, Template
from llm_repl_core.templates.template import too_long
from llm_repl_core.templates.unknown_names import explain_failure, missing_name, nearest_name

__all__ = ["DraftField", "FieldState", "NameOrigins", "Origins", "judge_fields"]

FieldState: TypeAlias = Literal["known", "stale", "unknown", "failed", "later", "item"]

_TEXT_SHOWN = 200  # characters
_MOST = 500


class DraftField(Struct, frozen=True, kw_only=True):
    """A field of a prompt's template, or of its system text, and what is known of it.

    Attributes:
        text: The field as it was written, with its braces.
        place: In which of the cell's texts it stands.
        line: In which line of that, from 1.
        state: ``known``: it is filled; ``stale``: it is filled with a value of a cell that has
            changed since; ``unknown``: there is no such variable, and nothing would be sent;
            ``failed``: it cannot be evaluated, and nothing would be sent; ``later``: its value is
            known when cells above have run, or when the prompt is run; ``item``: it is filled for
            each item.
        name: The variable that it is about; null where it is about several.
        nearest: The name that was probably meant, of an unknown one.
        cell_id: The cell that sets the variable.
        sentence: What is wrong, in a sentence; empty where nothing is.
    """

    text: str
    place: Literal["content", "system"]
    line: int
    state: FieldState
    name: str | None = None
    nearest: str | None = None
    cell_id: str | None = None
    sentence: str = ""


class NameOrigins:
    """Which cells set which names, in a notebook as it is now.

    Args:
        notebook: The notebook.
        effects: What each of its cells does, in document order.
        names: The variables that the kernel has, or had.
    """

    def __init__(
        self, notebook: Notebook, effects: Sequence[Effects], names: Iterable[str]
    ) -> None:
        self.notebook = notebook
        self.names = frozenset(names)
        self.memory = frozenset(map(as_variable, notebook.memory))
        self.always = ALWAYS_THERE | self.memory
        self.setters: defaultdict[str, list[int]] = defaultdict(list)
        """By name: the indexes of the cells that set it, in order."""
        self.first_open = len(effects)
        """The index of the first cell that may set any name."""
        for place, own in enumerate(effects):
            for name in own.writes:
                self.setters[name].append(place)
            if own.sees_all is not None and own.is_opaque:
                self.first_open = min(self.first_open, place)


class Origins:
    """Where the names come from that a prompt may use.

    Args:
        index: Which cells set which names.
        position: The prompt's index.
    """

    def __init__(self, index: NameOrigins, position: int) -> None:
        self._index = index
        self._position = position

    @property
    def names(self) -> frozenset[str]:
        """The variables that the kernel has, or had."""
        return self._index.names

    @property
    def is_open(self) -> bool:
        """Whether a cell above may set any name."""
        return self._index.first_open < self._position

    def known_names(self) -> list[str]:
        """All names that might be meant."""
        above = [name for name in self._index.setters if self._setter(name) is not None]
        return sorted({*self._index.names, *self._index.memory, *above})

    def cell_id(self, name: str) -> str | None:
        """The cell above that sets a name last; None: none does."""
        place = self._setter(name)
        return None if place is None else self._index.notebook.cells[place].id

    def number(self, name: str) -> int | None:
        """The place of that cell, as people count; None: none does."""
        place = self._setter(name)
        return None if place is None else place + 1

    def below(self, name: str) -> int | None:
        """The place of the first cell below that sets a name, as people count."""
        places = self._index.setters.get(name, [])
        at = bisect_right(places, self._position)
        return places[at] + 1 if at < len(places) else None

    def is_known(self, name: str) -> bool:
        """Whether there is such a variable, or will be when the cells above have run."""
        index = self._index
        is_there = name in index.names or name in index.always or self.is_open
        return is_there or self._setter(name) is not None

    def is_stale(self, name: str) -> bool:
        """Whether the value is of a cell that was changed or not run since."""
        place = self._setter(name)
        if place is None:
            return False
        cell = self._index.notebook.cells[place]
        return cell.stale or cell.status in ("idle", "error", "interrupted")

    def _setter(self, name: str) -> int | None:
        places = self._index.setters.get(name)
        at = bisect_left(places, self._position) if places else 0
        return places[at - 1] if places and at else None


def judge_fields(
    cell: PromptCell,
    templates: Mapping[Literal["content", "system"], Template],
    state: LookedAtState,
    origins: Origins,
    *,
    is_filled: bool = False,
) -> tuple[DraftField, ...]:
    """Say of each field what is known of it: of 500, each once.

    Args:
        cell: The prompt.
        templates: Its texts.
        state: What has become of their fields.
        origins: Where names come from.
        is_filled: Whether all of them were filled, with the items.
    """
    different = {
        (place, field.text): field
        for place, template in templates.items()
        for field in template.fields
    }
    return tuple(
        _judge(field, place, cell, state, origins, is_filled=is_filled)
        for (place, _), field in islice(different.items(), _MOST)
    )


def _judge(
    field: Field,
    place: Literal["content", "system"],
    cell: PromptCell,
    state: LookedAtState,
    origins: Origins,
    *,
    is_filled: bool,
) -> DraftField:
    written = field.text
    if len(written) > _TEXT_SHOWN:
        written = f"{written[: _TEXT_SHOWN - 2]}…}}"
    names = sorted(_names(field.expression))
    found: FieldState = "known"
    name = names[0] if len(names) == 1 else None
    nearest, sentence = None, ""
    value = state.results.get(state.asked(field.expression))
    unknown = next((other for other in names if not _is_there(other, cell, origins)), None)
    missing = missing_name(value) if isinstance(value, Failed) else None
    if state.is_refused(field.expression):
        is_to_come = missing is None or origins.number(missing) is not None or origins.is_open
        unknown = None if is_to_come else missing
    if cell.for_each is not None and ITEM in names:
        found = "item"
    elif unknown is not None or (missing is not None and not _is_there(missing, cell, origins)):
        name = unknown or missing
        assert name is not None
        found, nearest = "unknown", nearest_name(name, origins.known_names())
        below = origins.below(name)
        sentence = (
            f"No variable `{name}`."
            if below is None
            else f"No variable `{name}` here: cell {below}, which sets it, is below."
        )
    elif missing is not None or (value is None and not is_filled):
        name = missing or name
        found, sentence = "later", _later(names if missing is None else [missing], origins)
    elif isinstance(value, Failed):
        found, sentence = "failed", f"{field.named}: {explain_failure(value)}"
    elif value is not None and value.truncated:
        found = "failed"
        sentence = too_long(field)
    elif stale := next((other for other in names if origins.is_stale(other)), None):
        found, name = "stale", stale
        sentence = f"`{stale}` is as it was before cell {origins.number(stale)} was changed."
    return DraftField(
        text=written,
        place=place,
        line=field.line,
        state=found,
        name=name,
        nearest=nearest,
        cell_id=None if name is None else origins.cell_id(name),
        sentence=sentence,
    )


def _is_there(name: str, cell: PromptCell, origins: Origins) -> bool:
    return (name == ITEM and cell.for_each is not None) or origins.is_known(name)


def _later(names: Sequence[str], origins: Origins) -> str:
    for name in names:
        number = origins.number(name)
        if name not in origins.names and number is not None:
            return f"`{name}` is set by cell {number}, which has not run."
    return "It is filled when the prompt is run."


def _names(expression: Expression) -> set[str]:
    return {name for source in _sources(expression) for name in analyse_expression(source).reads}


def _sources(expression: Expression) -> Iterator[str]:
    yield expression.source
    for part in expression.format_spec:
        if isinstance(part, Expression):
            yield from _sources(part)
