"""The server's Responses refuse what the API refuses, and count what they have read before."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer

USER = {"role": "user", "content": "one two"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "3"}


def _post(server, **body):
    request = urllib.request.Request(
        f"{server.base_url}/responses",
        json.dumps({"model": "m", "store": False, **body}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"input": [USER], "messages": []}, "Unknown parameter: 'messages'"),
        ({"input": [USER], "max_tokens": 1}, "Unknown parameter: 'max_tokens'"),
        ({}, "Missing required parameter: 'input'"),
        ({"input": [{"role": "tool", "content": "a"}]}, "unknown role 'tool'"),
        ({"input": [{"role": "user"}]}, "needs content"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}, "'text'"),
        ({"input": [USER, RESULT]}, "No tool call found"),
        ({"input": [USER, CALL]}, "No tool output found"),
        ({"input": [USER, {"type": "reasoning", "summary": []}]}, "could not be verified"),
        ({"input": [USER], "tools": [{"type": "function", "function": {}}]}, "tools[0].name"),
        ({"input": [USER], "model": None}, "model parameter"),
    ],
)
def test_it_refuses_what_the_api_refuses(body, words):
    with OpenAIServer() as server:
        status, document = _post(server, **body)
    assert status == 400
    assert words in document["error"]["message"]


def test_it_answers_the_last_of_the_user():
    with OpenAIServer() as server:
        status, document = _post(server, input=[USER, CALL, RESULT], instructions="Be kind.")
        assert server.requests[0].prompt == "one two"
        assert _post(server, input="plain")[1]["output"][0]["content"][0]["text"] == "plain"
    assert status == 200
    assert document["output"][0]["content"][0]["text"] == "one two"
    assert document["usage"]["input_tokens"] == 5


def test_what_it_has_read_before_is_counted_up_to_the_first_change():
    def cached(document):
        return document["usage"]["input_tokens_details"]["cached_tokens"]

    other = {"role": "user", "content": "something else"}
    with OpenAIServer(caches=True) as server:
        assert cached(_post(server, input=[USER], instructions="Be kind.")[1]) == 0
        assert cached(_post(server, input=[USER, other], instructions="Be kind.")[1]) == 4
        assert cached(_post(server, input=[other, USER], instructions="Be kind.")[1]) == 2
        assert cached(_post(server, input=[USER], instructions="Be brief.")[1]) == 0
