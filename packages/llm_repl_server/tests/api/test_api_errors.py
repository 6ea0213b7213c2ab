"""What is wrong with a request is said in JSON, whatever is wrong with it."""

from __future__ import annotations

import json

import pytest

NONE = "00000000-0000-0000-0000-000000000000"
JSON = {"content_type": "application/json"}


def endpoints(api):
    description = api.get("/api/openapi.json").json
    return [
        (method.upper(), path, operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
    ]


def with_ids(path, notebook_id=NONE, cell_id=NONE):
    return path.replace("{notebook_id}", notebook_id).replace("{cell_id}", cell_id)


def test_unknown_ids_are_404_everywhere(api):
    notebook = api.new_notebook()
    bodies = {
        "NewCell": {"type": "code"},
        "MoveCell": {"position": 0},
        "Decision": {"approved": True},
        "CellSteps": {"edits": [{"do": "delete", "cell_id": "none"}]},
        "CodePlace": {"code": "x", "cursor": 1},
    }
    # Other things have ids, too.
    codes = {
        "{deleted_id}": "no_such_notebook",
        "{comparison_id}": "not_found",
        "/queue/": "not_found",  # what does not wait
    }
    for method, path, operation in endpoints(api):
        if "{" not in path or "{provider}" in path:  # which is a name that one gives
            continue
        if operation["operationId"] == "forget_notebook":  # what is not there is gone, as was asked
            continue
        body = {}
        if "requestBody" in operation:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            body = {"json": bodies.get(reference.rpartition("/")[2], {})}
        answer = api(method, with_ids(path), **body)
        if "{notebook_id}" not in path:
            code = next((codes[name] for name in codes if name in path), "not_found")
            assert (answer.status_code, answer.json["code"]) == (404, code), path
            continue
        assert (answer.status_code, answer.json["code"]) == (404, "no_such_notebook"), path
        if "{cell_id}" in path:
            answer = api(method, with_ids(path, notebook[15:]), **body)
            code = next((codes[name] for name in codes if name in path), "no_such_cell")
            assert (answer.status_code, answer.json["code"]) == (404, code), path


def test_a_server_that_stops_says_that_it_does(api):
    notebook = api.new_notebook("x")
    api.services.close()
    for path in (notebook, "/api/notebooks", f"{notebook}/cells"):
        answer = api.get(path)
        assert (answer.status_code, answer.json["code"]) == (409, "engine_closed")
        assert answer.json["error"] == "The server is stopping: ask again when it is back."


ODD_IDS = ["%00", "%2e%2e", "%F0%9F%8E%89", "%ff", "a%2Fb", "x" * 3000, "%20", "'", "load"]


@pytest.mark.parametrize("odd", ODD_IDS, ids=lambda text: text[:8])
def test_odd_ids_are_404(api, odd):
    for path in (f"/api/notebooks/{odd}/cells", f"/api/notebooks/{odd}/state"):
        assert api.get(path).status_code == 404
    cell = f"{api.new_notebook()}/cells/{odd}"
    assert api.get(cell).status_code == 404
    assert api.post(f"{cell}/execute").status_code == 404


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/notebooks/", "/x", "/api/v1"]
)
def test_unknown_paths_are_404(api, path):
    answer = api.get(path)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_methods_that_are_not_there_are_405_with_those_that_are(api):
    notebook = api.new_notebook("x")
    cell_id = api.cells(notebook)[0]["id"]
    allowed = {}
    for method, path, _ in endpoints(api):
        allowed.setdefault(path, set()).add(method)
    for path, methods in allowed.items():
        expected = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        real = with_ids(path, notebook[15:], cell_id)
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"} - methods:
            answer = api(method, real)
            assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
            assert set(answer.headers["Allow"].split(", ")) == expected, (method, path)
        options = api("OPTIONS", real)
        assert options.status_code == 200
        assert set(options.headers["Allow"].split(", ")) == expected, path


def test_head_is_get_without_a_body(api):
    notebook = api.new_notebook("x")
    for path in ("/api/notebooks", notebook, f"{notebook}/cells", "/api/health"):
        head, get = api("HEAD", path), api.get(path)
        assert (head.status_code, head.get_data()) == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert api("HEAD", f"/api/notebooks/{NONE}").status_code == 404


def paths_with_bodies(api, notebook, cell_id):
    return [
        (method, with_ids(path, notebook[15:], cell_id))
        for method, path, operation in endpoints(api)
        if "requestBody" in operation
    ]


def in_every_field(value: bytes) -> bytes:
    names = (b"name", b"content", b"filepath", b"type", b"position", b"metadata")
    return b"{" + b", ".join(b'"%s": %s' % (name, value) for name in names) + b"}"


