"""What both halves of the contract client are written with: HTTP, events, and expectations."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import socketio

ORIGIN = "http://localhost:3000"
LIMIT_S = 60.0
NOWHERE = str(uuid.UUID(int=0))

EVENTS: dict[str, tuple[str, ...]] = {
    "cell_execution_started": ("notebook_id", "cell_id"),
    "cell_execution_completed": ("notebook_id", "cell_id", "outputs"),
    "cell_execution_failed": ("notebook_id", "cell_id", "error", "outputs"),
    "notebook_execution_started": ("notebook_id",),
    "notebook_execution_completed": ("notebook_id",),
    "notebook_execution_failed": ("notebook_id", "error"),
}


class Broken(AssertionError):
    """The server does not keep what the contract promises."""


def expect(condition: object, what: str) -> None:
    """Fail with a sentence where something promised does not hold."""
    if not condition:
        raise Broken(what)


def expect_equal(actual: object, expected: object, what: str) -> None:
    expect(actual == expected, f"{what}: expected {expected!r}, got {actual!r}")


def is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def is_time(value: object) -> bool:
    """Whether it is ISO 8601 with an offset."""
    return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() is not None


def is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def expect_fields(value: Any, shape: Mapping[str, Any]) -> None:
    """Check the named fields: by type, by predicate, or (anything else) by equality."""
    expect(isinstance(value, dict), f"an object was expected: {value!r}")
    for name, kind in shape.items():
        expect(name in value, f"the field `{name}` is missing in {value!r}")
        found = value[name]
        if isinstance(kind, type):
            good = isinstance(found, kind) and not (kind is int and isinstance(found, bool))
        elif callable(kind):
            good = kind(found)
        else:
            good = found == kind
        expect(good, f"the field `{name}` is {found!r}, against {kind!r}, in {value!r}")


def _no_constants(name: str) -> Any:
    raise Broken(f"{name} is not JSON")


class Answer:
    """A status, headers, and a body that has to be JSON."""

    def __init__(self, call: str, response: http.client.HTTPResponse) -> None:
        self.call = call
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()

    @property
    def json(self) -> Any:
        kind = self.headers.get_content_type()
        expect_equal(kind, "application/json", f"the content type of the answer to {self.call}")
        # A browser's parser knows neither NaN nor Infinity.
        return json.loads(self.raw.decode("utf-8"), parse_constant=_no_constants)


class Api:
    """The REST side, as a page of another origin on localhost uses it."""

    def __init__(self, base: str, root: str) -> None:
        self.base = base
        self.root = root
        self.address = urlsplit(base).netloc

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send one request; `raw` replaces the JSON `body`."""
        sent = {"Origin": ORIGIN, "Accept": "application/json, text/plain, */*"}
        if body is not None:
            raw = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self.address, timeout=LIMIT_S)
        try:
            connection.request(method, path, raw, {**sent, **headers})
            return Answer(f"{method} {path}", connection.getresponse())
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The JSON that answers a request which has to have this status."""
        answer = self.request(method, path, body)
        expect_equal(answer.status, status, f"the status of {method} {path} ({answer.raw[:300]!r})")
        return answer.json

    def refused(
        self, status: int | tuple[int, ...], method: str, path: str, body: Any = None, **more: Any
    ) -> str:
        """Check that a request is refused in the promised form; return the sentence."""
        answer = self.request(method, path, body, **more)
        allowed = (status,) if isinstance(status, int) else status
        what = f"the status of {method} {path} with {body!r} {more or ''} ({answer.raw[:300]!r})"
        expect(answer.status in allowed, f"{what}: expected {allowed}, got {answer.status}")
        expect_fields(answer.json, {"error": str, "code": str})
        sentence, code = answer.json["error"], answer.json["code"]
        expect(sentence.strip() and "\n" not in sentence, f"one sentence, not {sentence!r}")
        expect("Traceback" not in sentence, f"no traceback: {sentence!r}")
        expect(code.replace("_", "").isalnum() and code == code.lower(), f"a word, not {code!r}")
        return str(sentence)

    def notebook(self, name: str = "Of the contract client") -> str:
        return str(self.call("POST", "/api/notebooks", {"name": name}, status=201)["id"])

    def cell(self, notebook_id: str, kind: str, content: str, **fields: Any) -> str:
        body = {"type": kind, "content": content, **fields}
        path = f"/api/notebooks/{notebook_id}/cells"
        return str(self.call("POST", path, body, status=201)["id"])

    def execute(self, notebook_id: str, cell_id: str) -> Any:
        return self.call("POST", f"/api/notebooks/{notebook_id}/cells/{cell_id}/execute")

    def run(self, notebook_id: str, kind: str, content: str, **fields: Any) -> Any:
        """Add a cell and execute it."""
        return self.execute(notebook_id, self.cell(notebook_id, kind, content, **fields))


class Listener:
    """A Socket.IO client that keeps what it hears, in order."""

    def __init__(self, base: str) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._news = threading.Condition()
        options = {"origin": ORIGIN}
        self._client = socketio.Client(reconnection=False, websocket_extra_options=options)
        # The library handles every message in a thread of its own, in no order.
        trigger = self._client.eio._trigger_event

        def trigger_in_order(event: str, *arguments: Any, **options: Any) -> Any:
            return trigger(event, *arguments, **options | {"run_async": False})

        self._client.eio._trigger_event = trigger_in_order
        for name in EVENTS:
            self._client.on(name, self._keep(name))
        self._client.connect(base, transports=["websocket"])
        expect_equal(self._client.transport(), "websocket", "the transport")

    def _keep(self, name: str) -> Callable[[Any], None]:
        def keep(data: Any) -> None:
            with self._news:
                self.heard.append((name, data))
                self._news.notify_all()

        return keep

    def of(self, notebook_id: str) -> list[tuple[str, Any]]:
        with self._news:
            return [(name, data) for name, data in self.heard if data["notebook_id"] == notebook_id]

    def wait(self, notebook_id: str, ending: str, count: int = 1) -> list[tuple[str, Any]]:
        """The events of a notebook once this one has come so many times."""

        def is_there() -> bool:
            return sum(name == ending for name, _ in self.of(notebook_id)) >= count

        with self._news:
            found = self._news.wait_for(is_there, LIMIT_S)
        names = [name for name, _ in self.of(notebook_id)]
        expect(found, f"`{ending}` did not come {count} times; only {names} came")
        return self.of(notebook_id)

    def subscribe(self, notebook_id: str) -> None:
        self._client.call("subscribe", {"notebook_id": notebook_id}, timeout=int(LIMIT_S))

    def close(self) -> None:
        self._client.disconnect()


@contextmanager
def listening(base: str) -> Iterator[Listener]:
    listener = Listener(base)
    try:
        yield listener
    finally:
        listener.close()


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        expect(time.monotonic() < deadline, f"it did not come about that {what}")
        time.sleep(0.02)
