"""Single providers over the API: their state, keys and models, and servers under their own names."""

from __future__ import annotations

import json

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer, Reply

KEY = "sk-a-key-that-nobody-may-see-0123456789"


def details(api, name):
    listed = api.get("/api/llm/providers").json["details"]
    return next(one for one in listed if one["name"] == name)


def put(api, name, **body):
    return api.put(f"/api/llm/providers/{name}", body)


def test_each_provider_says_whether_it_can_answer_and_whose_key_it_has(api, monkeypatch):
    assert details(api, "mock") == {
        "name": "mock",
        "type": "mock",
        "is_custom": False,
        "is_fixed": False,
        "is_ready": True,
        "reason": None,
        "key": {"source": "none", "variable": None, "is_needed": False},
        "base_url": None,
        "default_model": "mock",
    }
    openai = details(api, "openai")
    assert not openai["is_ready"]
    assert "OPENAI_API_KEY" in openai["reason"]
    assert openai["key"] == {"source": "none", "variable": "OPENAI_API_KEY", "is_needed": True}
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    openai = details(api, "openai")
    assert (openai["is_ready"], openai["key"]["source"]) == (True, "environment")


def test_a_key_is_set_and_removed_and_never_seen(api, folders):
    answer = api.put("/api/llm/providers/openai/key", {"api_key": KEY})
    assert answer.json["key"]["source"] == "file"
    assert answer.json["is_ready"]
    listed = api.get("/api/llm/providers")
    assert KEY not in answer.get_data(as_text=True) + listed.get_data(as_text=True)
    assert json.loads((folders / "config" / "keys.json").read_text())["openai"]["key"] == KEY
    assert api.delete("/api/llm/providers/openai/key").json["key"]["source"] == "none"
    assert api.delete("/api/llm/providers/openai/key").status_code == 404
    for key in ("", "two\nlines", "schlüssel"):
        refused = api.put("/api/llm/providers/openai/key", {"api_key": key})
        assert (refused.status_code, "printable" in refused.json["error"]) == (400, True)


def test_a_server_without_a_default_model_has_the_first_that_answers_prompts(make_api):
    api = make_api()

    def default():
        details = api.get("/api/llm/providers").json["details"]
        return next(one["default_model"] for one in details if one["name"] == "lab")

    with OpenAIServer(models=["bge-embed", "qwen", "llama"]) as server:
        inherited = put(api, "lab", base_url=server.base_url).json["default_model"]
        assert inherited == default()
        trial = api.post("/api/llm/providers/lab/test").json
        assert trial["message"] == "It answers, and offers 3 models. By default, `llama` is asked."
        assert default() == "llama"
        assert api.post("/api/llm/providers/lab/test").json["message"].endswith("3 models.")
        # One that was named stays, whatever is offered.
        put(api, "lab", base_url=server.base_url, model="mine")
        api.post("/api/llm/providers/lab/test")
        assert default() == "mine"
    with OpenAIServer(models=[inherited]) as server:
        put(api, "lab", base_url=server.base_url)
        api.post("/api/llm/providers/lab/test")
        assert default() == inherited


def test_a_server_gets_a_name_is_tried_asked_and_removed(make_api, folders):
    api = make_api()
    with OpenAIServer(reply=Reply(text="Hello"), models=["b", "a"], key=KEY) as server:
        made = put(api, "lab", base_url=server.base_url, model="a")
        assert made.status_code == 200, made.json
        assert made.json["is_custom"]
        trial = api.post("/api/llm/providers/lab/test").json
        assert not trial["works"]
        assert trial["code"] == "key_missing"
        put(api, "lab", base_url=server.base_url, api_key="sk-some-other-key-1")
        trial = api.post("/api/llm/providers/lab/test").json
        assert trial["code"] == "key_rejected"
        assert "Replace the key of `lab`" in trial["message"]
        put(api, "lab", base_url=server.base_url, model="a", api_key=KEY)
        trial = api.post("/api/llm/providers/lab/test")
        assert trial.json["works"]
        assert trial.json["message"] == "It answers, and offers 2 models."
        models = api.get("/api/llm/providers/lab/models")
        assert models.json == {"models": ["a", "b"], "truncated": False}
        cell = api.new_cell(api.new_notebook(), "prompt", "Hi", model="lab/b")
        assert api.run(cell)["outputs"][0]["content"] == "Hello"
        calls = api.get("/api/calls")
        assert [(one["provider"], one["model"]) for one in calls.json["calls"]] == [("lab", "b")]
        api.put("/api/llm/provider", {"type": "lab"})
        default = api.new_cell(api.new_notebook(), "prompt", "Hi")
        assert api.run(default)["outputs"][0]["content"] == "Hello"
        assert api.delete("/api/llm/providers/lab").status_code == 409
        again = make_api()
        assert again.get("/api/llm/providers").json["current"]["type"] == "lab"
        assert again.run(default)["outputs"][0]["content"] == "Hello"
        # An address that a client names gets no key of another one.
        with OpenAIServer() as other:
            put(again, "lab", base_url=other.base_url)
            again.post("/api/llm/providers/lab/test")
            again.run(default)
            assert KEY not in str([request.headers for request in other.requests])
        again.put("/api/llm/provider", {"type": "mock"})
        assert again.delete("/api/llm/providers/lab").json == {"success": True}
        assert KEY not in (folders / "config" / "keys.json").read_text()
        assert again.run(default)["status"] == "completed"
        gone = again.get("/api/llm/providers/lab/models")
        assert (gone.status_code, "lab" in gone.json["error"]) == (404, True)


def test_nobody_there_and_something_else_there_get_a_sentence(api):
    with OpenAIServer() as server:
        server.models_reply = Reply(status=500, error="boom " + KEY)
        put(api, "odd", base_url=server.base_url, api_key=KEY)
        trial = api.post("/api/llm/providers/odd/test").json
        assert not trial["works"]
        assert KEY not in trial["message"]
        address = server.base_url
    trial = api.post("/api/llm/providers/odd/test").json
    assert (trial["works"], trial["code"]) == (False, "unreachable")
    assert address in trial["message"]
    assert api.get("/api/llm/providers/odd/models").status_code == 409


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [
        ("openai", {"base_url": "http://a/v1"}, "installed"),
        ("Lab", {"base_url": "http://a/v1"}, "small letters"),
        ("lab", {"base_url": "http://me:pass@a/v1"}, "base_url"),
        ("lab", {"base_url": "javascript:alert(1)"}, "base_url"),
        ("lab", {"base_url": "http://a/v1", "type": "nobody"}, "nobody"),
        ("lab", {"base_url": "http://a/v1", "key_variable": "PATH"}, "key_variable"),
        ("lab", {}, "base_url"),
    ],
)
def test_what_cannot_be_used_is_refused(api, folders, name, body, word):
    answer = put(api, name, **body)
    status = 404 if word == "nobody" else 400
    assert (answer.status_code, word in answer.json["error"]) == (status, True), answer.json
    assert not (folders / "config" / "providers.json").exists()
