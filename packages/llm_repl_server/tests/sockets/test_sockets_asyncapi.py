"""The AsyncAPI description: it is the code's, and what is sent is what it says."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from llm_repl_server.services import cells, execution, house, live, notebooks
from llm_repl_server.sockets.asyncapi import describe, describe_as_yaml
from llm_repl_server.sockets.payloads import EMITTED, HANDLED

FILE = Path(__file__).parents[4] / "docs" / "reference" / "asyncapi.yaml"


def test_the_file_is_the_description():
    assert FILE.read_text(encoding="utf-8") == describe_as_yaml(), (
        "run `python -m llm_repl_server.sockets.asyncapi > docs/reference/asyncapi.yaml`"
    )
    assert yaml.safe_load(FILE.read_text(encoding="utf-8")) == describe()


def test_the_contract_is_in_it():
    payloads = describe()["components"]["schemas"]
    contract = {
        "CellExecutionStarted": {"notebook_id", "cell_id"},
        "CellExecutionCompleted": {"notebook_id", "cell_id", "outputs"},
        "CellExecutionFailed": {"notebook_id", "cell_id", "error", "outputs"},
        "NotebookExecutionStarted": {"notebook_id"},
        "NotebookExecutionCompleted": {"notebook_id"},
        "NotebookExecutionFailed": {"notebook_id", "error"},
    }
    for name, fields in contract.items():
        assert fields <= set(payloads[name]["required"])
        event = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        assert EMITTED[event].__name__ == name


def test_references_lead_somewhere():
    document = describe()

    def follow(node):
        if isinstance(node, dict):
            if "$ref" in node:
                found = document
                for step in node["$ref"].removeprefix("#/").split("/"):
                    found = found[step]
                assert found
            for value in node.values():
                follow(value)
        elif isinstance(node, list):
            for value in node:
                follow(value)

    follow(document)


def test_it_is_an_asyncapi_document():
    document = describe()
    assert document["asyncapi"] == "3.0.0"
    names = {*EMITTED, *HANDLED, "acknowledgement"}
    assert document["components"]["messages"].keys() == names
    assert document["channels"]["events"]["messages"].keys() == names
    sent = {
        one["messages"][0]["$ref"].rpartition("/")[2]: one
        for one in document["operations"].values()
    }
    assert sent.keys() == {*EMITTED, *HANDLED}
    for name, operation in sent.items():
        assert operation["action"] == ("send" if name in EMITTED else "receive")
        assert ("reply" in operation) == (name in HANDLED)
    for message in document["components"]["messages"].values():
        assert message["summary"].strip()
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


def test_no_event_is_told_that_is_not_described():
    told = set()
    for module in (cells, execution, house, live, notebooks):
        text = inspect.getsource(module)
        told |= set(
            re.findall(
                r'"((?:cell|notebook|kernel|outputs|server)_[a-z_]+ed|server_stopping)"', text
            )
        )
    assert told - {"truncated"} == set(EMITTED)


@pytest.fixture
def validate():
    schemas = describe()["components"]["schemas"]

    def validate(event, payload):
        jsonschema.validate(
            payload,
            {
                "$ref": f"#/components/schemas/{EMITTED[event].__name__}",
                "components": {"schemas": schemas},
            },
        )

    return validate


def test_a_wrong_payload_is_found(validate):
    with pytest.raises(jsonschema.ValidationError):
        validate("cell_execution_started", {"notebook_id": "n"})


def test_every_event_is_as_described(make_api, validate):
    api = make_api()
    path = api.new_notebook("1", "1 / 0", ("memory", "a = 1"))
    prompt = api.new_cell(path, "prompt", "Hi", model="echo", temperature=1)
    first = f"{path}/cells/{api.cells(path)[0]['id']}"
    api.post(f"{path}/execute_all")
    api.run(prompt)
    api.put(first, {"content": "2", "metadata": {"a": None}})
    api.delete(f"{path}/cells/{api.cells(path)[1]['id']}")
    api.post(f"{path}/execute_all")
    api.post(f"{first}/move", {"position": 1})
    api.post(f"{first}/duplicate")
    api.post(f"{path}/clear_outputs")
    api.post(f"{path}/restart")
    api.put(path, {"name": "N"})
    api.post("/api/notebooks/load", {"filepath": api.post(f"{path}/save").json["filepath"]})
    api.delete(path)
    api.house.close()
    for one in api.told:
        validate(one.event, dict(one.payload))
        assert one.notebook_id == one.payload.get("notebook_id")
    assert {one.event for one in api.told} == set(EMITTED)
