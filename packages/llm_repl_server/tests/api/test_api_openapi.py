"""The OpenAPI description, and the page that shows it."""

from __future__ import annotations

import re

import jsonschema
import pytest

from llm_repl_server.api.openapi import describe
from llm_repl_server.app import RESOURCES


@pytest.fixture
def description(api):
    return api.get("/api/openapi.json").json


def operations(description):
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def test_every_route_is_described_and_every_description_is_a_route(api, description):
    # Not resources: the page, the description itself, and what shows it.
    aside = ("/", "/frame", "/frame/still", "/static/<name>", "/api/openapi.json")
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in api.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule not in aside and not rule.rule.startswith("/api/docs")
    }
    assert {(method, path) for method, path, _ in operations(description)} == routes


def test_every_endpoint_of_the_contract_is_there(description):
    notebook = "/api/notebooks/{notebook_id}"
    cell = f"{notebook}/cells/{{cell_id}}"
    contract = {
        ("GET", "/api/notebooks"), ("POST", "/api/notebooks"),
        ("GET", notebook), ("PUT", notebook), ("DELETE", notebook),
        ("POST", f"{notebook}/save"), ("POST", "/api/notebooks/load"),
        ("GET", f"{notebook}/cells"), ("POST", f"{notebook}/cells"),
        ("GET", cell), ("PUT", cell), ("DELETE", cell),
        ("POST", f"{cell}/execute"), ("POST", f"{notebook}/execute_all"),
        ("GET", f"{notebook}/state"),
        ("GET", "/api/llm/providers"), ("PUT", "/api/llm/provider"),
    }  # fmt: skip
    assert contract <= {(method, path) for method, path, _ in operations(description)}


def test_the_description_is_complete(description):
    ids = set()
    for method, path, operation in operations(description):
        assert operation["summary"].endswith("."), (method, path)
        ids.add(operation["operationId"])
        named = set(re.findall(r"{(\w+)}", path))
        assert {one["name"] for one in operation["parameters"] if one["in"] == "path"} == named
        assert {"400", "401", "403", "413", "415"} <= operation["responses"].keys()
        assert not any(status.startswith("5") for status in operation["responses"])
        assert ("404" in operation["responses"]) == (
            bool(named)
            or "load" in path
            or path.removeprefix("/api/") in ("llm/provider", "notebooks/open")
            or (method, path) in (("GET", "/api/files"), ("GET", "/api/files/reading"))
        )
    assert len(ids) == sum(1 for _ in operations(description))
    text = str(description)
    assert "x-choices" not in text
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["description"]
    references = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert references <= description["components"]["schemas"].keys()


def test_links_say_what_can_be_done_with_what_was_made(description):
    made = description["paths"]["/api/notebooks"]["post"]["responses"]["201"]["links"]
    assert made["show_notebook"]["parameters"] == {"notebook_id": "$response.body#/id"}
    assert "show_cell" not in made
    cells = description["paths"]["/api/notebooks/{notebook_id}/cells"]["post"]
    assert cells["responses"]["201"]["links"]["execute_cell"]["parameters"] == {
        "notebook_id": "$request.path.notebook_id",
        "cell_id": "$response.body#/id",
    }


def test_what_plugins_decide_is_said_where_it_is_known(description):
    schemas = description["components"]["schemas"]
    words = schemas["NewCell"]["properties"]["type"]["enum"]
    assert {"code", "ComputationCell", "prompt", "memory", "MarkdownCell"} <= set(words)
    assert (
        "enum" not in describe(RESOURCES)["components"]["schemas"]["NewCell"]["properties"]["type"]
    )
    pattern = schemas["LoadFile"]["properties"]["filepath"]["pattern"]
    for good in ("a.llmn", "a/b.ipynb", "ü.x.llmn"):
        assert re.search(pattern, good)
    for bad in ("", "a.txt", ".llmn", "a/.llmn", "a\0.llmn", "llmn"):
        assert not re.search(pattern, bad)


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
def test_a_browser_finds_the_page(api, path):
    answer = api.get(path, follow_redirects=True)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_the_page_takes_nothing_from_elsewhere(api):
    page = api.get("/api/docs/").get_data(as_text=True)
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//[^\"']+", page)
    for resource in re.findall(r"(?:src|href)=[\"']([^\"'#]+)", page):
        answer = api.get(
            resource if resource.startswith("/") else f"/api/docs/{resource.removeprefix('./')}"
        )
        assert answer.status_code == 200, resource


def test_health(api):
    answer = api.get("/api/health")
    assert answer.json["status"] == "ok"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", answer.json["version"])
