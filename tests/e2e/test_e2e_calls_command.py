"""`llm-repl calls` and `llm-repl run` beside a server that has the database open."""

from __future__ import annotations

import json
import subprocess

from llm_repl_core import Notebook, save_notebook


def llm_repl(server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["llm-repl", *arguments],
        cwd=server.stage.root,
        env=server.stage.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_server_and_the_command_line_share_one_log(server):
    notebook, _ = server.new_notebook()
    cell = server.new_cell(notebook, "prompt", "Asked by the server", model="echo")
    assert server.run(cell)["outputs"][-1]["content"] == "Asked by the server"
    document = Notebook("Beside")
    document.add_prompt("Asked beside it", model="echo")
    save_notebook(document, server.stage.root / "beside.llmn")
    ran = llm_repl(server, "run", "-q", "beside.llmn")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "Asked beside it\n", "")
    listed = json.loads(llm_repl(server, "calls", "list", "--json").stdout)
    assert [one["prompt"] for one in listed] == ["Asked beside it", "Asked by the server"]
    # The server goes on as before, and sees the same.
    assert server.run(cell)["outputs"][-1]["content"] == "Asked by the server"
    status, calls = server.ask("GET", "/api/calls")
    assert status == 200
    assert len(calls["calls"]) == 3
    shown = llm_repl(server, "calls", "show", listed[1]["id"][:8])
    assert shown.returncode == 0, shown.stderr
    assert "Asked by the server" in shown.stdout
