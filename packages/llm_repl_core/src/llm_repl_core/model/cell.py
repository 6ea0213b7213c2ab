"""The cells of a notebook: what they hold, not what they do."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import NODEFAULT, Meta, Struct, field
from msgspec.structs import replace

from llm_repl_core.errors import InvalidInput
from llm_repl_core.misfit import misfit
from llm_repl_core.model.ids import new_id
from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.model.merge_conflicts import without_settled
from llm_repl_core.model.names import as_variable, is_variable
from llm_repl_core.model.output import Output
from llm_repl_core.model.staleness import Staleness, StaleReason, bounded_text
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = [
    "PATTERNS",
    "Cell",
    "CellStatus",
    "CodeCell",
    "ForeignCell",
    "MarkdownCell",
    "MemoryCell",
    "PromptCell",
    "VariableName",
]

CellStatus: TypeAlias = Literal["idle", "queued", "running", "completed", "error", "interrupted"]
"""``idle``: not run since its content changed; ``error``: it ran and failed."""

_NAME = r"^[^\W\d]\w*$(?!\n)"
VariableName: TypeAlias = Annotated[str, Meta(pattern=_NAME, max_length=200)]

PATTERNS = {_NAME: "the name of a variable"}
"""What the patterns of a cell's fields mean, for messages."""
"""A Python identifier."""


class Cell(Struct, kw_only=True):
    """The fields of every cell. Each cell type is a subclass; plugins add theirs the same way.

    Attributes:
        type: The type's name in requests: ``code``.
        wire_type: The type's name in responses and files: ``ComputationCell``.
        content: The cell's source.
        id: A UUID; any text in files that exist already.
        outputs: The outputs of the last run, in order.
        status: See `CellStatus`.
        execution_count: The kernel's execution count when it started, as in Jupyter: code and
            memory cells count, including this one; other types have the number of the last one that
            did.
        metadata: Anything that a tool wants to keep with the cell.
        extra: Fields that this version does not know, preserved verbatim.
        stale: Whether it has run but might give another result now, since it, or something it
            depends on, was edited or run.
        staleness: Why it is, and what the last run saw.
        pinned: Whether it is included in every prompt below it.
        skipped: Whether it is left out of every prompt.
    """

    type: ClassVar[str] = ""
    wire_type: ClassVar[str] = ""
    is_counted: ClassVar[bool] = False
    """Whether cells of the type advance the kernel's count."""

    content: str = ""
    id: str = field(default_factory=new_id)
    outputs: list[Output] = field(default_factory=list)
    status: CellStatus = "idle"
    execution_count: int | None = None
    metadata: dict[str, JSONValue] = field(default_factory=dict)
    extra: dict[str, JSONValue] = field(default_factory=dict)
    stale: bool = False
    staleness: Staleness = field(default_factory=Staleness)
    pinned: bool = False
    skipped: bool = False

    COMMON: ClassVar[frozenset[str]] = frozenset(
        {
            "content",
            "id",
            "outputs",
            "status",
            "execution_count",
            "metadata",
            "extra",
            "stale",
            "staleness",
        }
    )

    def __post_init__(self) -> None:
        self.metadata = without_settled(self.content, self.metadata)

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """The fields that this type of cell has beside those that every cell has."""
        return _option_names(cls)

    @classmethod
    def option_defaults(cls) -> dict[str, Any]:
        """What `options` are unless somebody says otherwise."""
        return {name: _defaults(cls)[name] for name in cls.option_names()}

    def options(self) -> dict[str, Any]:
        """The values of the type's own fields: a prompt's model, temperature and so on."""
        return {name: getattr(self, name) for name in self.option_names()}

    def changed_options(self) -> dict[str, Any]:
        """Those of `options` that are not as they are by default."""
        defaults = self.option_defaults()
        return {name: value for name, value in self.options().items() if value != defaults[name]}

    def clear_outputs(self) -> None:
        """Forget the last run."""
        self.outputs = []
        self.status = "idle"
        self.execution_count = None
        self.be_fresh()

    def be_fresh(self) -> None:
        """Forget that it was stale, and why."""
        self.stale = False
        self.staleness = Staleness()

    def be_stale(self, *reasons: StaleReason) -> None:
        """Note that it is stale, and why, besides what is known of it."""
        self.stale = True
        if reasons:
            self.staleness = self.staleness.with_reasons(reasons)

    def change(self, **changes: Any) -> None:
        """Change fields by name; a changed content clears the outputs.

        Raises:
            InvalidInput: A field that this type of cell does not have, or a value that does not
                fit it. Nothing is changed then.
        """
        # A rebuilt cell is validated as a whole, so that no half of the changes is kept.
        candidate = build_cell(type(self), {**_fields(self), **changes})
        content_changes = candidate.content != self.content
        has_run = self.status != "idle" or self.stale
        edits = self.edits_to(candidate)
        for name in changes:
            setattr(self, name, getattr(candidate, name))
        if content_changes:
            known, answer = self.staleness, self.answer_text()
            self.clear_outputs()
            self.metadata = candidate.metadata  # of a merge, perhaps, that is settled by it
            if answer is not None:
                known = replace(known, answer=bounded_text(answer))
            self.staleness = known
        if has_run and edits:
            self.be_stale(*edits)

    def edits_to(self, other: Cell) -> list[StaleReason]:
        """What of it that its result depends on differs in another cell."""
        edits = [
            StaleReason(
                kind="own_edit",
                field=name,
                was=_shown(getattr(self, name)),
                now=_shown(getattr(other, name, None)),
            )
            for name in self.option_names()
            # These matter to other cells only.
            if name not in ("pinned", "skipped")
            and getattr(self, name) != getattr(other, name, None)
        ]
        if other.content != self.content:
            edits.insert(0, StaleReason(kind="own_edit", field="content"))
        return edits

    def answer_text(self) -> str | None:
        """The text of its one answer; None where it has none, or several."""
        answers = [output for output in self.outputs if output.type == "llm_response"]
        last = answers[-1] if answers else None
        return last.content if last is not None and last.fields.get("item") is None else None

    def copy(self, *, id: str | None = None) -> Cell:
        """A cell that shares nothing changeable with this one.

        Args:
            id: The copy's id; a new one where None.
        """
        fields = _fields(self)
        fields["id"] = id or new_id()
        fields["outputs"] = list(self.outputs)
        fields["metadata"] = _deep_copy(self.metadata)
        fields["extra"] = _deep_copy(self.extra)
        return type(self)(**fields)


