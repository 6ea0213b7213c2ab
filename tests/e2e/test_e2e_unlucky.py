"""Many at once, too much at once, and ends at the wrong moment."""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import socketio

ENDINGS = ("cell_execution_completed", "cell_execution_failed")
BIG = 10_000_000
LIMIT_S = 120.0


class Ear:
    """A Socket.IO client that keeps the starts and ends of executions, in order."""

    def __init__(self, server, in_order) -> None:
        self.heard: list[tuple[str, dict]] = []
        client = socketio.Client(
            # The library looks at each byte of a text in Python, which takes seconds for big ones.
            reconnection=False,
            websocket_extra_options={"skip_utf8_validation": True},
        )
        self.client = in_order(client)
        self.client.on("*", lambda name, data=None: self.heard.append((name, data)))
        self.client.connect(server.base, transports=["websocket"])

    def of(self, notebook: str) -> list[tuple[str, dict]]:
        notebook_id = notebook.rsplit("/", 1)[1]
        return [
            (name, data)
            for name, data in self.heard
            if name.endswith(("execution_started", "execution_completed", "execution_failed"))
            and data["notebook_id"] == notebook_id
        ]

    def names(self, notebook: str) -> list[str]:
        return [name for name, _ in self.of(notebook)]

    def expect_endings(self, notebook: str) -> None:
        """What has started has ended, once, and nothing ended that had not started."""
        running = set()
        for name, data in self.of(notebook):
            if name == "cell_execution_started":
                assert data["cell_id"] not in running
                running.add(data["cell_id"])
            elif name in ENDINGS:
                running.remove(data["cell_id"])
        assert running == set()


@pytest.fixture
def ear(server, in_order):
    made = Ear(server, in_order)
    yield made
    made.client.disconnect()


def at_once(*functions: Callable[[], object]) -> None:
    """Call functions in threads; raise what the first of them raised."""
    with ThreadPoolExecutor(len(functions)) as pool:
        for future in [pool.submit(function) for function in functions]:
            future.result(LIMIT_S)


def test_twenty_clients_in_one_notebook(server, ear, until):
    notebook, cells = server.new_notebook(*(f"c{n} = {n}" for n in range(8)))
    acknowledged: dict[str, str] = {}

    def work(number: int):
        choice = random.Random(number)
        for turn in range(12):
            cell, dice = choice.choice(cells), choice.random()
            if dice < 0.35:
                call = ("PUT", cell, {"content": f"v{number} = {turn}"})
            elif dice < 0.65:
                call = ("POST", f"{cell}/execute")
            elif dice < 0.8:
                call = ("POST", f"{notebook}/cells", {"type": "code", "content": f"n{turn} = 1"})
            else:
                whole = ("execute_all", "interrupt", "restart")
                call = ("POST", f"{notebook}/{choice.choice(whole)}")
            status, answer = server.ask(*call)
            assert status in (200, 201), (call, status, answer)
            if status == 201:
                acknowledged[answer["id"]] = answer["content"]

    at_once(*(lambda n=n: work(n) for n in range(20)))
    assert server.run(cells[0])["status"] == "completed"
    until(lambda: ear.names(notebook)[-1] in ENDINGS, "the last event")
    ear.expect_endings(notebook)
    there = {cell["id"]: cell for cell in server.ask("GET", notebook)[1]["cells"]}
    assert {key: there[key]["content"] for key in acknowledged} == acknowledged
    assert not [cell for cell in there.values() if cell["status"] in ("running", "queued")]


def test_fifty_notebooks_at_once(server, ear, until):
    notebooks: list[str] = []

    def work(number: int) -> None:
        notebook, [cell] = server.new_notebook(f"print({number})")
        assert server.run(cell)["outputs"][0]["content"] == f"{number}\n"
        assert server.ask("POST", f"{notebook}/execute_all") == (200, {"success": True})
        notebooks.append(notebook)

    at_once(*(lambda n=n: work(n) for n in range(50)))
    for notebook in notebooks:
        until(lambda: "notebook_execution_completed" in ear.names(notebook), "the end")  # noqa: B023
        ear.expect_endings(notebook)
    for notebook in notebooks:
        assert server.ask("DELETE", notebook)[0] == 200


