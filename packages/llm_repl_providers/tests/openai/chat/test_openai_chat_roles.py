"""Servers whose models take turns, or know no system text: what they refuse, and what they get."""

from __future__ import annotations

import asyncio
import json

import pytest

from llm_repl_core import Application, Notebook, Session, Settings
from llm_repl_core.errors import ProviderError
from llm_repl_core.providers.base import (
    Attachment,
    Message,
    ProviderConfig,
    Request,
    ToolCall,
)
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.chat.body import request_body
from llm_repl_providers.openai.chat.roles import (
    has_repeated_roles,
    has_system_turns,
    with_merged_turns,
    with_system_in_first_turn,
)
from llm_repl_providers.openai.provider import OpenAIProvider


def roles_of(request_or_body):
    body = getattr(request_or_body, "body", request_or_body)
    return [turn["role"] for turn in body["messages"]]


def alternate(roles, *, with_system):
    if with_system and roles[:1] == ["system"]:
        roles = roles[1:]
    return all(role == ("user", "assistant")[place % 2] for place, role in enumerate(roles))


TEMPLATE = "Conversation roles must alternate user/assistant/user/assistant/..."
# What a server takes, and the status and the body of what it says else.
SERVERS = {
    "mistral's template": (
        lambda roles: alternate(roles, with_system=False),
        500,
        {"error": {"code": 500, "message": f"Jinja Exception: {TEMPLATE}"}},
    ),
    "vllm": (
        lambda roles: alternate(roles, with_system=True),
        400,
        {"object": "error", "message": f"After the optional system message, {TEMPLATE.lower()}"},
    ),
    "anthropic's": (
        lambda roles: alternate(roles, with_system=True),
        400,
        {"error": {"message": 'messages: roles must alternate between "user" and "assistant", but '
                              'found multiple "user" roles in a row'}},
    ),
    "perplexity": (
        lambda roles: alternate(roles, with_system=True),
        400,
        {"error": {"message": "After the (optional) system message(s), user or tool message(s) "
                              "should alternate with assistant message(s)."}},
    ),
    "in other words": (
        lambda roles: alternate(roles, with_system=True),
        422,
        {"detail": "Consecutive messages of the same role are not allowed"},
    ),
    "gemma's template": (
        lambda roles: "system" not in roles,
        400,
        {"error": "Error rendering prompt with jinja template: System role not supported"},
    ),
    "gemma at Google's": (
        lambda roles: "system" not in roles,
        400,
        {"error": {"message": "Developer instruction is not enabled for models/gemma-3-27b-it"}},
    ),
    "an o1": (
        lambda roles: "system" not in roles,
        400,
        {"error": {"message": "Unsupported value: 'messages[0].role' does not support 'system' "
                              "with this model.", "param": "messages[0].role"}},
    ),
    "pydantic": (
        lambda roles: "system" not in roles,
        422,
        {"detail": [{"loc": ["body", "messages", 0, "role"],
                     "msg": "Input should be 'user' or 'assistant'"}]},
    ),
    "serde": (
        lambda roles: "system" not in roles,
        422,
        "messages[0].role: unknown variant `system`, expected `user` or `assistant`",
    ),
    "lm studio": (
        lambda roles: alternate(roles, with_system=False),
        400,
        {"error": "Only user and assistant roles are supported!"},
    ),
}  # fmt: skip


def answering(takes, status, error):
    def reply(request):
        if takes(roles_of(request)):
            return Reply(text="fine")
        said = "roles must alternate" if "system" not in roles_of(request) else error
        return Reply(status=status, body=json.dumps(said).encode())

    return reply


