"""Providers over the API: which there are, which one answers, and keys that nobody sees."""

from __future__ import annotations

import json
import logging
import stat

import pytest

from llm_repl_core.testing.openai_server import OpenAIServer, Reply

KEY = "sk-a-key-that-nobody-may-see-0123456789"


def choose(api, **body):
    return api.put("/api/llm/provider", body)


def current(api):
    return api.get("/api/llm/providers").json["current"]


def test_providers_are_a_list_of_names(api):
    providers = api.get("/api/llm/providers").json["providers"]
    assert {"mock", "openai"} <= set(providers)
    assert all(isinstance(name, str) for name in providers)
    assert current(api) == {"type": "mock", "model": None, "base_url": None}


def test_the_choice_is_taken_and_kept_across_restarts(make_api):
    api = make_api()
    path = api.new_notebook()
    cell = api.new_cell(path, "prompt", "Hi")
    assert choose(api, type="mock", model="list:chosen").json == {"success": True}
    assert api.run(cell)["outputs"][0]["content"] == "chosen"
    again = make_api()
    assert current(again) == {"type": "mock", "model": "list:chosen", "base_url": None}
    assert again.run(cell)["outputs"][0]["content"] == "chosen"


def test_a_server_is_asked_for_what_it_offers_where_no_model_is_named(make_api):
    api = make_api()
    cell = api.new_cell(api.new_notebook(), "prompt", "Hi")
    with OpenAIServer(reply=Reply(text="Hello"), models=["nomic-embed", "qwen", "llama"]) as server:
        assert choose(api, type="openai", base_url=server.base_url).json == {"success": True}
        assert api.run(cell)["outputs"][0]["content"] == "Hello"
        assert [request.body["model"] for request in server.requests if request.body] == ["llama"]
        [call] = api.get("/api/calls").json["calls"]
        assert (call["model"], call["price_usd"]) == ("llama", None)
        again = make_api()
        assert current(again) == {
            "type": "openai",
            "model": "llama",
            "base_url": server.base_url,
        }
    # Whoever does not answer is chosen all the same, and prompts tell.
    assert choose(again, type="openai", base_url="http://127.0.0.1:9/v1").json == {"success": True}
    assert current(again)["model"] is None


def test_the_later_of_two_choices_stays_though_the_first_asks_a_slow_server(api, in_thread):
    with OpenAIServer(models=["llama"]) as server:
        server.models_reply = Reply(text="", delay_s=1.0)
        first = in_thread(lambda: choose(api, type="openai", base_url=server.base_url))
        server.wait_for_requests(1)
        assert choose(api, type="mock", model="list:later").json == {"success": True}
        assert first.result().json == {"success": True}
    assert current(api)["type"] == "mock"


def test_the_choice_of_a_cell_goes_first(api):
    choose(api, type="mock", model="list:chosen")
    cell = api.new_cell(api.new_notebook(), "prompt", "Hi", model="list:own")
    assert api.run(cell)["outputs"][0]["content"] == "own"


@pytest.mark.parametrize("base_url", [None, "http://127.0.0.1:9/v1"])
def test_a_key_is_in_the_keys_file_and_nowhere_else(make_api, folders, caplog, capfd, base_url):
    with caplog.at_level(logging.DEBUG):
        api = make_api()
        body = {"type": "openai", "api_key": f" {KEY}\n", "model": "gpt-x", "base_url": base_url}
        assert choose(api, **body).json == {"success": True}
        path = api.new_notebook()
        cell = api.new_cell(path, "prompt", "Hi")
        answers = [api.get(one) for one in ("/api/llm/providers", path, f"{path}/state")]
        if base_url is not None:  # nobody is there, so that no one gets the key
            answers.append(api.post(f"{cell}/execute"))
        answers.append(api.post(f"{path}/save"))
        answers.append(api.get(f"{path}/download"))
        answers.append(choose(api, type="openai", api_key=KEY + "\u00e9"))
        answers.append(choose(api, type=KEY, api_key=KEY))
        answers.append(choose(api, type="openai", api_key=[KEY]))
        told = api.events()
        make_api()
    for answer in answers:
        # A name that does not exist is named; nobody puts a key there but by mistake.
        assert KEY not in answer.get_data(as_text=True).replace(f"no provider `{KEY}`", "")
    assert not [record for record in caplog.records if KEY in record.getMessage()]
    assert KEY not in "".join(capfd.readouterr())
    keys = folders / "config" / "keys.json"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert json.loads(keys.read_text())["openai"]["key"] == KEY
    holders = [
        file.relative_to(folders)
        for file in folders.rglob("*")
        if file.is_file() and KEY.encode() in file.read_bytes()
    ]
    assert holders == [keys.relative_to(folders)]
    assert not [one for one in told if KEY in str(one.payload)]


