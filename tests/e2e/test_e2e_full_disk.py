"""A disk that fills while a run goes on: nothing that was paid for is lost, and nobody is misled."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SIZE = 12_000_000
TEXT = 400_000
"""Characters of an answer: more than a database that has been written finds room for."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Makes a folder a disk of its own, and a small one."""
    mounted: list[Path] = []

    def mount(folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
        if os.name == "nt" or subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("only root may mount a disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for block in (1_000_000, 4096, 1):
            try:
                while True:
                    file.write(b"x" * block)
            except OSError:
                continue
    return ballast


def whole_run(server, notebook):
    runs = server.ask("GET", f"{notebook}/runs")[1]["runs"]
    [run] = [one for one in runs if one["kind"] == "notebook"]
    return run


@pytest.fixture
def full(small_disk, stage, until):
    """A server whose disk filled while a prompt of a run was answered."""
    disk = small_disk(stage.data)
    server = stage.serve()
    notebook, [code] = server.new_notebook(f"long = 'x' * {TEXT}")
    prompt = server.new_cell(
        notebook, "prompt", "{long}", model="mock/echo+delay=1.5", response_var="answer"
    )
    server.run(code)
    answers = []
    running = threading.Thread(
        target=lambda: answers.append(server.ask("POST", f"{notebook}/execute_all"))
    )
    running.start()
    calls = f"/api/calls?notebook_id={notebook.rsplit('/', 1)[1]}"
    until(lambda: server.ask("GET", calls)[1]["calls"], "the call to be on record")
    ballast = fill(disk)
    running.join(60)
    [(status, answer)] = answers
    yield server, notebook, prompt, calls, ballast, status, answer
    ballast.unlink(missing_ok=True)


def test_a_paid_answer_outlives_a_full_disk(full, stage, until) -> None:
    server, notebook, prompt, calls, ballast, status, answer = full
    assert status == 200
    assert answer["success"] is False
    assert "disk is full" in answer["error"]

    def look() -> None:
        shown = server.ask("GET", prompt)[1]
        assert shown["status"] == "error"
        response, failure = shown["outputs"]
        assert response["content"] == "x" * TEXT
        assert "disk is full" in failure["content"]
        run = whole_run(server, notebook)
        assert (run["state"], run["cell_id"]) == ("failed", prompt.rsplit("/", 1)[1])
        assert "disk is full" in run["error"]
        [call] = server.ask("GET", calls)[1]["calls"]
        assert call["state"] == "completed"

    look()
    # What people change is refused, and takes nothing of this back.
    status, refusal = server.ask("PUT", notebook, {"name": "Full"})
    assert (status, refusal["code"]) == (409, "storage")
    status, refusal = server.ask("PUT", prompt, {"content": "z" * TEXT})
    assert (status, refusal["code"]) == (409, "storage")
    assert server.ask("GET", notebook)[1]["name"] == "Test"
    look()
    # A new call could not be recorded, and so is not sent.
    other = f"{prompt}/execute"
    status, again = server.ask("POST", other, {"mode": "live"})
    assert (status, again["status"]) == (200, "error")
    assert len(server.ask("GET", calls)[1]["calls"]) == 1

    ballast.unlink()
    until(lambda: server.ask("PUT", notebook, {"name": "Room"})[0] == 200, "room")
    again = server.ask("POST", other, {"mode": "reuse"})[1]
    assert again["status"] == "completed"
    assert again["outputs"][0]["source"] == "reuse"
    server.kill()
    later = stage.serve()
    live = [one for one in later.ask("GET", calls)[1]["calls"] if one["source"] == "live"]
    assert [one["state"] for one in live] == ["completed"]
    assert later.ask("GET", prompt)[1]["status"] == "completed"
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")


def test_a_server_that_ends_has_written_it_where_there_is_room(full, stage, until) -> None:
    server, notebook, prompt, calls, ballast, *_ = full
    ballast.unlink()
    assert server.stop() == 0
    later = stage.serve()
    [call] = later.ask("GET", calls)[1]["calls"]
    assert call["state"] == "completed"
    shown = later.ask("GET", prompt)[1]
    assert (shown["status"], len(shown["outputs"])) == ("error", 2)
    assert whole_run(later, notebook)["state"] == "failed"


def test_a_server_that_ends_on_a_full_disk_says_what_is_lost(full, stage) -> None:
    server, *_ = full
    assert server.stop() == 0
    log = stage.log.read_text("utf-8", "replace")
    assert "could not be written" in log
    assert "disk is full" in log
    assert "Traceback" not in log