def test_each_of_two_executions_of_a_cell_is_answered_with_its_own_outputs(shared_server):
    _, [cell] = shared_server.new_notebook("import time, random\ntime.sleep(0.3)\nprint('done')")
    answers: list[dict] = []
    at_once(*[lambda: answers.append(shared_server.run(cell))] * 2)
    for answer in answers:
        assert (answer["status"], len(answer["outputs"])) == ("completed", 1)


@pytest.mark.parametrize("how", ["restart", "interrupt"])
def test_what_runs_is_stopped(server, ear, until, how):
    notebook, [_, second] = server.new_notebook("import time\ntime.sleep(600)", "print('second')")
    answers: list = []

    def run() -> None:
        answers.append(server.ask("POST", f"{notebook}/execute_all"))

    def stop() -> None:
        until(lambda: "cell_execution_started" in ear.names(notebook), "it runs")
        assert server.ask("POST", f"{notebook}/{how}")[0] == 200

    at_once(run, stop)
    [(status, answer)] = answers
    assert (status, answer["success"]) == (200, False)
    until(lambda: "notebook_execution_failed" in ear.names(notebook), "the end")
    assert ear.names(notebook) == [
        "notebook_execution_started",
        "cell_execution_started",
        "cell_execution_failed",
        "notebook_execution_failed",
    ]
    assert server.run(second)["outputs"][-1]["content"] == "second\n"


def test_a_kernel_that_dies_amid_a_notebook(server, ear, until):
    notebook, cells = server.new_notebook("a = 1", "import os\nos._exit(9)", "print('never')")
    _, answer = server.ask("POST", f"{notebook}/execute_all")
    assert answer["success"] is False
    assert cells[1].endswith(answer["cell_id"])
    until(lambda: "notebook_execution_failed" in ear.names(notebook), "the end")
    assert ear.names(notebook)[3:] == [
        "cell_execution_started",
        "cell_execution_failed",
        "notebook_execution_failed",
    ]
    assert server.ask("GET", cells[2])[1]["outputs"] == []
    assert server.run(cells[2])["status"] == "completed"


def test_a_cell_that_prints_for_ever(server, ear, until):
    notebook, [cell] = server.new_notebook("while True: print('spam' * 20)")
    _, [other] = server.new_notebook("print('fine')")
    answers: list[dict] = []

    def stop() -> None:
        until(lambda: "cell_execution_started" in ear.names(notebook), "it runs")
        for _ in range(20):
            assert server.run(other)["outputs"][0]["content"] == "fine\n"
        assert server.ask("POST", f"{notebook}/interrupt")[0] == 200

    at_once(lambda: answers.append(server.run(cell)), stop)
    assert answers[0]["status"] == "interrupted"
    assert sum(len(output["content"]) for output in answers[0]["outputs"]) < BIG + 1000
    until(lambda: ear.names(notebook)[-1] == "cell_execution_failed", "the ending")
    ear.expect_endings(notebook)


def test_ten_megabytes_in_and_out(server, ear, until):
    content = f"x = '{'a' * BIG}'\nprint(len(x), end='')"
    notebook, [big, loud] = server.new_notebook(content, f"print('y' * {BIG - 1})")
    assert server.run(big)["outputs"] == [{"type": "stdout", "content": str(BIG)}]
    assert server.ask("GET", big)[1]["content"] == content
    outputs = server.run(loud)["outputs"]
    assert outputs == [{"type": "stdout", "content": "y" * (BIG - 1) + "\n"}]
    until(lambda: ear.names(notebook).count("cell_execution_completed") == 2, "the big event")
    assert ear.of(notebook)[-1][1]["outputs"] == outputs


