"""The engine's events in the words of the wire."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import fields

from llm_repl_core import Event
from llm_repl_server.services import wire_events as wire
from llm_repl_server.services.engine_events import SAME_FIELDS, PublishedEvent


@pytest.mark.parametrize(("event", "told"), SAME_FIELDS.items())
def test_what_is_told_as_it_is_has_its_fields(
    event: type[Event], told: type[wire.WireEvent]
) -> None:
    assert event in get_args(PublishedEvent)
    said = {field.name for field in fields(told) if field.required}
    assert {"notebook_id", "run_id"} < said <= {*event.__struct_fields__}
