"""What the tests across packages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import socketio


def hear_in_order(client: socketio.Client) -> socketio.Client:
    """Have a client handle its messages one after another; the library takes a thread for each."""
    trigger = client.eio._trigger_event

    def trigger_in_order(event: str, *arguments: Any, **options: Any) -> Any:
        return trigger(event, *arguments, **options | {"run_async": False})

    client.eio._trigger_event = trigger_in_order
    return client


@pytest.fixture(scope="session")
def in_order() -> Callable[[socketio.Client], socketio.Client]:
    return hear_in_order
