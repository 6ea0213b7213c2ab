"""What the test server can be told, and what it tells of the requests that came."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import pytest

from llm_repl_core.providers.base import ToolCall
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

LIMIT_S = 10
CALLS = (
    ToolCall(id="a", name="add", arguments='{"x": 1, "y": 2}'),
    ToolCall(id="b", name="sub", arguments=""),
)


@pytest.fixture
def server():
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def client(server):
    connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=LIMIT_S)
    yield connection
    connection.close()


def _send(client, **body):
    body = {"model": "m", "messages": [{"role": "user", "content": "hello you"}], **body}
    client.request("POST", "/v1/chat/completions", json.dumps(body))


def _post(client, **body):
    _send(client, **body)
    response = client.getresponse()
    return response.status, response.read()


def _text(client, **body):
    return json.loads(_post(client, **body)[1])["choices"][0]["message"]["content"]


def _choices(data):
    events = [json.loads(line[6:]) for line in data.decode().split("\n\n")[:-2]]
    return [choice for event in events for choice in event["choices"]]


def test_tool_calls_are_streamed_in_pieces(server, client):
    server.script(Reply(text="Well.", tool_calls=CALLS))
    choices = _choices(_post(client, stream=True)[1])
    pieces = [piece for one in choices for piece in one["delta"].get("tool_calls", ())]
    assert [piece["index"] for piece in pieces] == [0, 0, 0, 0, 0, 1]
    assert (pieces[0]["id"], pieces[0]["function"]["name"]) == ("a", "add")
    assert "id" not in pieces[1]
    told = "".join(piece["function"]["arguments"] for piece in pieces[:5])
    assert told == CALLS[0].arguments
    assert choices[-1]["finish_reason"] == "tool_calls"
    assert choices[1]["delta"] == {"content": "Well."}


def test_tool_calls_come_in_one_document_too(server, client):
    server.script(Reply(tool_calls=CALLS))
    (choice,) = json.loads(_post(client)[1])["choices"]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["add", "sub"]
    assert choice["message"]["content"] == ""
    assert choice["finish_reason"] == "tool_calls"


def test_deltas_go_out_as_they_are(server, client):
    server.script(Reply(deltas=({"content": "x", "odd": 1},)))
    assert _choices(_post(client, stream=True)[1])[1]["delta"] == {"content": "x", "odd": 1}


def test_answers_can_be_made_from_requests(server, client):
    server.reply = lambda request: Reply(text=request.prompt.upper())
    assert _text(client) == "HELLO YOU"
    server.script(Reply(echo="response_format"))
    assert json.loads(_text(client, response_format={"type": "json_object"})) == {
        "type": "json_object"
    }


def test_attachments_are_decoded(server, client):
    parts = [
        {"type": "text", "text": "one"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQI="}},
        {"type": "input_audio", "input_audio": {"data": "AQI=", "format": "mp3"}},
        {"type": "file", "file": {"filename": "f", "file_data": "data:a/b;base64,AQI="}},
        {"type": "text", "text": "two"},
    ]
    assert _text(client, messages=[{"role": "user", "content": parts}]) == "one\ntwo"
    (received,) = server.requests
    assert {one.data for one in received.attachments} == {b"\x01\x02"}
    assert [one.media_type for one in received.attachments] == ["image/png", "audio/mp3", "a/b"]
    assert received.attachments[2].name == "f"


def test_patience_and_then_success(server, client):
    server.script(Reply.rate_limited(0.5), Reply(text="now"))
    _send(client)
    response = client.getresponse()
    assert (response.status, response.headers["Retry-After"]) == (429, "0.5")
    response.read()
    assert _text(client) == "now"


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        (Reply(stall_before_head=True), None),
        (Reply(stall_after=0), 0),
        (Reply(stall_after=2), 2),
        (Reply(text="a", endless=True), 1000),
    ],
)
def test_a_client_that_leaves_at_any_point_is_seen(server, client, reply, lines):
    server.script(reply)
    _send(client, stream=True)
    if lines is not None:
        response = client.getresponse()
        for _ in range(lines):
            assert response.readline().startswith(b"data: ")
            response.readline()
    (received,) = server.wait_for_requests(1)
    assert not received.closed.is_set()
    left_s = time.monotonic()
    if lines is not None:
        response.close()
    client.close()
    assert received.disconnected.wait(LIMIT_S)
    assert received.closed.wait(LIMIT_S)
    assert left_s - 0.1 <= received.disconnected_at_s <= received.closed_at_s <= left_s + 2


def test_a_connection_is_closed_after_its_last_answer(server, client):
    _post(client)
    _post(client)
    client.close()
    for received in server.requests:
        assert received.closed.wait(LIMIT_S)
        assert not received.disconnected.is_set()
        assert received.closed_at_s >= received.received_at_s


def test_requests_can_be_waited_for(server, client):
    with pytest.raises(TimeoutError, match="0 requests came, not 1"):
        server.wait_for_requests(1, limit_s=0.01)
    waiting = threading.Thread(target=server.wait_for_requests, args=(1,))
    waiting.start()
    _post(client)
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()
    server.requests.clear()  # a copy
    assert len(server.requests) == 1


def test_ten_thousand_pieces_go_out_quickly(server, client):
    server.script(Reply(pieces=("token ",) * 10_000))
    before_s = time.monotonic()
    choices = _choices(_post(client, stream=True)[1])
    assert time.monotonic() - before_s < 5
    assert len(choices) == 10_002


def test_a_thousand_clients_are_served_at_the_same_time(server):
    server.reply = Reply(text="a b", delay_s=0.5)
    address = urlsplit(server.base_url)
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def ask():
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(head + body)
        answer = await reader.readuntil(b"[DONE]")
        writer.close()
        await writer.wait_closed()
        return answer

    async def main():
        return await asyncio.gather(*(ask() for _ in range(1000)))

    before_s = time.monotonic()
    answers = asyncio.run(asyncio.wait_for(main(), 60))
    assert time.monotonic() - before_s < 30  # one after the other: 500 s
    assert all(b'"a "' in answer and b'"b"' in answer for answer in answers)
    assert len(server.requests) == 1000
