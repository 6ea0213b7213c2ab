"""Requests as Responses take them, and what these do not have."""

from __future__ import annotations

import base64

import pytest

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import (
    AnswerSchema,
    Attachment,
    CacheHint,
    Message,
    ProviderConfig,
    Request,
    Tool,
    ToolCall,
)
from llm_repl_core.providers.parts import (
    Citation,
    Media,
    Reasoning,
    Refusal,
    ServerToolCall,
    Text,
    ToolCallPlace,
)
from llm_repl_providers.openai.provider import OpenAIProvider
from llm_repl_providers.openai.responses.body import request_body

USER = Message("user", "Say hello.")
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}
ADD = Tool(name="add", description="Adds.", parameters={"type": "object", "properties": {}})


def _body(*messages, defaults=None, **fields):
    return request_body(Request(model="m", messages=messages or (USER,), **fields), defaults or {})


def test_nothing_is_kept_on_the_server():
    assert _body() == {
        "model": "m",
        "input": [{"role": "user", "content": "Say hello."}],
        "stream": True,
        "store": False,
    }


def test_system_texts_come_first_as_instructions_and_later_ones_where_they_are():
    body = _body(Message("system", "Be kind."), Message("system", "Be brief."), USER)
    assert body["instructions"] == "Be kind.\n\nBe brief."
    assert body["input"] == [{"role": "user", "content": "Say hello."}]
    body = _body(USER, Message("system", "Be kind."))
    assert "instructions" not in body
    assert body["input"][1] == {"role": "system", "content": "Be kind."}
    # There is no request without input.
    assert _body(Message("system", "Be kind."))["input"] == [
        {"role": "system", "content": "Be kind."}
    ]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"max_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_output_tokens": 9}, {"max_output_tokens": 9}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"reasoning_effort": "none"}, {"reasoning": {"effort": "none"}}),
        (
            {"reasoning_effort": "low", "reasoning": {"summary": "detailed"}},
            {"reasoning": {"effort": "low", "summary": "detailed"}},
        ),
        (
            {"response_format": {"type": "json_object"}},
            {"text": {"format": {"type": "json_object"}}},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {}},
                }
            },
            {"text": {"format": {"type": "json_schema", "name": "a", "schema": {}}}},
        ),
        ({"logprobs": True, "top_logprobs": 2}, {"include": ["message.output_text.logprobs"]}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "add"}}},
            {"tool_choice": {"type": "function", "name": "add"}},
        ),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"top_p": 0.5, "metadata": {"a": "b"}}, {"top_p": 0.5, "metadata": {"a": "b"}}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
    ],
)
def test_parameters_of_chat_completions_are_translated(options, part):
    body = _body(options=options)
    assert {name: body[name] for name in part} == part
    assert not {"max_tokens", "reasoning_effort", "response_format", "logprobs"} & body.keys()
    assert _body(defaults=options) == body


@pytest.mark.parametrize(
    "name",
    ["stop", "seed", "n", "logit_bias", "presence_penalty", "frequency_penalty", "modalities",
     "audio", "prediction", "functions", "function_call", "web_search_options"],
)  # fmt: skip
def test_what_responses_do_not_have_is_refused_by_name(name):
    with pytest.raises(RequestRejected, match=rf"no parameter `{name}`: .*`api: chat`\.$"):
        _body(options={name: 1})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"options": {"previous_response_id": "r"}}, "`previous_response_id` cannot be set"),
        ({"options": {"conversation": "c"}}, "`conversation` cannot be set"),
        ({"options": {"background": True}}, "`background` cannot be set"),
        ({"options": {"input": "a"}}, "`input` cannot be set"),
        ({"options": {"messages": []}}, "`messages` cannot be set"),
        ({"options": {"max_tokens": 1, "max_output_tokens": 2}}, "say the same"),
        ({"options": {"reasoning_effort": "low", "reasoning": {"effort": "low"}}}, "say the same"),
        ({"options": {"reasoning": {"effort": "low"}}, "reasoning_effort": "low"}, "say the same"),
        ({"options": {"temperature": 1}, "temperature": 0.5}, "`temperature` repeats"),
        ({"options": {"reasoning_effort": "low"}, "reasoning_effort": "low"}, "repeats a field"),
        (
            {
                "options": {"response_format": {"type": "json_object"}},
                "answer_schema": AnswerSchema(name="a", schema=SCHEMA),
            },
            "`response_format` repeats",
        ),
        ({"options": {"tools": 3}}, "must be a list"),
        ({"options": {"stream": "no"}}, "`stream` must be true or false"),
    ],
)
def test_what_cannot_be_set_is_told_in_one_sentence(fields, words):
    with pytest.raises(RequestRejected, match=words) as caught:
        _body(**fields)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_schema_is_the_format_of_the_text():
    body = _body(
        answer_schema=AnswerSchema(name="A form", schema=SCHEMA), options={"verbosity": "low"}
    )
    closed = {**SCHEMA, "additionalProperties": False}
    form = {"type": "json_schema", "name": "A_form", "schema": closed, "strict": True}
    assert body["text"] == {"verbosity": "low", "format": form}
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    body = _body(answer_schema=AnswerSchema(name="a", schema=loose))
    assert body["text"]["format"]["strict"] is False


