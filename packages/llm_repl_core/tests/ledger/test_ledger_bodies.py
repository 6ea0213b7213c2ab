"""What a provider sends, as it is kept."""

from __future__ import annotations

import base64
import hashlib

from llm_repl_core.ledger.bodies import recorded_body
from llm_repl_core.providers.base import Attachment, Message, Request


def _request(data: bytes) -> Request:
    attachment = Attachment(media_type="image/png", data=data, name="a.png")
    return Request(model="m", messages=(Message("user", "see", attachments=(attachment,)),))


def test_attachments_stand_as_their_hash_alone_and_in_data_uris() -> None:
    data = b"\x89PNG..."
    encoded = base64.b64encode(data).decode()
    name = f"sha256:{hashlib.sha256(data).hexdigest()}"
    body = {"a": [encoded, f"data:image/png;base64,{encoded}"], "b": {"c": 1, "d": None}}
    recorded = recorded_body(body, _request(data))
    assert recorded == {"a": [name, f"data:image/png;base64,{name}"], "b": {"c": 1, "d": None}}
    assert body["a"][0] == encoded, "what is sent is not touched"


def test_a_short_attachment_changes_no_text_that_holds_its_letters() -> None:
    data = b"a"
    body = {"text": f"before {base64.b64encode(data).decode()} behind"}
    assert recorded_body(body, _request(data)) == body


def test_a_body_without_attachments_is_kept_as_it_is() -> None:
    request = Request(model="m", messages=(Message("user", "see"),))
    body = {"messages": ["see"]}
    assert recorded_body(body, request) is body
