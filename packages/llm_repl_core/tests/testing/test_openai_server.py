"""The test server itself, seen by a client that knows nothing of OpenAI."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer, Reply

LIMIT_S = 10


@pytest.fixture
def server():
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def client(server):
    connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=LIMIT_S)
    yield connection
    connection.close()


def _post(client, **body):
    body = {"model": "m", "messages": [{"role": "user", "content": "hello you"}], **body}
    client.request("POST", "/v1/chat/completions", json.dumps(body), {"X-Test": "1"})
    response = client.getresponse()
    return response, response.read()


def _events(data):
    assert data.endswith(b"data: [DONE]\n\n")
    lines = data.decode().split("\n\n")[:-2]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_it_echoes_in_one_document(client):
    response, data = _post(client)
    document = json.loads(data)
    assert response.status == 200
    assert document["choices"][0]["message"]["content"] == "hello you"
    assert document["usage"]["total_tokens"] == 4


@pytest.mark.parametrize("options", [None, {"include_usage": True}])
def test_it_echoes_in_a_stream(client, options):
    _, data = _post(client, stream=True, stream_options=options)
    events = _events(data)
    choices = [choice for event in events for choice in event["choices"]]
    assert [choice["delta"].get("content") for choice in choices] == ["", "hello ", "you", None]
    assert choices[-1]["finish_reason"] == "stop"
    assert ("usage" in events[-1]) is (options is not None)


def test_a_script_is_followed_in_order_and_then_it_echoes(server, client):
    server.script(Reply(text="one"), lambda request: Reply(text=request.headers["x-test"]))
    answers = [json.loads(_post(client)[1])["choices"][0]["message"]["content"] for _ in range(3)]
    assert answers == ["one", "1", "hello you"]
    assert server.open_connections == 1
    assert len(server.requests) == 3
    assert server.requests[0].body["model"] == "m"


def test_a_failure_has_its_status_headers_and_error(server, client):
    server.script(Reply(status=429, headers={"Retry-After": "3"}, error={"code": "slow"}))
    response, data = _post(client)
    assert (response.status, response.headers["Retry-After"]) == (429, "3")
    assert json.loads(data) == {"error": {"code": "slow"}}


def test_it_lists_models_and_knows_no_other_path(client):
    client.request("GET", "/v1/models")
    document = json.loads(client.getresponse().read())
    assert [entry["id"] for entry in document["data"]] == ["test-model"]
    client.request("GET", "/v1/else")
    response = client.getresponse()
    assert (response.status, b"Unknown path" in response.read()) == (404, True)


def test_a_stream_can_be_cut_and_broken_off(server, client):
    server.script(Reply(body=b"0123456789", cut_bytes=3))
    assert _post(client)[1] == b"0123456789"
    server.script(Reply(body=b"0123456789", cut_bytes=3, break_after=2))
    with pytest.raises(http.client.IncompleteRead) as caught:
        _post(client)
    assert caught.value.partial == b"012345"


def test_it_notices_when_a_client_leaves(server, client):
    server.script(Reply(stall_after=1))
    client.request(
        "POST", "/v1/chat/completions", json.dumps({"model": "m", "messages": [{}], "stream": True})
    )
    response = client.getresponse()
    assert response.readline().startswith(b"data: ")
    (received,) = server.requests
    assert not received.disconnected.is_set()
    response.close()
    client.close()
    assert received.disconnected.wait(LIMIT_S)
    assert received.disconnected_at_s > received.received_at_s


def test_it_stops_while_a_client_is_connected():
    with OpenAIServer(reply=Reply(stall_after=1)) as server:
        client = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=LIMIT_S)
        client.request("POST", "/v1/chat/completions", json.dumps({"model": "m", "messages": [{}]}))
        client.getresponse()
    assert not server._thread.is_alive()
    client.close()
