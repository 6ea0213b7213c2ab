"""``…/cells/<id>/answers``: the versions of a prompt's answer, and which is in use."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from llm_repl_core.engine.answers.asked import AskedModel
from llm_repl_core.engine.answers.versions import AnswerDetail, AnswerPage
from llm_repl_core.model.json_value import JSONValue
from llm_repl_server.api.resource import (
    Resource,
    idempotency_key,
    matching_versions,
    services,
)
from llm_repl_server.services.answers import CellAnswer
from llm_repl_server.services.cell_answers import AnswersInUse, Comparison, RememberedAnswer

__all__ = ["cell_answers"]

cell_answers = Resource("answers")

_NOTEBOOK = "/api/notebooks/<notebook:notebook_id>"
_CELL = f"{_NOTEBOOK}/cells/<cell_id>"

_Number = Annotated[float, Meta(multiple_of=1, extra_json_schema={"format": "integer"})]
_Item = Annotated[
    Annotated[int, Meta(ge=0, le=10**6)] | None,
    Meta(description="Of a prompt over items: the index of the item, from 0."),
]


class ItemQuery(Struct, kw_only=True):
    """Of which item."""

    item: _Item = None


class AnswersQuery(ItemQuery, kw_only=True):
    """Which versions."""

    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 20
    before: Annotated[
        Annotated[int, Meta(ge=1, le=10**9)] | None,
        Meta(description="The `next` of the previous page: only versions of a smaller number."),
    ] = None


class EditedAnswer(Struct, kw_only=True):
    """An answer written by hand: its `content`, or the `value` of a structured answer."""

    content: Annotated[
        Annotated[str, Meta(max_length=1_000_000)] | None,
        Meta(description="The text; of a structured answer JSON."),
    ] = None
    value: Annotated[
        JSONValue | UnsetType, Meta(description="Of a structured answer: its value, as JSON.")
    ] = UNSET
    item: Annotated[
        Annotated[_Number, Meta(ge=0, le=10**6)] | None,
        Meta(description="Of a prompt over items: the index of the item, from 0."),
    ] = None


class AskRequest(Struct, kw_only=True):
    """Who is asked: each of `models`, `times` times; the prompt's own model where there are none."""

    models: Annotated[list[AskedModel], Meta(max_length=10)] = []
    times: Annotated[
        Annotated[_Number, Meta(ge=1, le=10)],
        Meta(description="How many times each is asked; ten answers at most in all."),
    ] = 1
    item: Annotated[
        Annotated[_Number, Meta(ge=0, le=10**6)] | None,
        Meta(description="Of a prompt over items: the index of the item, from 0."),
    ] = None


class CandidateQuery(Struct, kw_only=True):
    """Which one of those that are asked."""

    candidate: Annotated[
        Annotated[int, Meta(ge=0, le=9)] | None,
        Meta(description="Only this one, from 0; absent: all."),
    ] = None


@cell_answers.operation("GET", f"{_NOTEBOOK}/answers", errors=(404,))
def show_answers_in_use(notebook_id: str) -> AnswersInUse:
    """Return how many answers each prompt has, which it shows, and what these took."""
    return services().loop.call(services().cell_answers.in_use(notebook_id))


@cell_answers.operation("GET", f"{_CELL}/answers", errors=(404,))
def list_answers(notebook_id: str, cell_id: str, query: AnswersQuery) -> AnswerPage:
    """List the versions of a prompt's answer, the newest first: recorded, and written by hand."""
    return services().loop.call(
        services().cell_answers.list(
            notebook_id, cell_id, item=query.item, limit=query.limit, before=query.before
        )
    )


@cell_answers.operation("GET", f"{_CELL}/answers/<answer_id>", errors=(404,))
def show_answer(notebook_id: str, cell_id: str, answer_id: str, query: ItemQuery) -> AnswerDetail:
    """Return a version in full, and how it differs from the one in use: text and request."""
    return services().loop.call(
        services().cell_answers.show(notebook_id, cell_id, answer_id, item=query.item)
    )


@cell_answers.operation(
    "POST", f"{_CELL}/answers/<answer_id>/use", errors=(404, 409, 412), versioned=True
)
def use_answer(notebook_id: str, cell_id: str, answer_id: str, query: ItemQuery) -> CellAnswer:
    """Take a version of the answer into use.

    The variable follows, and cells that depend on it become stale. `If-Match` takes the `version`
    of the list of answers. Sent twice, it changes nothing the second time.
    """
    return services().loop.call(
        services().cell_answers.use(
            notebook_id, cell_id, answer_id, item=query.item, if_match=matching_versions()
        )
    )


@cell_answers.operation("POST", f"{_CELL}/answer/remember", errors=(404, 409))
def remember_answer(notebook_id: str, cell_id: str) -> RememberedAnswer:
    """Have the prompt's answer as `_` in the kernel, as the value of the last expression.

    Of a prompt over items it is the list of its answers.
    """
    return services().loop.call(services().cell_answers.remember(notebook_id, cell_id))


@cell_answers.operation(
    "PUT", f"{_CELL}/answer", body_required=True, errors=(404, 409, 412), versioned=True
)
def edit_answer(notebook_id: str, cell_id: str, body: EditedAnswer) -> CellAnswer:
    """Write the answer by hand.

    It is marked as edited, and the model's is kept: `use` has it back. The variable follows, and
    cells that depend on it become stale. A structured answer is checked against its schema.
    `If-Match` takes the `version` of the list of answers.
    """
    return services().loop.call(
        services().cell_answers.edit(
            notebook_id,
            cell_id,
            body.content,
            body.value,
            item=None if body.item is None else int(body.item),
            if_match=matching_versions(),
        )
    )


@cell_answers.operation("POST", f"{_CELL}/ask", errors=(404, 409), idempotent=True)
def ask_several(notebook_id: str, cell_id: str, body: AskRequest) -> Comparison:
    """Ask several models for an answer side by side, or one several times.

    Responds when they are being asked: `candidate_text` and `candidate_ended` say what comes.
    Nothing of the notebook changes. Each answer is recorded as the cell's, under the notebook's
    budget; `POST …/answers/<call_id>/use` takes one into use.
    """
    return services().loop.call(
        services().cell_answers.ask(
            notebook_id,
            cell_id,
            (body.models or [AskedModel()]) * int(body.times),
            item=None if body.item is None else int(body.item),
            new_id=idempotency_key(),
        )
    )


@cell_answers.operation("GET", f"{_CELL}/ask/<comparison_id>", errors=(404,))
def show_comparison(notebook_id: str, cell_id: str, comparison_id: str) -> Comparison:
    """Return what has come of those that are asked; the latest 20 comparisons are kept."""
    return services().loop.call(
        services().cell_answers.comparison(notebook_id, cell_id, comparison_id)
    )


@cell_answers.operation("POST", f"{_CELL}/ask/<comparison_id>/interrupt", errors=(404,))
def stop_comparison(
    notebook_id: str, cell_id: str, comparison_id: str, query: CandidateQuery
) -> Comparison:
    """Stop all that are asked, or one of them; responds when that has ended."""
    return services().loop.call(
        services().cell_answers.stop_asking(notebook_id, cell_id, comparison_id, query.candidate)
    )