def test_tools_are_flat_and_not_strict_unless_told_and_reasoning_comes_encrypted():
    body = _body(tools=(ADD, Tool(name="now", description="", parameters={})))
    empty = {"type": "object", "properties": {}}
    assert body["tools"] == [
        {"type": "function", "name": "add", "description": "Adds.", "parameters": empty,
         "strict": False},
        {"type": "function", "name": "now", "parameters": empty, "strict": False},
    ]  # fmt: skip
    assert body["include"] == ["reasoning.encrypted_content"]
    assert "include" not in _body()


def test_tools_of_the_server_stand_beside_functions_and_show_what_they_found():
    body = _body(
        tools=(ADD,),
        options={"tools": [{"type": "web_search"}], "include": ["file_search_call.results"]},
    )
    assert [tool["type"] for tool in body["tools"]] == ["function", "web_search"]
    assert body["include"] == [
        "reasoning.encrypted_content",
        "file_search_call.results",
        "web_search_call.action.sources",
    ]
    # As chat completions have them.
    nested = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert _body(options={"tools": [nested]})["tools"] == [
        {"type": "function", "name": "f", "parameters": {}}
    ]


def test_an_effort_asks_for_a_summary_where_it_is_one():
    assert _body(reasoning_effort="high")["reasoning"] == {"effort": "high", "summary": "auto"}
    assert _body(reasoning_effort="none")["reasoning"] == {"effort": "none"}
    assert "reasoning" not in _body()


def test_attachments_go_with_the_user_and_with_results():
    picture = Attachment(media_type="image/png", data=b"\x89PNG", name="a.png")
    pdf = Attachment(media_type="application/pdf", data=b"%PDF", name="b.pdf")
    table = Attachment(media_type="text/csv", data=b"a,b", name="c.csv")
    message = Message("user", "Look.", (picture, pdf, table))
    result = Message("tool", "drawn", (picture,), tool_call_id="c1")
    call = Message("assistant", "", (), (ToolCall(id="c1", name="draw", arguments="{}"),))
    asked, _, drawn = _body(message, call, result)["input"]
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    file = "data:application/pdf;base64," + base64.b64encode(b"%PDF").decode()
    image = {"type": "input_image", "image_url": url, "detail": "auto"}
    assert asked["content"] == [
        {"type": "input_text", "text": "Look."},
        image,
        {"type": "input_file", "filename": "b.pdf", "file_data": file},
        {"type": "input_text", "text": "c.csv:\n\na,b"},
    ]
    assert drawn == {
        "type": "function_call_output",
        "call_id": "c1",
        "output": [{"type": "input_text", "text": "drawn"}, image],
    }


@pytest.mark.parametrize(
    ("role", "media_type", "words"),
    [
        ("user", "audio/wav", r"`a\.b` is audio/wav: .*no sound"),
        ("system", "image/png", "role `system`"),
        ("assistant", "image/png", "role `assistant`"),
    ],
)
def test_what_has_no_place_is_told_by_name(role, media_type, words):
    attachment = Attachment(media_type=media_type, data=b"", name="a.b")
    with pytest.raises(RequestRejected, match=words):
        _body(USER, Message(role, "", (attachment,)))


