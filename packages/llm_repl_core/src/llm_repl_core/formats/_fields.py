"""Takes typed fields out of a JSON object, with messages that say where a wrong one stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from llm_repl_core.errors import InvalidNotebook
from llm_repl_core.misfit import misfit
from llm_repl_core.model.cell import PATTERNS, Cell, CellStatus, ForeignCell
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.output import Output

__all__ = ["Fields", "build", "time_text", "unknown_fields"]

_LARGEST_COUNT = 2**53
"""Beyond it, some readers of JSON round, and databases have no room."""
_STATUSES = frozenset(get_args(CellStatus))


class Fields:
    """An object of a file, whose fields are taken one by one; what is left is unknown here.

    Args:
        value: What stands there, which should be an object.
        where: The object's place: ``cells[3]``; empty for the whole document.

    Raises:
        InvalidNotebook: It is no object.
    """

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            raise InvalidNotebook(f"`{where}` must be an object, not {_kind(value)}.")
        self.rest: dict[str, Any] = dict(value)

    def path(self, name: str) -> str:
        """The place of a field: ``cells[3].content``."""
        return f"{self.where}.{name}" if self.where else name

    def text(self, name: str, default: str | None = None) -> str:
        """Take a text. Without a default it must be there; null counts as absent.

        Raises:
            InvalidNotebook: It is something else.
        """
        value = self.rest.pop(name, None)
        if value is None:
            value = default
        if not isinstance(value, str):
            raise self.wrong(name, "text", value)
        return value

    def optional_text(self, name: str) -> str | None:
        """Take a text that may be absent or null.

        Raises:
            InvalidNotebook: It is something else.
        """
        return None if self.rest.get(name) is None else self.text(name)

    def object(self, name: str) -> dict[str, JSONValue]:
        """Take an object; empty where absent or null.

        Raises:
            InvalidNotebook: It is something else.
        """
        value = self.rest.pop(name, None)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(name, "an object", value)
        return value

    def array(self, name: str) -> list[Any]:
        """Take a list; empty where absent or null.

        Raises:
            InvalidNotebook: It is something else.
        """
        value = self.rest.pop(name, None)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "a list", value)
        return value

    def texts(self, name: str) -> list[str]:
        """Take a list of texts; empty where absent or null.

        Raises:
            InvalidNotebook: It is something else.
        """
        values = self.array(name)
        for place, value in enumerate(values):
            if not isinstance(value, str):
                raise self.wrong(f"{name}[{place}]", "text", value)
        return values

    def count(self, name: str) -> int | None:
        """Take a whole number, or None where absent or null.

        Raises:
            InvalidNotebook: It is something else.
        """
        value = self.rest.pop(name, None)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.wrong(name, "a whole number", value)
        if value is not None and abs(value) > _LARGEST_COUNT:
            raise InvalidNotebook(f"`{self.path(name)}` is out of range.")
        return value

    def time(self, name: str) -> datetime | None:
        """Take a time, or None where absent or null; one without an offset is in UTC.

        Raises:
            InvalidNotebook: It is something else.
        """
        text = self.optional_text(name)
        if text is None:
            return None
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidNotebook(
                f"`{self.path(name)}` must be an ISO 8601 time, not {text[:40]!a}."
            ) from None
        return time if time.tzinfo else time.replace(tzinfo=UTC)

    def status(self, name: str, default: CellStatus) -> CellStatus:
        """Take a cell's status; one that this version does not know counts as absent."""
        value = self.rest.pop(name, None)
        known = isinstance(value, str) and value in _STATUSES
        return value if known else default

    def flag(self, name: str) -> bool:
        """Take a boolean, false where absent; anything else is left with what is unknown."""
        if isinstance(self.rest.get(name), bool):
            value: bool = self.rest.pop(name)
            return value
        return False

    def flags(self, *names: str) -> dict[str, bool]:
        """Take booleans, as `flag` does."""
        return {name: self.flag(name) for name in names}

    def outputs(self, name: str) -> list[Output]:
        """Take outputs in their flat form.

        Raises:
            InvalidNotebook: One of them has no text ``type``, or a ``content`` that is not text.
        """
        outputs = []
        for place, value in enumerate(self.array(name)):
            fields = Fields(value, self.path(f"{name}[{place}]"))
            type_, content = fields.text("type"), fields.text("content", "")
            outputs.append(Output(type_, content, fields.rest))
        return outputs

    def take(self, names: Iterable[str]) -> dict[str, Any]:
        """Take the fields of those names that are there, as they are."""
        return {name: self.rest.pop(name) for name in names if name in self.rest}

    def wrong(self, name: str, wanted: str, value: Any) -> InvalidNotebook:
        """The error of a field that holds something else than it must."""
        if value is None:
            return InvalidNotebook(f"`{self.path(name)}` is missing; it must be {wanted}.")
        return InvalidNotebook(f"`{self.path(name)}` must be {wanted}, not {_kind(value)}.")


def build(
    cell_class: type[Cell], common: Mapping[str, Any], options: Mapping[str, Any], where: str
) -> Cell:
    """A cell whose own fields come from a file.

    Args:
        cell_class: Its class.
        common: The fields that every cell has, checked already.
        options: The fields of its class, as the file has them.
        where: The cell's place: ``cells[3]``.

    Raises:
        InvalidNotebook: An option does not fit.
    """
    names = cell_class.option_names()
    if not names:
        return cell_class(**common)
    try:
        checked = msgspec.convert({"id": "", **options}, cell_class)
    except msgspec.ValidationError as error:
        path, reason = misfit(error, cell_class, PATTERNS)
        place = ".".join(filter(None, (where, path)))
        raise InvalidNotebook(f"`{place}` is wrong: {reason}.") from None
    return cell_class(**common, **{name: getattr(checked, name) for name in names})


def unknown_fields(cell: Cell) -> dict[str, JSONValue]:
    """The cell's `extra`, without what its type has a field of its own for, which wins."""
    if isinstance(cell, ForeignCell):
        return cell.extra  # its fields are its own type's, whatever they are called here
    names = cell.option_names()
    return {name: value for name, value in cell.extra.items() if name not in names}


def time_text(time: datetime) -> str:
    """ISO 8601 with an offset; a time without one is taken as UTC, as it is when read."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
    return "an object"
