"""A real server with worker kernels: over real HTTP, and through power failures."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time

import psutil
import pytest

from llm_repl_core import StorageError
from llm_repl_server.app import create_app

SLOW = """
import os, pathlib, time
pathlib.Path({began!r}).write_text(str(os.getpid()))
time.sleep({seconds})
print('done')
"""


def slow_cell(server, seconds=100):
    """A notebook with a slow cell, and the file that says that its code runs."""
    began = server.folder / "root" / f"began-{time.monotonic_ns()}"
    path, (cell,) = server.new_notebook(SLOW.format(began=str(began), seconds=seconds))
    return path, cell, began


def start(server, cell):
    """Ask for an execution and do not wait; the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", f"{cell}/execute")
    return connection


def test_the_whole_of_it(server):
    path, cells = server.new_notebook("x = 41", "print('hi')\nx + 1")
    assert server("POST", f"{path}/execute_all") == (200, {"success": True})
    shown = server("GET", path)[1]
    assert [output["content"] for output in shown["cells"][1]["outputs"]] == ["hi\n", "42"]
    assert server("GET", f"{path}/state")[1]["state"] == {"x": 41}
    status, saved = server("POST", f"{path}/save", {"filepath": "whole.llmn"})
    assert (status, saved["filepath"]) == (200, "whole.llmn")
    assert server("DELETE", path) == (200, {"success": True})
    assert server("POST", "/api/notebooks/load", {"filepath": "whole.llmn"})[0] == 201
    assert server("GET", path)[1]["cells"] == shown["cells"]
    assert server("POST", f"{cells[0]}/execute")[1]["status"] == "completed"


def test_a_result_is_there_when_its_client_has_gone(server, until):
    _, cell, began = slow_cell(server, seconds=0.5)
    connection = start(server, cell)
    until(began.exists, "the code runs")
    connection.close()  # without having read the answer
    until(lambda: server("GET", cell)[1]["status"] == "completed", "the cell has run")
    assert server("GET", cell)[1]["outputs"] == [{"type": "stdout", "content": "done\n"}]


def test_a_client_that_is_cut_off_harms_nobody(server):
    for half in (b"POST /api/notebooks HTTP/1.1\r\n", b"GET /api/heal"):
        with socket.create_connection(("127.0.0.1", server.port), 15) as connection:
            connection.sendall(half)
    with socket.create_connection(("127.0.0.1", server.port), 15) as connection:
        connection.sendall(
            b"POST /api/notebooks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 1000\r\n\r\n{"name": "never'
        )
    assert server("GET", "/api/health")[0] == 200
    assert all(one["name"] != "never" for one in server("GET", "/api/notebooks")[1]["notebooks"])


def test_bodies_in_chunks_are_read(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
    connection.request(
        "POST",
        "/api/notebooks",
        iter([b'{"name": ', b'"In chunks"}']),
        {"Content-Type": "application/json"},
        encode_chunked=True,
    )
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["name"]) == (201, "In chunks")
    connection.close()


def test_two_notebooks_run_at_once_and_two_cells_of_one_do_not(server, until):
    path, cell, began = slow_cell(server)
    _, (quick,) = server.new_notebook("1 + 1")
    status, second = server("POST", f"{path}/cells", {"type": "code", "content": "2"})
    assert status == 201
    first = start(server, cell)
    until(began.exists, "the code runs")
    waiting = start(server, f"{path}/cells/{second['id']}")
    assert server("POST", f"{quick}/execute")[1]["status"] == "completed"
    assert server("GET", f"{path}/cells/{second['id']}")[1]["status"] == "idle"
    assert server("POST", f"{path}/interrupt")[0] == 200
    answer = first.getresponse()
    assert (answer.status, json.load(answer)["status"]) == (200, "interrupted")
    assert waiting.getresponse().read()
    first.close()
    waiting.close()


