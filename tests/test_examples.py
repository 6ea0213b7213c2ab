"""The example notebooks: run from a terminal, and by a server while a client listens."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import socketio

from llm_repl_core import Application, Notebook, load_notebook

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted([*EXAMPLES.glob("*.llmn"), *EXAMPLES.glob("*.ipynb")])
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
COMMAND = [sys.executable, "-m", "llm_repl_server.cli.main"]
LIMIT_S = 60.0

InOrder = Callable[[socketio.Client], socketio.Client]


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {LIMIT_S:g} s: {what}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the examples, and folders for the settings and the data."""
    folder = tmp_path_factory.mktemp("examples")
    for name in ("config", "data", "root"):
        (folder / name).mkdir()
    for path in FILES:
        shutil.copy(path, folder / "root")
    return folder


def environment(folder: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLM_REPL_", "OPENAI_"))
    }
    return inherited | {
        "LLM_REPL_CONFIG_DIR": str(folder / "config"),
        "LLM_REPL_DATA_DIR": str(folder / "data"),
        "PYTHONUNBUFFERED": "1",
    }


# The files ---------------------------------------------------------------------------------------


def test_there_are_three_notebooks_and_one_in_both_formats() -> None:
    names = {path.name for path in FILES}
    assert len({path.stem for path in FILES}) >= 3
    assert {"ice_cream_sales.llmn", "ice_cream_sales.ipynb"} <= names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_as_the_program_would_write_it_and_holds_no_results(path: Path) -> None:
    application = Application()
    notebook = application.load(path)
    assert application.format_for(path.name).encode(notebook) == path.read_bytes()
    assert (notebook.memory, notebook.state_keys) == ({}, [])
    assert {(cell.status, cell.execution_count) for cell in notebook} == {("idle", None)}
    assert not [cell for cell in notebook if cell.outputs]
    if path.suffix == ".ipynb":
        nbformat.validate(nbformat.read(path, as_version=4))


def test_both_formats_hold_the_same_notebook() -> None:
    llmn = load_notebook(EXAMPLES / "ice_cream_sales.llmn")
    assert llmn == load_notebook(EXAMPLES / "ice_cream_sales.ipynb")


def test_the_readme_names_every_file() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (*FILES, *SCRIPTS) if f"({path.name})" not in text] == []


# What they are to give -----------------------------------------------------------------------------


def outputs_of(notebook: Notebook) -> list[dict[str, Any]]:
    return [output.to_wire() for cell in notebook for output in cell.outputs]


def only(outputs: list[dict[str, Any]], type_: str) -> list[dict[str, Any]]:
    return [output for output in outputs if output["type"] == type_]


def check_ice_cream_sales(outputs: list[dict[str, Any]], runs: int) -> None:
    frame, plot = only(outputs, "display")
    assert "<table" in frame["data"]["text/html"]
    assert "2026-06-05" in frame["content"]
    picture = base64.b64decode(plot["data"]["image/png"])
    assert picture.startswith(b"\x89PNG\r\n")
    (printed,) = only(outputs, "stdout")
    found = re.search(r"correlate by (0\.9\d)\.", printed["content"])
    assert found is not None
    (advice,) = only(outputs, "llm_response")
    for part in ("970 portions", "2587.30 euros", f"by {found[1]}.", "was Friday, at 29 °C"):
        assert part in advice["prompt"]
    assert advice["content"] == f"This is the mock model. You asked: {advice['prompt']}"


def check_answering_reviews(outputs: list[dict[str, Any]], runs: int) -> None:
    complaint, reply = only(outputs, "llm_response")
    assert "4 customers gave 3.0 stars on average. 2 of them" in complaint["prompt"]
    assert "- Dented tin again! Please pack it better." in complaint["prompt"]
    # The first answer stands in the second prompt, and that one's in the last cell.
    assert f"complain: {complaint['content']}\n" in reply["prompt"]
    assert complaint["content"].startswith("This is the mock model.")
    (printed,) = only(outputs, "stdout")
    words = len(reply["content"].split())
    assert printed["content"] == f"The reply has {words} words; 60 were allowed.\n"


