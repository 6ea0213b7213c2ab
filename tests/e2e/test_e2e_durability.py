"""What was acknowledged is there after the server was killed, at whatever moment."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time

import pytest

CLIENTS = 3


class Client(threading.Thread):
    """Works until the server is gone, and notes what it was told."""

    def __init__(self, server, number: int, seed: int) -> None:
        super().__init__(name=f"client {number}")
        self.server = server
        self.random = random.Random(f"{seed} {number}")
        self.number = number
        self.acknowledged = 0
        self.defect: object = None
        self.names: dict[str, str] = {}
        self.deleted: set[str] = set()
        # By path: what it is known to be, and what it may be as that was asked for last.
        self.contents: dict[str, set[str]] = {}
        self.outputs: dict[str, list[object]] = {}

    def run(self) -> None:
        try:
            while True:
                self._work()
        except (OSError, http.client.HTTPException):
            pass  # the server is gone
        except Exception as defect:  # noqa: BLE001  the test raises what a thread cannot
            self.defect = defect

    def _ask(self, method: str, path: str, body: object = None):
        status, answer = self.server.ask(method, path, body)
        assert status in (200, 201), (method, path, status, answer)
        self.acknowledged += 1
        return answer

    def _work(self) -> None:
        name = f"Of client {self.number}: {len(self.names)}"
        notebook = f"/api/notebooks/{self._ask('POST', '/api/notebooks', {'name': name})['id']}"
        self.names[notebook] = name
        for n in range(self.random.randint(1, 6)):
            content = f"x = {n}\nprint('ran', {self.random.random()})"
            body = {"type": "code", "content": content, "position": self.random.randint(0, n)}
            cell = f"{notebook}/cells/{self._ask('POST', f'{notebook}/cells', body)['id']}"
            self.contents[cell] = {content}
            if self.random.random() < 0.8:
                self._run_cell(cell)
            if self.random.random() < 0.3:
                self._change(cell, f"print('edited', {self.random.random()})")
        if self.random.random() < 0.2:
            self._remove(notebook)

    def _run_cell(self, cell: str) -> None:
        answer = self._ask("POST", f"{cell}/execute")
        assert answer["outputs"][-1]["content"].startswith("ran "), answer
        self.outputs[cell] = answer["outputs"]

    def _change(self, cell: str, content: str) -> None:
        self.outputs.pop(cell, None)  # cleared by the change, whether or not it is heard of
        self.contents[cell].add(content)
        self._ask("PUT", cell, {"content": content})
        self.contents[cell] = {content}

    def _remove(self, notebook: str) -> None:
        del self.names[notebook]
        self.contents = {k: v for k, v in self.contents.items() if not k.startswith(notebook)}
        self.outputs = {k: v for k, v in self.outputs.items() if not k.startswith(notebook)}
        self._ask("DELETE", notebook)
        self.deleted.add(notebook)

    def check(self, server) -> None:
        """Compare what a server has with what was acknowledged."""
        for notebook, name in self.names.items():
            assert server.ask("GET", notebook)[1].get("name") == name
        for notebook in self.deleted:
            assert server.ask("GET", notebook)[0] == 404
        for path, contents in self.contents.items():
            cell = server.ask("GET", path)[1]
            assert cell.get("content") in contents, (path, cell)
        for path, outputs in self.outputs.items():
            assert server.ask("GET", path)[1]["outputs"] == outputs


@pytest.mark.parametrize("rounds", [3])
def test_what_was_acknowledged_survives(stage, until, rounds):
    seed = int(os.environ.get("LLM_REPL_TEST_SEED") or random.SystemRandom().randrange(10**9))
    print(f"LLM_REPL_TEST_SEED={seed} repeats the work, if not the moments")
    moments = random.Random(seed)
    everything: list[Client] = []
    for number in range(rounds):
        server = stage.serve()
        for client in everything:
            client.check(server)
        clients = [Client(server, n, seed + number) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        wanted = moments.randint(20, 150)
        until(
            lambda: sum(client.acknowledged for client in clients) >= wanted,  # noqa: B023
            f"{wanted} answers",
        )
        time.sleep(moments.random() * 0.05)  # so that it is killed amid something
        kernels = stage.kernels(server)
        assert kernels, "the processes of kernels are not seen"
        server.kill()
        for client in clients:
            client.join(30)
            assert not client.is_alive()
            assert client.defect is None, client.defect
        stage.expect_no_processes(10.0)
        everything += clients
    last = stage.serve()
    for client in everything:
        client.check(last)
    ids = {row["id"] for row in last.ask("GET", "/api/notebooks")[1]["notebooks"]}
    known = {path.rsplit("/", 1)[1] for client in everything for path in client.names}
    assert known <= ids
    assert len(ids - known) <= rounds * CLIENTS  # one that was asked for last, or deleted last
    assert last.stop() == 0
    assert "Traceback" not in stage.log.read_text("utf-8", "replace")