def test_what_was_acknowledged_survives_a_power_failure(start_server):
    server = start_server()
    acknowledged: dict[str, dict] = {}
    failures: list[Exception] = []

    def work() -> None:
        """Edit and run until the server dies, and note what was acknowledged."""
        try:
            while True:
                path, (cell,) = server.new_notebook("x = 0")
                acknowledged[path] = noted = {"content": "x = 0", "outputs": []}
                for number in range(5):
                    content = f"print({number})"
                    noted["may"] = content  # sent, so that it may be there
                    server("PUT", cell, {"content": content})
                    noted |= {"content": content, "outputs": []}
                    outputs = server("POST", f"{cell}/execute")[1]["outputs"]
                    noted["outputs"] = outputs
                server("PUT", path, {"name": "Renamed"})
                noted["name"] = "Renamed"
        except (OSError, http.client.HTTPException):
            pass
        except Exception as error:  # noqa: BLE001 - for the test to see
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while len(acknowledged) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.kill()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert len(acknowledged) >= 6
    again = start_server()
    listed = {one["id"]: one for one in again("GET", "/api/notebooks")[1]["notebooks"]}
    for path, noted in acknowledged.items():
        notebook = again("GET", path)[1]
        assert listed[path[15:]]["cell_count"] == 1
        (cell,) = notebook["cells"]
        if cell["content"] == noted["content"]:
            if noted["outputs"]:
                assert (cell["outputs"], cell["status"]) == (noted["outputs"], "completed")
        else:  # the change after the last that was acknowledged
            assert cell["content"] == noted["may"]
        if "name" in noted:
            assert notebook["name"] == noted["name"]
            assert cell["outputs"] == [{"type": "stdout", "content": "4\n"}]


def test_after_a_power_failure(start_server, until):
    """What ran is shown as interrupted, its kernel is gone, and everything else is there."""
    server = start_server()
    path, cell, began = slow_cell(server)
    _, (pid_cell,) = server.new_notebook("import os\nos.getpid()")
    memory = server("POST", f"{path}/cells", {"type": "memory", "content": "kept = [1]"})[1]["id"]
    prompt = {"type": "prompt", "content": "Hi {kept}", "model": "echo", "response_var": "said"}
    prompt_id = server("POST", f"{path}/cells", prompt)[1]["id"]
    server("POST", f"{path}/cells/{memory}/execute")
    answered = server("POST", f"{path}/cells/{prompt_id}/execute")[1]
    assert answered["outputs"][0]["content"] == "Hi [1]"
    server("PUT", "/api/llm/provider", {"type": "mock", "model": "list:kept choice"})
    kernel = int(server("POST", f"{pid_cell}/execute")[1]["outputs"][0]["content"])
    running = start(server, cell)
    until(lambda: began.exists() and began.read_text(), "the code runs")
    time.sleep(0.3)  # it is noted a moment after it began
    server.kill()
    running.close()
    for pid in (kernel, int(began.read_text())):
        until(lambda pid=pid: not psutil.pid_exists(pid), "the kernels have noticed")
    again = start_server()
    shown = {one["id"]: one for one in again("GET", path)[1]["cells"]}
    assert shown[cell.rpartition("/")[2]]["status"] == "interrupted"
    assert shown[prompt_id]["outputs"] == answered["outputs"]
    assert again("GET", f"{path}/state")[1] == {"state": {"kept": [1]}, "busy": False}
    assert again("GET", "/api/llm/providers")[1]["current"]["model"] == "list:kept choice"
    again("PUT", cell, {"content": "kept + [2]"})
    assert again("POST", f"{cell}/execute")[1]["outputs"][0]["content"] == "[1, 2]"


def test_a_server_that_is_told_to_stop_answers_who_waits(start_server, until):
    server = start_server()
    _, cell, began = slow_cell(server)
    waiting = start(server, cell)
    until(began.exists, "the code runs")
    server.process.terminate()
    answer = waiting.getresponse()
    assert (answer.status, json.load(answer)["status"]) == (200, "interrupted")
    waiting.close()
    assert server.process.wait(15) == 0
    assert start_server()("GET", cell)[1]["status"] == "interrupted"
    assert "Traceback" not in server.log.read_text()


def test_a_second_server_is_refused_the_database(make_api):
    make_api()
    with pytest.raises(StorageError, match="Another server"):
        create_app()
