"""A server that is stopped and started again: its Socket.IO clients are back by themselves."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

# The library handles every message in a thread of its own: each line is one write, since those of
# two prints may mix; and what came last may be written first.
PYTHON = """
import os, sys
import socketio

def say(*words):
    os.write(1, (" ".join(words) + "\\n").encode())

base, transport = sys.argv[1:]
client = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.5)
client.on("connect", lambda: say("connect"))
client.on("disconnect", lambda reason: say("disconnect", reason))
client.on("*", lambda event, p: say(event, p.get("name", p.get("notebook_id", ""))))
client.connect(base, transports=[transport], retry=True)
sys.stdin.read()
client.disconnect()
"""


@pytest.fixture(params=["python", "javascript"])
def command(request):
    if request.param == "python":
        return [sys.executable, "-c", PYTHON], None
    folder = request.getfixturevalue("js_folder")
    return ["node", "restart_client.js"], folder


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_clients_are_back_and_hear_again(stage, until, command, transport):
    words, folder = command
    server = stage.serve()
    said = stage.folder / "said"
    with said.open("wb") as out:
        client = subprocess.Popen(
            [*words, server.base, transport], cwd=folder, stdin=subprocess.PIPE, stdout=out
        )

    def lines():
        assert client.poll() is None, said.read_text()
        return said.read_text().splitlines()

    with contextlib.ExitStack() as stack:
        stack.callback(client.wait, 30)
        stack.callback(client.stdin.close)
        until(lambda: "connect" in lines(), "the client is connected")
        assert server.ask("POST", "/api/notebooks", {"name": "Before"})[0] == 201
        until(lambda: "notebook_created Before" in lines(), "the client hears")

        server.process.terminate()
        assert server.process.wait(15) == 0
        until(lambda: "server_stopping " in lines(), "the client was told")
        until(lambda: any(line.startswith("disconnect") for line in lines()), "it noticed")
        server = stage.start("llm-repl", "serve", "--port", str(server.port), port=server.port)
        until(lambda: lines().count("connect") == 2, "the client is back")
        assert server.ask("POST", "/api/notebooks", {"name": "After"})[0] == 201
        until(lambda: "notebook_created After" in lines(), "the client hears again")


def test_a_run_that_the_end_stops_is_told_to_its_end(stage, until):
    """What happens in a server's last moments reaches a client that polls, too."""
    server = stage.serve()
    said = stage.folder / "said"
    with said.open("wb") as out:
        client = subprocess.Popen(
            [sys.executable, "-c", PYTHON, server.base, "polling"],
            stdin=subprocess.PIPE,
            stdout=out,
        )
    with contextlib.ExitStack() as stack:
        stack.callback(client.wait, 30)
        stack.callback(client.stdin.close)
        until(lambda: "connect" in said.read_text(), "the client is connected")
        notebook = server.ask("POST", "/api/notebooks", {})[1]["id"]
        cell = server.ask(
            "POST",
            f"/api/notebooks/{notebook}/cells",
            {"type": "code", "content": "import time; time.sleep(600)"},
        )[1]["id"]
        path = f"/api/notebooks/{notebook}/cells/{cell}/execute"
        assert server.ask("POST", path, {}, Prefer="respond-async")[0] == 202
        until(lambda: "cell_execution_started" in said.read_text(), "the cell runs")
        server.process.terminate()
        assert server.process.wait(15) == 0
        for word in ("server_stopping", "cell_execution_failed", "run_ended", "disconnect"):
            until(lambda word=word: f"{word} " in said.read_text(), f"the client has heard {word}")