def test_a_thousand_cells(shared_server):
    notebook, _ = shared_server.new_notebook(*(f"v{n} = {n}" for n in range(1000)))
    assert shared_server.ask("POST", f"{notebook}/execute_all") == (200, {"success": True})
    state = shared_server.ask("GET", f"{notebook}/state")[1]["state"]
    assert state == {f"v{n}": n for n in range(1000)}


def test_outputs_that_are_not_utf8(shared_server):
    code = (
        "import os, sys\n"
        "sys.stdout.buffer.write(b'\\xff raw\\n'); sys.stdout.flush()\n"
        "_ = os.write(1, b'\\xfe lower\\n')\n"
        "print('\\ud800')\n"
        "raise ValueError('\\udfff')\n"
    )
    notebook, [cell] = shared_server.new_notebook(code)
    ran = shared_server.run(cell)
    assert ran["status"] == "error"
    text = "".join(output["content"] for output in ran["outputs"])
    for word in ("raw", "lower", "ValueError"):
        assert word in text
    assert shared_server.ask("GET", cell)[1]["outputs"] == ran["outputs"]
    assert shared_server.ask("POST", f"{notebook}/save", {"filepath": "odd.ipynb"})[0] == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_while_cells_run(stage, until, number):
    server = stage.serve()
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    _, cells = server.new_notebook("print('kept', flush=True)\nwhile True: pass")
    _, others = server.new_notebook(stubborn)
    running = (cells[0], others[0])
    with ThreadPoolExecutor() as pool:
        requests = [pool.submit(server.run, cell) for cell in running]
        for cell in running:
            until(lambda: server.ask("GET", cell)[1]["status"] == "running", "it runs")  # noqa: B023
        assert server.stop(number) == 0
        for request in requests:
            request.exception(LIMIT_S)  # answered, or the connection has ended: it does not hang
    stage.expect_no_processes()
    again = stage.serve()
    for cell in running:
        assert again.ask("GET", cell)[1]["status"] in ("interrupted", "error")
    assert again.stop() == 0
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")


def test_two_servers_cannot_share_their_data(stage, port):
    server = stage.serve()
    notebook, _ = server.new_notebook()
    second = subprocess.run(
        ["llm-repl", "serve", "--port", str(port)],
        cwd=stage.root,
        env=stage.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode == 1
    assert second.stderr.startswith("Error: ")
    assert second.stderr.count("\n") == 1
    assert server.ask("GET", notebook)[0] == 200


def test_a_change_that_the_disk_refuses_is_not_there(stage, port):
    # A limit of the size of files stands for a full disk.
    command = f"ulimit -f 2000 && exec llm-repl serve --port {port}"
    server = stage.start("bash", "-c", command, port=port)
    notebook, [first, _] = server.new_notebook("a = 1", "b = 2")
    big = "z" * 4_000_000
    for call in (
        ("POST", f"{notebook}/cells", {"type": "code", "content": big}),
        ("PUT", first, {"content": big}),
    ):
        status, answer = server.ask(*call)
        assert (status, answer["code"]) == (409, "storage"), answer
    shown = [cell["content"] for cell in server.ask("GET", notebook)[1]["cells"]]
    server.kill()
    kept = [cell["content"] for cell in stage.serve().ask("GET", notebook)[1]["cells"]]
    assert kept == ["a = 1", "b = 2"]
    assert shown == kept


def test_a_file_of_somebody_else_is_told_in_one_sentence(shared_server):
    for name, content in {
        "empty.llmn": b"",
        "list.llmn": b"[]",
        "deep.llmn": b"[" * 100_000,
        "text.llmn": b"\xff\xfe",
        "cells.llmn": b'{"cells": 5}',
        "nan.llmn": b'{"metadata": {"x": NaN}}',
        "cut.llmn": b'{"cells": [{"cell_id": "x", "type": "Comp',
        "empty.ipynb": b"{}",
    }.items():
        data = content if isinstance(content, bytes) else content.encode()
        (shared_server.stage.root / name).write_bytes(data)
        status, answer = shared_server.ask("POST", "/api/notebooks/load", {"filepath": name})
        assert status == 400, (name, answer)
        assert set(answer) == {"error", "code"}
