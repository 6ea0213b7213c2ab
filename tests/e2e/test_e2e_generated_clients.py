"""Clients that others' tools make of the OpenAPI description: made without a warning, and they work."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest

LIMIT_S = 240

USE = """
import json, sys
from made import Client
from made.api.calls import export_calls, list_calls
from made.api.cells import create_cell, show_cell
from made.api.execution import execute_all, execute_cell
from made.api.health import show_health
from made.api.llm import list_providers
from made.api.notebooks import create_notebook, delete_notebook, download_notebook, show_notebook
from made.api.prompts import show_graph
from made.models import NewCell, NewCellType, NewNotebook, RunBudget, RunRequest

client = Client(sys.argv[1], raise_on_unexpected_status=True)
assert show_health.sync(client=client).status == "ok"
made = create_notebook.sync(client=client, body=NewNotebook(name="Typed"))
assert made.created_at.tzinfo is not None  # a time, not a text
code = create_cell.sync(made.id, client=client, body=NewCell(type_=NewCellType("code"), content="1 + 1"))
create_cell.sync(made.id, client=client, body=NewCell(type_=NewCellType("prompt"), content="Hi"))
run = execute_cell.sync(made.id, code.id, client=client, body=RunRequest(budget=RunBudget(calls=3)))
assert run.status == "completed", run
assert execute_all.sync(made.id, client=client, body=RunRequest()).success is True
cell = show_cell.sync(made.id, code.id, client=client)
assert cell.outputs[0].content == "2", cell
assert len(show_notebook.sync(made.id, client=client).cells) == 2
assert "mock" in list_providers.sync(client=client).providers
assert len(show_graph.sync(made.id, client=client).nodes) == 2
assert len(list_calls.sync(client=client).calls) == 1
assert json.loads(export_calls.sync(client=client))["notebook_id"] == made.id
file = download_notebook.sync(made.id, client=client)
assert file.to_dict()["name"] == "Typed"
refused = execute_all.sync("nowhere", client=client, body=RunRequest())
assert refused.code == "no_such_notebook", refused
assert delete_notebook.sync(made.id, client=client).success is True
print("worked")
"""


@pytest.fixture
def description(server, tmp_path):
    path = tmp_path / "openapi.json"
    with urllib.request.urlopen(f"{server.base}/api/openapi.json", timeout=30) as answer:
        path.write_bytes(answer.read())
    return path


def run(*command, **options):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, check=False, **options
    )


def test_a_client_in_python(server, description, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("post_hooks: []\npackage_name_override: made\n")
    generator = "from openapi_python_client.cli import app; app()"
    made = run(
        *(sys.executable, "-c", generator, "generate", "--meta", "none", "--fail-on-warning"),
        *("--path", description, "--config", settings, "--output-path", tmp_path / "made"),
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warning" not in (made.stdout + made.stderr).lower(), made.stdout
    used = run(sys.executable, "-c", USE, server.base, cwd=tmp_path)
    assert used.stdout == "worked\n", used.stdout + used.stderr


def test_a_client_in_typescript(server, description, js_folder):
    made = run("npx", "openapi-typescript", description, "-o", "api.d.ts", cwd=js_folder)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warn" not in (made.stdout + made.stderr).lower(), made.stdout + made.stderr
    kind = ["--module", "nodenext", "--target", "es2022", "--strict", "--skipLibCheck", "false"]
    compiled = run("npx", "tsc", *kind, "typed_client.ts", cwd=js_folder)
    assert compiled.stdout + compiled.stderr == ""
    assert compiled.returncode == 0
    used = run("node", "typed_client.js", server.base, cwd=js_folder)
    assert used.stderr == ""
    assert json.loads(used.stdout) == ["completed", True]
