"""Records of calls as a run makes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from llm_repl_core.ledger.identity import canonical_request, identity_of
from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_core.providers.base import Message, Request, Usage

MakeRecord: TypeAlias = Callable[..., CallRecord]

FIRST_TIME = datetime(2025, 3, 1, 12, tzinfo=UTC)


def _make_record(
    id: str,
    prompt: str = "Say hello.",
    *,
    cell: str = "a",
    item: int | None = None,
    step: int = 0,
    position: int = 0,
    run: str = "run-1",
    answer: str | None = None,
    temperature: float | None = None,
    minute: int = 0,
    **fields: Any,
) -> CallRecord:
    """A call that was answered, unless ``fields`` say otherwise."""
    request = Request(model="m-1", messages=(Message("user", prompt),), temperature=temperature)
    canonical = canonical_request("mock", request)
    defaults = {
        "notebook_id": "nb",
        "state": "completed",
        "duration_s": 0.5,
        "usage": Usage(input_tokens=3, output_tokens=2, raw={"total": 5}),
        "price_usd": 0.001,
        "body": {"stream": True},
    }
    return CallRecord(
        id=id,
        run_id=run,
        place=CallPlace(cell_id=cell, item=item, step=step, position=position),
        identity=identity_of(canonical),
        provider="mock",
        model=request.model,
        request=canonical,
        started_at=FIRST_TIME + timedelta(minutes=minute),
        text=f"answer {id}" if answer is None else answer,
        **{**defaults, **fields},
    )


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """Makes records: ``make_record("id", "the prompt", cell="a", item=0, step=1, run="r")``."""
    return _make_record