class MarkdownCell(Cell, kw_only=True):
    """Documentation, and context for prompts."""

    type: ClassVar[str] = "markdown"
    wire_type: ClassVar[str] = "MarkdownCell"


class CodeCell(Cell, kw_only=True):
    """Code that runs in the notebook's kernel."""

    type: ClassVar[str] = "code"
    wire_type: ClassVar[str] = "ComputationCell"
    is_counted: ClassVar[bool] = True


class PromptCell(Cell, kw_only=True):
    """A template that is filled in from the state and sent to a model.

    Attributes:
        model: The model's name, optionally after the provider's and a slash (``openai/gpt-4o``);
            None: the notebook's, or the provider's default.
        temperature: From 0 to 2; None: the provider's default.
        response_var: The variable for the answer; None: ``response_<index of the cell>``.
        provider: The provider's name; None: see ``docs/reference/providers``.
        parameters: Further parameters of the call, as the provider names them: ``max_tokens``.
        system: The system prompt, also a template; None: the notebook's.
        context: The other cells that are included: none (``isolated``), all above (``above``), or
            those with these ids.
        schema: The schema of the answer: a JSON Schema, the name of a pydantic model in the state,
            or the short form ``name, age int, tags[]``; None: any text.
        tools: The names of functions in the state that the model may ask to have called.
        tool_limit: How many times in a row the model may ask for tools.
        approve_tools: Whether somebody must approve each tool call.
        for_each: An expression; the prompt is sent once for each of its items, which the
            template sees as ``item``.
        attachments: Pictures and files: names of variables, or paths under the root folder.
        reasoning_effort: How much the model is to think: ``none``, ``minimal``, ``low``, ``medium``
            or ``high``; None: as the notebook, the settings or the provider have it.
    """

    type: ClassVar[str] = "prompt"
    wire_type: ClassVar[str] = "PromptCell"

    def __post_init__(self) -> None:
        super().__post_init__()
        # As Python names them, so that what code sets and reads are these.
        self.tools = [as_variable(name) for name in self.tools]
        if self.response_var is None:
            return
        name = self.response_var = as_variable(self.response_var)
        if not name.isidentifier():
            raise ValueError(f"`{name}` is not the name of a variable")
        if not is_variable(name) or name.startswith("__"):
            raise ValueError(f"`{name}` is reserved by Python: choose another name")

    @property
    def has_schema(self) -> bool:
        """Whether the answer must have a form: a blank ``schema`` asks for none."""
        return (
            bool(self.schema.strip()) if isinstance(self.schema, str) else self.schema is not None
        )

    def answer_variable(self, index: int) -> str:
        """The variable of the answer: its own, else ``response_<index of the cell>``."""
        return self.response_var or f"response_{index}"

    model: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    response_var: VariableName | None = None
    provider: str | None = None
    parameters: dict[str, JSONValue] = field(default_factory=dict)
    system: str | None = None
    context: Literal["isolated", "above"] | list[str] = "isolated"
    schema: str | dict[str, JSONValue] | None = None
    tools: list[VariableName] = field(default_factory=list)
    tool_limit: Annotated[int, Meta(ge=1, le=1000)] = 10
    approve_tools: bool = False
    for_each: str | None = None
    attachments: list[str] = field(default_factory=list)
    reasoning_effort: ReasoningEffort | None = None