def check_expenses(outputs: list[dict[str, Any]], runs: int) -> None:
    (update,) = only(outputs, "memory_update")
    assert update["added"] == ["expenses", "total"]
    assert update["updated_state"]["expenses"].count("coffee") == runs
    (printed,) = only(outputs, "stdout")
    lines = printed["content"].splitlines()
    assert lines == ["    3.50  coffee"] * runs + [f"{3.5 * runs:8.2f}  in all"]
    (comment,) = only(outputs, "llm_response")
    assert f"{3.5 * runs:.2f} euros on {runs} items" in comment["prompt"]


def check_sorting_feedback(outputs: list[dict[str, Any]], runs: int) -> None:
    answers = only(outputs, "llm_response")
    notes, (step, praise, letter) = answers[:-3], answers[-3:]
    assert [note["item"] for note in notes] == [0, 1, 2, 3]
    for note in notes:
        assert set(note["value"]) == {"topic", "urgent", "summary"}
        assert note["prompt"].startswith("Sort this message of a customer: ")
    (printed,) = only(outputs, "stdout")
    assert printed["content"] == "4 messages, most of them about delivery.\n"
    assert step["prompt"].endswith("What should we do first about delivery?")
    assert step["content"] in letter["prompt"]
    assert praise["content"] in letter["prompt"]


CHECKS = {
    "answering_reviews": check_answering_reviews,
    "expenses": check_expenses,
    "ice_cream_sales": check_ice_cream_sales,
    "sorting_feedback": check_sorting_feedback,
}


def runs_of(path: Path) -> range:
    """The numbers of the runs: a notebook whose memory grows is run again."""
    return range(1, 3 if path.stem == "expenses" else 2)


# From a terminal -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_from_a_terminal(path: Path, folder: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path)
    for runs in runs_of(path):
        ended = subprocess.run(
            [*COMMAND, "run", path.name, "-o", path.name],
            cwd=tmp_path,
            env=environment(folder),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT_S,
        )
        assert ended.returncode == 0, ended.stderr
        notebook = load_notebook(tmp_path / path.name)
        assert {cell.status for cell in notebook} == {"completed"}
        outputs = outputs_of(notebook)
        CHECKS[path.stem](outputs, runs)
        for output in outputs:
            assert output["content"].strip() in ended.stdout


# Scripts -------------------------------------------------------------------------------------------


def test_wordings_are_asked_once(folder: Path, tmp_path: Path) -> None:
    def sources() -> list[str]:
        ended = subprocess.run(
            [sys.executable, EXAMPLES / "compare_wordings.py"],
            cwd=tmp_path,
            env=environment(folder),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT_S,
        )
        assert ended.returncode == 0, ended.stderr
        return re.findall(
            r"^[\w ]+ \((\w+)\): This is the mock model\.", ended.stdout, re.MULTILINE
        )

    assert sources() == ["asked"] * 3
    assert sources() == ["reuse"] * 3
    assert len((tmp_path / "compare_wordings.calls.jsonl").read_bytes().splitlines()) == 4