def test_a_turn_goes_back_as_the_items_that_it_came_as():
    def item(**fields):
        return {"responses_item": fields}

    thought = item(type="reasoning", id="rs_1", summary=[], encrypted_content="x")
    said = item(
        type="message", id="m_1", role="assistant", phase="commentary",
        content=[{"type": "output_text", "annotations": []}],
    )  # fmt: skip
    searched = item(type="web_search_call", id="ws_1", status="completed")
    made = item(type="image_generation_call", id="ig_1", output_format="png")
    calls = (
        ToolCall(id="c1", name="add", arguments='{"x": 1}', provider_data=item(id="fc_1")),
        ToolCall(id="c2", name="add", arguments="{broken"),
    )
    parts = (
        Reasoning(text="Hm.", provider_data=thought),
        ServerToolCall(id="ws_1", name="web_search", provider_data=searched),
        Text(text="Let me see.", provider_data=said),
        Citation(url="http://x"),
        Media(media_type="image/png", data=b"png", provider_data=made),
        ToolCallPlace(id="c1"),
        Reasoning(text="Of another server."),
        Text(text="Of another server."),
        Text(text=""),
        Refusal(text="No."),
        ToolCallPlace(id="c2"),
    )
    turn = Message("assistant", "Let me see.", (), calls, parts=parts)
    assert _body(USER, turn)["input"][1:] == [
        thought["responses_item"],
        searched["responses_item"],
        {
            **said["responses_item"],
            "content": [{"type": "output_text", "annotations": [], "text": "Let me see."}],
        },
        {**made["responses_item"], "result": "cG5n"},
        {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "add",
         "arguments": '{"x": 1}'},
        {"role": "assistant", "content": "Of another server."},
        {"role": "assistant", "content": "No."},
        # Broken arguments would have the API refuse the whole conversation.
        {"type": "function_call", "call_id": "c2", "name": "add", "arguments": "{}"},
    ]  # fmt: skip


def test_a_turn_without_parts_is_its_text_and_its_calls():
    call = ToolCall(id="c1", name="add", arguments="{}")
    turn = Message("assistant", "Let me see.", (), (call,))
    assert _body(USER, turn)["input"][1:] == [
        {"role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
    ]


OPENAI = {"base_url": None}
REGION = {"base_url": "https://eu.api.openai.com/v1"}
OTHER = {"base_url": "https://gateway.example.org/v1"}
SIMILAR = {"base_url": "https://api.openai.com.example.org/v1"}


@pytest.mark.parametrize(
    ("config", "options", "is_responses"),
    [
        (OPENAI, {}, True),
        (REGION, {}, True),
        (OTHER, {}, False),
        (SIMILAR, {}, False),
        (OPENAI, {"api": "auto"}, True),
        (OPENAI, {"api": "chat"}, False),
        (OTHER, {"api": "responses"}, True),
        (OPENAI, {"stop": ["."]}, False),
        (OPENAI, {"seed": 1}, False),
    ],
)
def test_the_address_the_setting_and_what_is_needed_say_which_api(config, options, is_responses):
    request = Request(model="m", messages=(USER,), options=options)
    body = OpenAIProvider(ProviderConfig(**config)).body(request)
    assert ("input" in body, "messages" in body) == (is_responses, not is_responses)
    assert "api" not in body
    same = OpenAIProvider(ProviderConfig(**config, options=options))
    assert same.body(Request(model="m", messages=(USER,))) == body


def test_sound_is_heard_by_chat_completions():
    sound = Attachment(media_type="audio/wav", data=b"RIFF")
    request = Request(model="m", messages=(Message("user", "Listen.", (sound,)),))
    assert "messages" in OpenAIProvider().body(request)


@pytest.mark.parametrize("value", ["Chat", "completions", 1, None, True])
def test_an_api_that_there_is_not_is_told(value):
    request = Request(model="m", messages=(USER,), options={"api": value})
    with pytest.raises(RequestRejected, match=r"`api` must be auto, chat or responses, not .*\.$"):
        OpenAIProvider().body(request)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_hint_for_the_cache_is_for_openai_alone(api):
    def body(config, **options):
        hint = CacheHint(key="k1", prefixes=(1,))
        request = Request(model="m", messages=(USER,), cache=hint, options={"api": api, **options})
        return OpenAIProvider(ProviderConfig(**config)).body(request)

    assert body(OPENAI)["prompt_cache_key"] == "k1"
    assert body(OPENAI, prompt_cache_key="mine")["prompt_cache_key"] == "mine"
    assert "prompt_cache_key" not in body(OTHER)


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high"])
def test_every_effort_is_translated_for_both(effort):
    assert effort in OpenAIProvider.reasoning_efforts
    request = Request(model="m", messages=(USER,), reasoning_effort=effort)
    assert OpenAIProvider().body(request)["reasoning"]["effort"] == effort
    chat = OpenAIProvider(ProviderConfig(options={"api": "chat"}))
    assert chat.body(request)["reasoning_effort"] == effort