def answers(server, *requests):
    async def main():
        provider = OpenAIProvider(ProviderConfig(base_url=server.base_url))
        try:
            return [
                "".join([delta.text async for delta in deltas(provider, request)])
                for request in requests
            ]
        finally:
            await provider.close()

    return asyncio.run(main())


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_refuses_roles_gets_others_and_keeps_getting_them(server, name):
    takes, status, error = SERVERS[name]
    server.reply = answering(takes, status, error)
    request = Request(
        model="test-model",
        messages=(
            Message("system", "Be brief."),
            Message("user", "One."),
            Message("user", "Two."),
            Message("assistant", "Yes."),
            Message("user", "Three."),
            Message("user", "Four?"),
        ),
    )
    assert answers(server, request, request) == ["fine", "fine"]
    *refused, first, again = server.requests
    assert 1 <= len(refused) <= 2
    assert first.body == again.body
    sent = json.dumps(first.body["messages"])
    words = ["Be brief.", "One.", "Two.", "Yes.", "Three.", "Four?"]
    places = [sent.index(word) for word in words]
    assert places == sorted(places), "in the order of the cells"


def test_other_refusals_are_told(server, refuse_for_ever):
    refuse_for_ever("top_k must be positive")
    messages = (Message("system", "a"), Message("user", "b"), Message("user", "c"))
    with pytest.raises(ProviderError, match="top_k"):
        answers(server, Request(model="test-model", messages=messages))
    assert len(server.requests) == 1


def test_what_helps_for_nothing_is_not_tried_for_ever(server, refuse_for_ever):
    refuse_for_ever(TEMPLATE)
    messages = (Message("system", "a"), Message("user", "b"), Message("user", "c"))
    with pytest.raises(ProviderError, match="alternate"):
        answers(server, Request(model="test-model", messages=messages))
    assert len(server.requests) == 3


def body_of(*messages):
    return request_body(Request(model="m", messages=messages), {})


def test_pictures_and_calls_of_tools_stay_with_their_turns():
    picture = Attachment(media_type="image/png", data=b"\x89PNG", name="a.png")
    call = ToolCall(id="1", name="now", arguments="{}")
    body = body_of(
        Message("user", "One."),
        Message("user", "Two.", attachments=(picture,)),
        Message("assistant", "Let me see."),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "noon", tool_call_id="1"),
        Message("tool", "late", tool_call_id="2"),
        Message("user", "Three."),
    )
    before = json.dumps(body)
    merged = with_merged_turns(body)
    assert json.dumps(body) == before
    assert roles_of(merged) == ["user", "assistant", "tool", "tool", "user"]
    user, assistant, *_ = merged["messages"]
    assert [part["type"] for part in user["content"]] == ["text", "text", "image_url"]
    assert assistant["content"] == "Let me see."
    assert assistant["tool_calls"][0]["id"] == "1"
    assert not has_repeated_roles(merged)


def test_a_system_text_becomes_part_of_the_first_turn():
    picture = Attachment(media_type="image/png", data=b"\x89PNG", name="a.png")
    body = with_system_in_first_turn(
        body_of(Message("system", "Be brief."), Message("user", "Look.", attachments=(picture,)))
    )
    [turn] = body["messages"]
    assert [part.get("text") for part in turn["content"]] == ["Be brief.", "Look.", None]
    assert not has_system_turns(body)
    alone = with_system_in_first_turn(
        body_of(Message("system", "a"), Message("assistant", "b"), Message("system", "c"))
    )
    assert alone["messages"] == [
        {"role": "user", "content": "a\n\nc"},
        {"role": "assistant", "content": "b"},
    ]


def test_the_preview_keeps_the_cells(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "only-for-tests")
    server.reply = answering(*SERVERS["mistral's template"])
    notebook = Notebook()
    cells = [notebook.add_markdown("One."), notebook.add_markdown("Two.")]
    cells.append(notebook.add_prompt("Three?", context="above", system="Be brief."))
    settings = Settings(provider="openai", model="test-model", base_url=server.base_url)
    with Session(notebook, application=Application(settings)) as session:
        session.run()
        preview = session.preview(cells[2].id)
    ids = [cell.id for cell in cells]
    assert [one.cell_id for one in preview.messages] == [ids[2], *ids]
    assert roles_of(preview.body) == ["user"]
    assert preview.body["messages"][0]["content"] == "Be brief.\n\nOne.\n\nTwo.\n\nThree?"
    assert cells[2].outputs[-1].content == "fine"
