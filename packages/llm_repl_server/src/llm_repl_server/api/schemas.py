"""What requests hold. The OpenAPI description is made from these, and from the answers' classes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from llm_repl_core.model.cell import VariableName
from llm_repl_core.model.notebook import DEFAULT_NAME
from llm_repl_core.reasoning_effort import ReasoningEffort
from llm_repl_server.services.answers import Metadata
from llm_repl_server.services.cell_steps import EditKind
from llm_repl_server.services.decoding import NewVariableName
from llm_repl_server.services.providers import BASE_URL_PATTERN

__all__ = [
    "CHOICES_KEY",
    "CellChange",
    "CellPlace",
    "CellStep",
    "CellSteps",
    "CopyNotebook",
    "DownloadQuery",
    "ErrorAnswer",
    "Health",
    "LoadFile",
    "MoveCell",
    "NewCell",
    "NewNotebook",
    "NotebookChange",
    "OpenFile",
    "ProviderChange",
    "SaveFile",
]

CHOICES_KEY = "x-choices"
"""Marks a text whose possible values are known when the plugins are: see `api.choices.Choices`."""

Name = Annotated[str, Meta(pattern=r"\S", max_length=1000, description="Not blank.")]
FilePath = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4000,
        description="Under the server's root folder; the file extension chooses the format.",
        examples=["notes.llmn"],
        extra_json_schema={CHOICES_KEY: "files"},
    ),
]
NewFilePath = Annotated[
    str,
    Meta(
        max_length=4000,
        description="Under the server's root folder; the file extension chooses the format, and "
        "missing folders are created. If empty, the notebook's name with `.llmn`.",
        examples=["reports/notes.llmn"],
        extra_json_schema={CHOICES_KEY: "new_files"},
    ),
]
# For JSON, 1.0 is as good an integer as 1.
Position = Annotated[
    float, Meta(ge=0, multiple_of=1, description="From 0.", extra_json_schema={"format": "integer"})
]
CellTypeWord = Annotated[
    str,
    Meta(
        description="In either spelling: `code`, `ComputationCell`.",
        extra_json_schema={CHOICES_KEY: "cell_types"},
    ),
]
Temperature = Annotated[float, Meta(ge=0, le=2)]

# Requests ---------------------------------------------------------------------------------------


class NewNotebook(Struct):
    """A new notebook."""

    name: Name = DEFAULT_NAME
    metadata: Metadata | UnsetType = UNSET


class NotebookChange(Struct):
    """A change to a notebook."""

    name: Name | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class SaveFile(Struct):
    """Where to save a notebook."""

    filepath: NewFilePath | None = None


class LoadFile(Struct):
    """Which file to load."""

    filepath: FilePath


class OpenFile(Struct):
    """Which file to open."""

    path: FilePath


class ImportFile(Struct):
    """A file of a notebook: its name, whose ending picks the format, and its text."""

    filename: FilePath
    text: str


class DownloadQuery(Struct):
    """As what to download a notebook."""

    format: Annotated[
        str,
        Meta(
            description="`llmn`, `ipynb`, `py`, `md`, `html`, or a plugin's.",
            extra_json_schema={CHOICES_KEY: "formats"},
        ),
    ] = "llmn"


class CellChange(Struct):
    """A change to a cell.

    Fields that its type does not have are refused, unless they are null or their default.
    """

    type: CellTypeWord | UnsetType = UNSET
    content: str | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    response_var: NewVariableName | UnsetType | None = UNSET
    provider: str | UnsetType | None = UNSET
    parameters: Annotated[
        dict[str, Any] | UnsetType,
        Meta(description="Further parameters of the call, under the provider's names."),
    ] = UNSET
    system: Annotated[
        str | UnsetType | None,
        Meta(description="The system prompt; null: the notebook's."),
    ] = UNSET
    reasoning_effort: Annotated[
        ReasoningEffort | UnsetType | None,
        Meta(description="How much the model is to think; null: as the notebook says."),
    ] = UNSET
    context: Annotated[
        Literal["isolated", "above"] | list[str] | UnsetType,
        Meta(description="Which other cells are included: none, all above, or these."),
    ] = UNSET
    schema: Annotated[
        str | dict[str, Any] | UnsetType | None,
        Meta(
            description="The schema of the answer: a JSON Schema, the name of a pydantic model in "
            "the state, or the short form `name, age int, tags[]`."
        ),
    ] = UNSET
    tools: Annotated[
        list[VariableName] | UnsetType,
        Meta(description="Functions in the state that the model may ask to have called."),
    ] = UNSET
    tool_limit: Annotated[
        Annotated[float, Meta(ge=1, le=1000, multiple_of=1)] | UnsetType,
        Meta(
            description="How many times in a row the model may ask for tools.",
            extra_json_schema={"format": "integer"},
        ),
    ] = UNSET
    approve_tools: Annotated[
        bool | UnsetType,
        Meta(description="Whether somebody must approve each tool call."),
    ] = UNSET
    for_each: Annotated[
        str | UnsetType | None,
        Meta(description="An expression: the prompt is sent once for each of its items."),
    ] = UNSET
    attachments: Annotated[
        list[str] | UnsetType,
        Meta(description="Names of variables, or paths under the root folder."),
    ] = UNSET
    pinned: Annotated[
        bool | UnsetType, Meta(description="Include it in every prompt below it.")
    ] = UNSET
    skipped: Annotated[bool | UnsetType, Meta(description="Leave it out of every prompt.")] = UNSET


class NewCell(CellChange, kw_only=True):
    """A new cell.

    Fields that its type does not have are refused, unless they are null or their default.
    """

    type: CellTypeWord
    position: Position | None = None


class MoveCell(Struct):
    """The new index of a cell."""

    position: Position


class CopyNotebook(Struct):
    """A copy of a notebook."""

    name: Annotated[
        Name | UnsetType, Meta(description="Left out, it is the notebook's name and `copy`.")
    ] = UNSET


class CellPlace(Struct):
    """Where a deleted cell comes back."""

    position: Annotated[
        Position | None, Meta(description="From 0; null: where it was, as far as that can be told.")
    ] = None


class CellStep(CellChange, kw_only=True):
    """One of several edits: what is done to which cell, and the cell's new fields."""

    do: EditKind
    cell_id: Annotated[
        str, Meta(min_length=1, max_length=1000, description="Of a new cell: a UUID.")
    ]
    position: Annotated[
        Position | None,
        Meta(
            description="Where the cell is to stand when this edit is made, from 0. Null: a new cell "
            "at the end, a restored one where it was."
        ),
    ] = None
    version: Annotated[
        str | None, Meta(description="The `version` that is changed or deleted; null: any.")
    ] = None
    nbformat: Annotated[
        dict[str, Any] | None,
        Meta(
            description="For `create`: a cell as a file of Jupyter's has it, with its outputs, in the "
            "place of all other fields. Cells of which its prompt makes use are those that are there."
        ),
    ] = None


