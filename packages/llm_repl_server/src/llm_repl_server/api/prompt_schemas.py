"""What is said of prompts and of what depends on what, besides running them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from llm_repl_core.model.cell import CellStatus

__all__ = ["Decision", "GraphAnswer", "GraphQuery", "PreviewAnswer", "ToolQuestions"]


class Decision(Struct):
    """Whether a tool may be called."""

    approved: bool


class ToolQuestionAnswer(Struct):
    """A call of a tool that waits until somebody agrees."""

    call_id: Annotated[str, Meta(description="What to name in the answer.")]
    cell_id: str
    name: Annotated[str, Meta(description="The function.")]
    arguments: Annotated[str, Meta(description="JSON, as the model wrote it.")]
    item: Annotated[int | None, Meta(description="Of a prompt over items: which; from 0.")]


class ToolQuestions(Struct):
    """The calls of tools that wait until somebody agrees."""

    tool_calls: list[ToolQuestionAnswer]


class PreviewMessage(Struct):
    """A turn that would be sent."""

    role: str
    content: str
    cell_id: Annotated[str | None, Meta(description="Where it is from; null: the notebook.")]
    attachments: list[str]


class PreviewAnswer(Struct):
    """What running a prompt would send now."""

    provider: str
    model: str
    messages: Annotated[
        list[PreviewMessage], Meta(description="Of a prompt over items: those of the first.")
    ]
    body: Annotated[dict[str, Any], Meta(description="What would be sent, but for the key.")]
    calls: Annotated[int, Meta(description="How many calls it takes.")]
    input_tokens: int
    tokens_are_exact: Annotated[bool, Meta(description="Else they are an estimate.")]
    output_tokens_limit: int
    price_usd: Annotated[float | None, Meta(description="What all calls cost at most.")]
    notices: Annotated[
        list[str], Meta(description="What to know of it: values that are cut, doubtful braces.")
    ]


class GraphQuery(Struct):
    """How to show the graph."""

    format: Literal["json", "text", "mermaid", "svg"] = "json"


class GraphNode(Struct):
    """A cell of the graph."""

    id: str
    type: str
    title: Annotated[str, Meta(description="The first line of the cell.")]
    variable: Annotated[str | None, Meta(description="That of a prompt's answer.")]
    barrier: Annotated[str | None, Meta(description="Why it cannot be analysed.")]
    status: CellStatus
    stale: bool


class GraphEdge(Struct):
    """One cell needs another, or was seen to."""

    source: Annotated[str, Meta(description="The cell that is needed.")]
    target: Annotated[str, Meta(description="The cell that needs it.")]
    variable: str | None
    kind: Annotated[
        Literal["variable", "context", "barrier", "in_the_way"],
        Meta(
            description="`in_the_way`: the target was sent ahead in vain, as it asked something "
            "else after the source and others had run."
        ),
    ]


class GraphAnswer(Struct):
    """The cells of a notebook in order, and what they need."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]
    stale: list[str]
