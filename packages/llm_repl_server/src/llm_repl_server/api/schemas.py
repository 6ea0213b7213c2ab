"""What requests hold and answers look like. The OpenAPI description is made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from llm_repl_core.model.cell import CellStatus, VariableName
from llm_repl_core.model.notebook import DEFAULT_NAME

__all__ = [
    "AllExecuted",
    "CellAnswer",
    "CellChange",
    "CellList",
    "DownloadQuery",
    "ErrorAnswer",
    "Executed",
    "Health",
    "LoadFile",
    "MoveCell",
    "NewCell",
    "NewNotebook",
    "NotebookAnswer",
    "NotebookChange",
    "NotebookHeader",
    "NotebookList",
    "OutputAnswer",
    "ProviderChange",
    "ProviderList",
    "SaveFile",
    "Saved",
    "StateAnswer",
    "Success",
]

Name = Annotated[str, Meta(pattern=r"\S", max_length=1000, description="Not blank.")]
FilePath = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4000,
        description="Under the server's root folder; the ending picks the format.",
    ),
]
Position = Annotated[int, Meta(ge=0, description="From 0.")]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Metadata = dict[str, Any]

# Requests ---------------------------------------------------------------------------------------


class NewNotebook(Struct):
    """A notebook to be made."""

    name: Name = DEFAULT_NAME


class NotebookChange(Struct):
    """What is to change of a notebook."""

    name: Name | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class SaveFile(Struct):
    """Where to save a notebook."""

    filepath: FilePath | None = None


class LoadFile(Struct):
    """Which file to load."""

    filepath: FilePath


class DownloadQuery(Struct):
    """As what to download a notebook."""

    format: Annotated[str, Meta(description="`llmn`, `ipynb`, or a plugin's.")] = "llmn"


class CellChange(Struct):
    """What is to change of a cell. Fields that its type does not have are passed over."""

    type: Annotated[str, Meta(description="In either spelling: `code`, `ComputationCell`.")] | (
        UnsetType
    ) = UNSET
    content: str | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    model: str | None | UnsetType = UNSET
    temperature: Temperature | None | UnsetType = UNSET
    response_var: VariableName | None | UnsetType = UNSET
    provider: str | None | UnsetType = UNSET


class NewCell(CellChange, kw_only=True):
    """A cell to be made. Fields that its type does not have are passed over."""

    type: Annotated[str, Meta(description="In either spelling: `code`, `ComputationCell`.")]
    position: Position | None = None


class MoveCell(Struct):
    """Where a cell is to stand."""

    position: Position


class ProviderChange(Struct):
    """Who is to answer prompts by default."""

    type: Annotated[str, Meta(description="The provider's name.")]
    api_key: Annotated[
        str | None, Meta(description="Kept in the keys file; never shown again.")
    ] = None
    base_url: str | None = None
    model: str | None = None


# Answers ----------------------------------------------------------------------------------------


class ErrorAnswer(Struct):
    """Why a request was not carried out."""

    error: Annotated[str, Meta(description="One sentence.")]
    code: Annotated[str, Meta(description="A machine's word for it.")]


class Success(Struct):
    """It was done."""

    success: Literal[True]


class NotebookHeader(Struct):
    """What identifies a notebook. `id` and `notebook_id` are the same."""

    id: str
    notebook_id: str
    name: str
    created_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    updated_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class NotebookSummary(NotebookHeader):
    """A notebook in the list."""

    cell_count: int


class NotebookList(Struct):
    """All notebooks, in the order in which they were made."""

    notebooks: list[NotebookSummary]


class OutputAnswer(Struct):
    """An output; it has the other fields of its type as well."""

    type: str
    content: str


class CellAnswer(Struct):
    """A cell; it has the fields of its type as well. `id` and `cell_id` are the same."""

    id: str
    cell_id: str
    type: str
    content: str
    outputs: list[OutputAnswer]
    status: CellStatus
    execution_count: int | None
    metadata: Metadata
    version: Annotated[str, Meta(description="For `If-Match`; changes with every edit.")]


class CellList(Struct):
    """All cells of a notebook, in order."""

    cells: list[CellAnswer]


class NotebookAnswer(NotebookHeader):
    """A notebook with its cells."""

    metadata: Metadata
    cells: list[CellAnswer]
    state_keys: list[str]


class Saved(Struct):
    """Where a notebook was saved, relative to the root folder."""

    success: Literal[True]
    filepath: str


class Executed(Struct):
    """What became of a cell."""

    id: str
    cell_id: str
    outputs: list[OutputAnswer]
    status: CellStatus
    execution_count: int | None


class AllExecuted(Struct, omit_defaults=True):
    """What became of a notebook's cells."""

    success: bool
    error: str | UnsetType = UNSET
    cell_id: str | None | UnsetType = UNSET


class StateAnswer(Struct):
    """The variables: JSON values, or texts where JSON can't hold them."""

    state: dict[str, Any]
    busy: Annotated[
        bool, Meta(description="Whether something runs, so that these are of before.")
    ]


class CurrentProvider(Struct):
    """Who answers by default."""

    type: str
    model: str | None
    base_url: str | None


class ProviderList(Struct):
    """Who can answer, and who does by default."""

    providers: list[str]
    current: CurrentProvider


class Health(Struct):
    """That the server answers."""

    status: Literal["ok"]
    version: str