class CellSteps(Struct):
    """Several edits that are made as one, in this order."""

    edits: Annotated[list[CellStep], Meta(max_length=5000)]


class ProviderChange(Struct):
    """The provider to use by default."""

    type: Annotated[str, Meta(description="The provider's name.")]
    # The patterns are for the description alone: the services say in words what is wrong.
    api_key: (
        Annotated[
            str,
            Meta(
                description="Stored in the keys file, and never shown again. Blank: no key.",
                extra_json_schema={"pattern": "^[ -~]*$"},
            ),
        ]
        | None
    ) = None
    base_url: (
        Annotated[
            str,
            Meta(
                description="The provider's address, without a user name or a key. Empty: its "
                "default.",
                extra_json_schema={"pattern": f"^$|{BASE_URL_PATTERN}"},
            ),
        ]
        | None
    ) = None
    model: (
        Annotated[
            str,
            Meta(
                description="Empty: the provider's default, or the first that the server at "
                "`base_url` offers."
            ),
        ]
        | None
    ) = None


# Answers ----------------------------------------------------------------------------------------


class ErrorAnswer(Struct):
    """Why a request failed."""

    error: Annotated[str, Meta(description="One sentence.")]
    code: Annotated[str, Meta(description="A code for programs.")]


class Health(Struct):
    """The server is up."""

    status: Literal["ok"]
    version: str