class MemoryCell(Cell, kw_only=True):
    """Assignments whose values are kept with the notebook."""

    type: ClassVar[str] = "memory"
    wire_type: ClassVar[str] = "MemoryCell"
    is_counted: ClassVar[bool] = True


class ForeignCell(Cell, kw_only=True):
    """A cell of a type that no installed plugin knows: shown and kept, not run.

    Attributes:
        foreign_type: The type as the file says it.
    """

    foreign_type: str

    @property
    def is_raw(self) -> bool:
        """Whether it is one of Jupyter's raw cells, which are meant for other programs."""
        return self.foreign_type == "raw"


def build_cell(cell_class: type[Cell], fields: dict[str, Any]) -> Cell:
    """A cell of ``cell_class`` from plain values, validated.

    Raises:
        InvalidInput: An unknown field, or a value that does not fit.
    """
    unknown = sorted(fields.keys() - set(cell_class.__struct_fields__))
    if unknown:
        raise InvalidInput(
            f"A {cell_class.type or 'foreign'} cell has no field `{unknown[0]}`; "
            f"it takes {', '.join(sorted(cell_class.__struct_fields__))}."
        )
    try:
        return msgspec.convert(fields, cell_class)
    except msgspec.ValidationError as error:
        path, reason = misfit(error, cell_class, PATTERNS)
        where = f" at `{path}`" if path else ""
        raise InvalidInput(
            f"This is not a valid {cell_class.type} cell: {reason}{where}."
        ) from None


@cache
def _option_names(cell_class: type[Cell]) -> tuple[str, ...]:
    return tuple(name for name in cell_class.__struct_fields__ if name not in cell_class.COMMON)


@cache
def _defaults(cell_class: type[Cell]) -> dict[str, Any]:
    return {
        field.name: field.default if field.default_factory is NODEFAULT else field.default_factory()
        for field in msgspec.structs.fields(cell_class)
    }


def _shown(value: Any) -> str | None:
    """An option as a short text; None where it has none."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return bounded_text(", ".join(value))
    return bounded_text(str(value)) if isinstance(value, str | int | float) else None


def _fields(cell: Cell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in cell.__struct_fields__}


def _deep_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deep_copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_deep_copy(item) for item in value]
    return value
