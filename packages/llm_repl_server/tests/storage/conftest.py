"""A store in a folder of its own, and calls to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from llm_repl_core.ledger.record import CallPlace, CallRecord
from llm_repl_server.storage.store import Store

START = datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'notebooks.db'}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with Store(database_url) as opened:
        yield opened


@pytest.fixture
def make_call() -> Callable[..., CallRecord]:
    """A running call; each starts a second after the one before."""
    count = 0

    def make(content: str = "Say hello.", **fields: Any) -> CallRecord:
        nonlocal count
        count += 1
        request: Any = {
            "provider": "mock",
            "model": "m",
            "messages": [{"role": "user", "content": content}],
        }
        given: dict[str, Any] = {
            "id": f"call-{count}",
            "notebook_id": "n",
            "run_id": "r",
            "place": CallPlace(cell_id="c"),
            "identity": "0" * 64,
            "provider": "mock",
            "model": "m",
            "request": request,
            "body": {"body": request},
            "started_at": START + timedelta(seconds=count),
            **fields,
        }
        return CallRecord(**given)

    return make