def test_code_cannot_see_the_key(make_api):
    api = make_api(kernel="worker")
    choose(api, type="openai", api_key=KEY)
    path = api.new_notebook("import os\nseen = str(dict(os.environ))\nprint(seen)")
    api.post(f"{path}/execute_all")
    assert KEY not in api.get(path).get_data(as_text=True)
    assert KEY not in api.get(f"{path}/state").get_data(as_text=True)


def test_what_would_save_a_key_is_refused(api, folders):
    choose(api, type="openai", api_key=KEY)
    choose(api, type="mock", model="echo")
    path = api.new_notebook()
    for body in (
        {"type": "code", "content": f"client = Client('{KEY}')"},
        {"type": "prompt", "content": "Hi", "parameters": {"extra_body": {"key": KEY}}},
        {"type": "prompt", "content": "Hi", "metadata": {"note": [KEY]}},
    ):
        answer = api.post(f"{path}/cells", body)
        assert (answer.status_code, "contains a provider's key" in answer.json["error"]) == (
            400,
            True,
        )
        assert KEY not in answer.json["error"]
    escaped = json.dumps({"type": "code", "content": KEY}).replace("k-", "\\u006B-")
    answer = api.post(f"{path}/cells", data=escaped, content_type="application/json")
    assert (answer.status_code, "contains a provider's key" in answer.json["error"]) == (400, True)
    (folders / "root" / "escaped.llmn").write_text(
        json.dumps({"cells": [json.loads(escaped)]}).replace("k-", "\\u006b-")
    )
    loaded = api.post("/api/notebooks/load", {"filepath": "escaped.llmn"}).json
    [cell] = api.get(f"/api/notebooks/{loaded['id']}").json["cells"]
    assert cell["content"] == "[key]"
    code = api.new_cell(path, "code", f"half = '{KEY[:12]}'; key = half + '{KEY[12:]}'; print(key)")
    prompt = api.new_cell(path, "prompt", "say {key}")
    assert api.run(code)["outputs"][0]["content"] == "[key]\n"
    assert api.run(prompt)["outputs"][0]["content"] == "say [key]"
    told = repr(api.events())
    exported = api.get("/api/calls/export").get_data(as_text=True)
    assert KEY not in told + exported + api.get(path).get_data(as_text=True)
    holders = [
        file.name
        for file in folders.rglob("*")
        if file.is_file() and KEY.encode() in file.read_bytes()
    ]
    assert holders == ["keys.json"]


@pytest.mark.parametrize("api_key", ["", "  ", None])
def test_a_blank_key_is_none(api, folders, api_key):
    assert choose(api, type="mock", api_key=api_key).status_code == 200
    assert not (folders / "config" / "keys.json").exists()


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 400, "type"),
        ({"type": None}, 400, "type"),
        ({"type": "nope"}, 404, "nope"),
        ({"type": "opena1"}, 404, "openai"),
        ({"type": ""}, 404, "openai"),
        ({"type": "openai", "base_url": "file:///etc/passwd"}, 400, "base_url"),
        ({"type": "openai", "base_url": "http://"}, 400, "base_url"),
        ({"type": "openai", "base_url": "http://user:password@host/v1"}, 400, "base_url"),
        ({"type": "openai", "base_url": "http://host/v1\r\nX: y"}, 400, "base_url"),
        ({"type": "openai", "base_url": 3}, 400, "base_url"),
        ({"type": "openai", "base_url": "http://host/v1?key=a"}, 400, "base_url"),
        ({"type": "openai", "base_url": "http://host?key=a"}, 400, "base_url"),
        ({"type": "openai", "base_url": "http://host/v1#a"}, 400, "base_url"),
        ({"type": "openai", "api_key": "a\nb"}, 400, "key"),
        ({"type": "openai", "api_key": "schlüssel"}, 400, "key"),
        ({"type": "openai", "model": 3}, 400, "model"),
    ],
)
def test_an_unusable_choice_changes_nothing(api, folders, body, status, word):
    answer = choose(api, **body)
    assert answer.status_code == status
    assert word in answer.json["error"]
    assert "password" not in answer.json["error"] or "neither" in answer.json["error"]
    assert current(api)["type"] == "mock"
    assert not (folders / "config" / "keys.json").exists()


def test_a_choice_whose_provider_is_gone_is_passed_over(make_api, folders):
    import sqlite3

    choose(make_api(), type="mock", model="echo")
    make_api(database_url=f"sqlite:///{folders / 'other.db'}")  # lets go of the first database
    database = sqlite3.connect(folders / "data" / "llm-repl.db")
    with database:
        changed = database.execute("UPDATE settings SET value = replace(value, 'mock', 'gone')")
        assert changed.rowcount == 1
    database.close()
    assert current(make_api())["type"] == "mock"


def test_a_keys_file_that_others_can_read_is_an_answer(api, folders):
    keys = folders / "config" / "keys.json"
    keys.write_text("{}")
    keys.chmod(0o644)
    answer = choose(api, type="openai", api_key=KEY)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_setting")
    assert "chmod 600" in answer.json["error"]
    assert current(api)["type"] == "mock"