def test_wordings_that_cannot_be_asked_say_why(folder: Path, tmp_path: Path) -> None:
    """A budget in dollars, and a model of one's own that has no price."""
    ended = subprocess.run(
        [sys.executable, EXAMPLES / "compare_wordings.py"],
        cwd=tmp_path,
        env=environment(folder)
        | {
            "LLM_REPL_PROVIDER": "openai",
            "LLM_REPL_MODEL": "home-made",
            "LLM_REPL_BASE_URL": "http://127.0.0.1:9/v1",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    assert ended.returncode == 1
    assert "home-made" in ended.stderr
    assert "price" in ended.stderr
    assert "Traceback" not in ended.stderr


# By a server, while a client listens ---------------------------------------------------------------


class Server:
    """``llm-repl serve`` as a process, and a client of its events."""

    def __init__(self, folder: Path, in_order: InOrder) -> None:
        self._log = folder / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "serve", "--port", "0", "--root", str(folder / "root")],
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._client = in_order(socketio.Client(reconnection=False))
        self._client.on("*", lambda event, payload: self.heard.append((event, payload)))
        try:
            found = wait_until(self._announced, "the server says where it serves")
            self._port = int(found[1])
            self._client.connect(f"http://127.0.0.1:{self._port}", transports=["websocket"])
        except BaseException:
            self.close()
            raise

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_S)
        with contextlib.closing(connection):
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            document = json.loads(answer.read())
            assert answer.status < 300, document
            return document

    def heard_of(self, notebook_id: str) -> list[tuple[str, dict[str, Any]]]:
        """What it heard of a notebook's runs."""
        return [
            (event, payload)
            for event, payload in self.heard
            if payload["notebook_id"] == notebook_id and "sequence" in payload
        ]

    def heard_up_to(self, notebook_id: str) -> int:
        """The number of the last event that it heard of a notebook; 0: of none."""
        return next((payload["sequence"] for _, payload in reversed(self.heard_of(notebook_id))), 0)

    def close(self) -> None:
        if self._client.connected:
            self._client.disconnect()
        self._process.terminate()
        try:
            assert self._process.wait(LIMIT_S) == 0, self._log.read_text()
        finally:
            self._process.kill()
            self._process.wait()

    def _announced(self) -> re.Match[str] | None:
        text = self._log.read_text()
        assert self._process.poll() is None, text
        return re.search(r"serves at http://127\.0\.0\.1:(\d+)", text)


@pytest.fixture(scope="module")
def server(folder: Path, in_order: InOrder) -> Iterator[Server]:
    with contextlib.closing(Server(folder, in_order)) as server:
        yield server


def run_and_listen(server: Server, notebook_id: str) -> list[dict[str, Any]]:
    """Run a whole notebook; the cells afterwards. What the client heard is checked on the way."""
    path = f"/api/notebooks/{notebook_id}"
    # What was before is told before its answer, but by another connection, which has its own thread.
    told = server("GET", path)["sequence"]
    wait_until(lambda: server.heard_up_to(notebook_id) == told, "the events of what was before")
    before = len(server.heard_of(notebook_id))
    assert server("POST", f"{path}/execute_all") == {"success": True}
    cells: list[dict[str, Any]] = server("GET", path)["cells"]

    def heard() -> list[tuple[str, dict[str, Any]]]:
        return server.heard_of(notebook_id)[before:]

    wait_until(lambda: "run_ended" in [event for event, _ in heard()], "the end of the run")
    names = [event for event, _ in heard()]
    assert names[:2] == ["run_started", "notebook_execution_started"]
    assert names[-2:] == ["notebook_execution_completed", "run_ended"]
    numbers = [payload["sequence"] for _, payload in heard()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for cell in cells:  # prompts overtake others, so that the cells' events may be mixed
        of_cell = [
            (name, one)
            for name, one in heard()
            # It may wait for the answers above before it starts.
            if one.get("cell_id") == cell["id"] and name != "cell_execution_waiting"
        ]
        assert [of_cell[0][0], of_cell[-1][0]] == [
            "cell_execution_started",
            "cell_execution_completed",
        ]
        assert of_cell[-1][1]["outputs"] == cell["outputs"]
    return cells


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_by_a_server_while_a_client_listens(path: Path, server: Server) -> None:
    loaded = server("POST", "/api/notebooks/load", {"filepath": path.name})
    notebook_id = loaded["id"]
    try:
        for runs in runs_of(path):
            cells = run_and_listen(server, notebook_id)
            CHECKS[path.stem]([output for cell in cells for output in cell["outputs"]], runs)
            # What is memory lasts without the kernel.
            server("POST", f"/api/notebooks/{notebook_id}/restart")
    finally:
        server("DELETE", f"/api/notebooks/{notebook_id}")