BAD_BODIES = {
    "no JSON": b"{",
    "words": b"hello",
    "a list": b"[]",
    "a number": b"3",
    "a text": b'"x"',
    "null": b"null",
    "trailing": b"{} {}",
    "single quotes": b"{'a': 1}",
    "NaN": in_every_field(b"NaN"),
    "not UTF-8": in_every_field(b'"\xff"'),
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "NUL": b"\x00",
    "lone surrogate": in_every_field(rb'"\ud800"'),
    "deep": in_every_field(b"[" * 100_000 + b"]" * 100_000),
    "deep and open": b"[" * 1_000_000,
    "byte order mark": b"\xef\xbb\xbf{",
}


def test_bodies_that_are_no_json_objects_are_400(api):
    notebook = api.new_notebook("x")
    before = api.get(notebook).json
    for method, path in paths_with_bodies(api, notebook, before["cells"][0]["id"]):
        for kind, data in BAD_BODIES.items():
            answer = api(method, path, data=data, **JSON)
            assert answer.status_code == 400, (path, kind)
            assert answer.json["code"] == "invalid"
    assert api.get(notebook).json == before


def test_huge_integers_are_kept_or_refused(api):
    notebook = api.new_notebook()
    for digits in (20, 300, 5000):
        body = b'{"metadata": {"n": %s}, "name": "N"}' % (b"9" * digits)
        answer = api.put(notebook, data=body, **JSON)
        assert answer.status_code in (200, 400)
        if answer.status_code == 200:
            assert api.get(notebook).json["metadata"]["n"] == 10**digits - 1
    assert api.put(notebook, data=b'{"metadata": {"n": 1e999}}', **JSON).status_code == 400


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_another_content_type_is_415(api, kind):
    notebook = api.new_notebook("x")
    for method, path in paths_with_bodies(api, notebook, api.cells(notebook)[0]["id"]):
        answer = api(method, path, data=b'{"name": "x"}', content_type=kind)
        assert (answer.status_code, answer.json["code"]) == (415, "not_json"), path


def test_json_may_say_more_about_itself(api):
    for kind in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json"):
        answer = api("POST", "/api/notebooks", data=b'{"name": "x"}', content_type=kind)
        assert answer.status_code == 201


def test_a_body_that_is_too_large_is_413(make_api):
    api = make_api(body_limit_bytes=1000)
    assert api.post("/api/notebooks", {"name": "x" * 900}).status_code == 201
    answer = api.post("/api/notebooks", {"name": "x" * 1000})
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "1000" in answer.json["error"]


def test_a_stranger_is_asked_for_the_token_everywhere(make_api):
    api = make_api(token="opens-the-door")
    stranger = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    for method, path, _ in endpoints(api):
        answer = api(method, with_ids(path), **stranger)
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated"), path
        wrong = {"Authorization": "Bearer wrong"}
        assert api(method, with_ids(path), headers=wrong, **stranger).status_code == 401
    right = {"Authorization": "Bearer opens-the-door"}
    assert api.get("/api/notebooks", headers=right, **stranger).status_code == 200


def test_a_foreign_page_is_refused(api):
    answer = api.get("/api/notebooks", headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in answer.headers
    local = api.get("/api/notebooks", headers={"Origin": "http://localhost:3000"})
    assert local.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"


def test_a_defect_is_told_without_its_traceback(make_api, monkeypatch, caplog):
    api = make_api()

    async def fail():
        raise RuntimeError("a detail that nobody outside may see")

    monkeypatch.setattr(api.services.notebooks, "list", fail)
    answer = api.app.test_client().get(
        "/api/notebooks", environ_base={"SERVER_PROTOCOL": "HTTP/1.1"}
    )
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "detail" not in answer.get_data(as_text=True)
    assert "a detail" in caplog.text  # the log has it


def test_a_database_that_fails_is_told_in_a_sentence(make_api):
    api = make_api()
    path = api.new_notebook("x")
    api.services.store.close()
    for answer in (api.put(path, {"name": "New"}), api.get("/api/notebooks")):
        assert (answer.status_code, answer.json["code"]) == (409, "storage")


def test_messages_name_the_field_and_what_it_takes(api):
    path = api.new_notebook()
    cases = {
        json.dumps({"type": "code", "content": 3}): ("`content`", "`str`"),
        json.dumps({"type": "prompt", "response_var": "1 x"}): ("`response_var`", "variable"),
        json.dumps({"type": "prompt", "temperature": 3}): ("`temperature`", "<= 2"),
        json.dumps({}): ("`type`", "required"),
        json.dumps({"type": "x"}): ("`x`", "markdown, code, prompt, memory"),
    }
    for body, words in cases.items():
        answer = api.post(f"{path}/cells", data=body, **JSON)
        assert answer.status_code == 400
        assert all(word in answer.json["error"] for word in words), answer.json
    blank = api.post("/api/notebooks", {"name": " "}).json["error"]
    assert "`name`" in blank
    assert "not blank" in blank
