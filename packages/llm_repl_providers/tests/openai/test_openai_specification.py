"""What is sent, and what the test server answers, held to the types of OpenAI's own SDK.

They are made from OpenAI's specification of its APIs.
"""

from __future__ import annotations

import json
from typing import get_args

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

from llm_repl_core.providers.base import (
    AnswerSchema,
    Attachment,
    CacheHint,
    Message,
    Request,
    Tool,
    ToolCall,
)
from llm_repl_core.testing.openai_server import Reply
from llm_repl_providers.openai.provider import OpenAIProvider

EVENTS = {
    get_args(event.model_fields["type"].annotation)[0]: event
    for event in get_args(get_args(ResponseStreamEvent)[0])
}
CALL = ToolCall(id="c1", name="add", arguments='{"x": 1}')
SOURCE = {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "http://x", "title": "X"}
REPLIES = {
    "text": Reply(text="a b"),
    "everything": Reply(
        reasoning="Hm. So.", text="a b", citations=(SOURCE,), logprobs=True, image=b"png",
        tool_calls=(CALL,), service_tier="flex",
    ),
    "a refusal": Reply(refusal="No."),
    "cut": Reply(text="a", finish_reason="length"),
    "failed": Reply(text="a", finish_reason="failed"),
}  # fmt: skip


def _documents(reply, **request):
    body = b"".join(reply.portions({"model": "m", **request}, responses="input" in request))
    if not request.get("stream"):
        return [json.loads(body)]
    lines = [line for line in body.decode().split("\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_the_servers_responses_are_openais(reply):
    asked = {"input": "x", "include": ["reasoning.encrypted_content"], "tools": []}
    for document in _documents(reply, stream=True, **asked):
        EVENTS[document["type"]].model_validate(document)
    (whole,) = _documents(reply, **asked)
    Response.model_validate(whole)


@pytest.mark.parametrize("reply", [REPLIES[name] for name in ("text", "everything", "a refusal")])
def test_the_servers_chat_completions_are_openais(reply):
    asked = {"messages": [{"role": "user", "content": "x"}]}
    for document in _documents(reply, stream=True, stream_options={"include_usage": True}, **asked):
        ChatCompletionChunk.model_validate(document)
    (whole,) = _documents(reply, **asked)
    ChatCompletion.model_validate(whole)


PICTURE = Attachment(media_type="image/png", data=b"png", name="a.png")
PDF = Attachment(media_type="application/pdf", data=b"%PDF", name="a.pdf")
ADD = Tool(name="add", description="Adds.", parameters={"type": "object", "properties": {}})
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
REQUESTS = {
    "plain": {"messages": (Message("user", "a"),)},
    "with everything": {
        "messages": (
            Message("system", "Be kind."),
            Message("user", "Look.", (PICTURE, PDF)),
            Message("assistant", "Let me see.", (), (CALL,)),
            Message("tool", "3", tool_call_id="c1"),
            Message("system", "Be brief."),
            Message("user", "And now?"),
        ),
        "tools": (ADD,),
        "temperature": 0.5,
        "answer_schema": AnswerSchema(name="a", schema=SCHEMA),
        "reasoning_effort": "low",
        "cache": CacheHint(key="k"),
        "options": {"top_p": 0.5, "metadata": {"a": "b"}, "service_tier": "flex",
                    "parallel_tool_calls": False, "verbosity": "low", "max_completion_tokens": 99},
    },
}  # fmt: skip


@pytest.mark.parametrize("fields", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize(
    ("options", "params"),
    [
        ({"api": "chat"}, CompletionCreateParamsStreaming),
        ({"api": "chat", "stream": False}, CompletionCreateParamsNonStreaming),
        ({"api": "responses"}, ResponseCreateParamsStreaming),
        ({"api": "responses", "stream": False}, ResponseCreateParamsNonStreaming),
    ],
)
def test_what_is_sent_is_what_openai_takes(fields, options, params):
    request = Request(model="m", **{**fields, "options": {**fields.get("options", {}), **options}})
    body = OpenAIProvider().body(request)
    known = TypeAdapter(params).validate_python(body)
    assert known.keys() == body.keys()  # it leaves out what it does not know
    # It reads lists as they are asked for: here, all of them.
    name = "input" if "input" in body else "messages"
    assert len(list(known[name])) == len(body[name])
