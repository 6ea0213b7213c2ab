"""The AsyncAPI description: it is the code's, and what is sent is what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from llm_repl_server import services
from llm_repl_server.services import wire_events as wire
from llm_repl_server.services.wire_events import EMITTED, WireEvent
from llm_repl_server.sockets.asyncapi import describe, describe_as_yaml
from llm_repl_server.sockets.messages import HANDLED

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
        operation["messages"][0]["$ref"].rpartition("/")[2]: operation
        for operation in document["operations"].values()
    }
    assert sent.keys() == {*EMITTED, *HANDLED}
    for name, operation in sent.items():
        assert operation["action"] == ("send" if name in EMITTED else "receive")
        assert ("reply" in operation) == (name in HANDLED)
    for message in document["components"]["messages"].values():
        assert message["summary"].strip()
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


def test_every_class_of_event_is_described():
    def leaves(event):
        below = event.__subclasses__()
        return {leaf for one in below for leaf in leaves(one)} if below else {event}

    events = {event for event in leaves(WireEvent) if event.__module__.startswith(wire.__name__)}
    assert events == set(EMITTED.values())


def test_every_event_that_is_described_is_built_somewhere():
    folder = Path(services.__path__[0])
    used = set()
    for file in folder.rglob("*.py"):
        if not file.is_relative_to(Path(wire.__path__[0])):
            nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
            used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            used |= {node.id for node in nodes if isinstance(node, ast.Name)}
    unused = {event.__name__ for event in EMITTED.values()} - used
    assert unused == set()


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


def _wait_and_leave(api, in_thread, until):
    """Runs, cells and calls that wait, and a cell that is taken out."""
    path = api.new_notebook()
    api.new_cell(path, "prompt", "Hi", model="mock/echo+delay=0.6", response_var="city")
    api.new_cell(path, "prompt", "Ho", model="mock/echo+delay=0.1")
    api.new_cell(path, "code", "here = city")
    other = api.new_cell(path, "code", "other = 1")
    running = in_thread(api.post, f"{path}/execute_all", {"concurrency": 1})
    until(lambda: api.events("cell_execution_waiting"), "a cell waits for an answer")
    second = in_thread(api.post, f"{path}/execute_all")
    until(lambda: api.events("run_queued"), "another run waits for the first")
    assert api.delete(f"{path}/queue/{other.rpartition('/')[2]}").status_code == 200
    running.result()
    second.result()
    place = api.new_cell(path, "code", "place = 'Oslo'")
    api.run(place)
    api.run(api.new_cell(path, "prompt", "Of {place}", model="echo"))
    api.put(place, {"content": "place = 'Bergen'"})
    api.run(place)  # now it is known from what to what
    api.delete(path)


def test_every_event_is_as_described(make_api, validate, in_thread, until, root):
    api = make_api(call_attempts=2)
    path = api.new_notebook("1", "1 / 0", ("memory", "a = 1"))
    prompt = api.new_cell(path, "prompt", "Hi", model="echo", temperature=1)
    first = f"{path}/cells/{api.cells(path)[0]['id']}"
    api.post(f"{path}/execute_all")
    api.run(prompt)
    api.run(api.new_cell(path, "prompt", "Hi", model="mock/fail:rate_limited+retry_after=0.01"))
    api.run(api.new_cell(path, "prompt", "Hi", model="mock/echo+think=first"))
    items = {"for_each": """['{"n": 1}', 'no']""", "schema": "n int"}
    api.run(api.new_cell(path, "prompt", "{item}", model="echo", **items))
    models = [{"model": "echo"}, {"model": "mock/fail:rate_limited+retry_after=0.01"}]
    api.post(f"{prompt}/ask", {"models": models})
    until(lambda: len(api.events("candidate_ended")) == 2, "both have ended")
    changing = (
        "from IPython.display import clear_output\n"
        "print(1)\nclear_output()\nhandle = display(2, display_id=True)\nhandle.update(3)"
    )
    api.run(api.new_cell(path, "code", changing))
    api.run(api.new_cell(path, "code", "handle.update(4)"))
    api.run(api.new_cell(path, "code", "def add(x: int) -> int:\n    return x + 1"))
    asks = api.new_cell(
        path, "prompt", "Hi", model='mock/call:add {"x": 1}', tools=["add"], approve_tools=True
    )
    asking = in_thread(api.run, asks)
    until(lambda: api.events("tool_approval_needed"), "the model asks for a tool")
    (asked,) = api.events("tool_approval_needed")
    call = f"{asks}/tool_calls/{asked.payload['call_id']}"
    assert api.post(call, {"approved": True}).json == {"success": True}
    assert asking.result()["status"] == "completed"
    hidden = "seen = []\nclass Thing:\n    def __del__(self): seen.append(1)\nthing = Thing()"
    other = api.new_notebook(hidden)
    api.new_cell(other, "prompt", "Hi", model="echo+delay=0.5", response_var="said")
    api.new_cell(other, "code", "thing = said")
    api.new_cell(other, "prompt", "{seen}", model="echo")
    api.post(f"{other}/execute_all")
    api.delete(other)
    _wait_and_leave(api, in_thread, until)
    defines = api.new_cell(path, "code", "b = 1")
    api.run(defines)
    api.run(api.new_cell(path, "code", "b"))
    api.put(defines, {"content": "b = 2"})
    api.put(first, {"content": "2", "metadata": {"a": None}})
    api.delete(f"{path}/cells/{api.cells(path)[1]['id']}")
    api.post(f"{path}/execute_all")
    api.post(f"{first}/move", {"position": 1})
    api.post(f"{first}/duplicate")
    api.post(f"{path}/clear_outputs")
    api.post(f"{path}/restart")
    api.put(path, {"name": "N"})
    api.post("/api/notebooks/load", {"filepath": api.post(f"{path}/save").json["filepath"]})
    _change_a_file(api, root, until)
    for cell in api.cells(path)[3:]:
        api.delete(f"{path}/cells/{cell['id']}")
    assert api.post(f"{path}/execute_all").json == {"success": True}
    api.delete(path)
    api.services.close()
    for event in api.told:
        validate(event.event, dict(event.payload))
        assert event.notebook_id == event.payload.get("notebook_id")
    # An edit that cannot be written is in test_sockets_resuming.py.
    assert {event.event for event in api.told} == set(EMITTED) - {"resync"}


def _change_a_file(api, root, until):
    (root / "a.py").write_text("# %%\na = 1\n")
    opened = api.post("/api/notebooks/open", {"path": "a.py"}).json["id"]
    (root / "a.py").write_text("# %%\na = 2\n")
    assert api.post("/api/notebooks/open", {"path": "a.py"}).json["id"] == opened
    assert api.events("notebook_file_taken")
    api.put(f"/api/notebooks/{opened}", {"name": "A"})
    until(lambda: len(api.events("notebook_file_state")) == 2, "it waits, and is written")
