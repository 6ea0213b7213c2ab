"""Prompts: at the same time, streamed, replayed."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import openai

from bench.harness import Sample, at_most, row, time_of
from bench.http_client import HTTPClient
from bench.listeners import SocketIOListener
from bench.ours import create_notebook, execute_path, our_server
from bench.peers.token_stream import TOKENS, token_stream
from bench.programs import command, run_to_end
from llm_repl_core import Notebook, Session, save_notebook

_PROMPTS = 32
_PAIRS = 5
_REPLAYED = 1000
_PLANNED = 1000
_GRACE_S = 0.002
_KEY = "bench-no-key"


@row(
    what=f"{_PROMPTS} independent prompts of 1 s, execute all over HTTP, a client listening",
    against="the critical path: 1 s",
    goal=at_most("1.03"),
    rounds=5,
)
def parallel_prompts() -> Iterator[tuple[Sample, Sample]]:
    with our_server() as port, HTTPClient(port) as client:
        yield _execute_all_of(client, port, model="echo+delay=1"), lambda: 1.0


@row(
    what=f"ask, print, ask, print, {_PAIRS} times, 1 s an answer, execute all over HTTP",
    against="one answer: 1 s",
    goal=at_most("1.1"),
    rounds=5,
)
def asked_and_printed() -> Iterator[tuple[Sample, Sample]]:
    with our_server() as port, HTTPClient(port) as client:
        cells = []
        for number in range(_PAIRS):
            cells += [
                {"type": "prompt", "content": f"Say {number}.", "response_var": f"said_{number}"}
                | {"model": "echo+delay=1"},
                {"type": "code", "content": f"print(said_{number})"},
            ]
        yield _execute_all(client, port, cells), lambda: 1.0


@row(
    what="three chained prompts of 1 s beside 5 s of code, execute all over HTTP",
    against="the code: 5 s",
    goal=at_most("1.04"),
    rounds=3,
)
def chained_beside_code() -> Iterator[tuple[Sample, Sample]]:
    with our_server() as port, HTTPClient(port) as client:
        model = {"type": "prompt", "model": "echo+delay=1"}
        cells = [
            {"content": "One.", "response_var": "one"} | model,
            {"type": "code", "content": "import time\ntime.sleep(5)"},
            {"content": "Two {one}", "response_var": "two"} | model,
            {"content": "Three {two}", "response_var": "three"} | model,
        ]
        yield _execute_all(client, port, cells), lambda: 5.0


@row(
    what=f"the same {_PROMPTS} through the OpenAI SDK, from a server that waits 1 s",
    against="the critical path: 1 s",
    goal=at_most("1.2"),
    rounds=5,
)
def parallel_prompts_openai() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        port, client = _server_of(stack, stack.enter_context(token_stream(1.0, tokens=5)))
        yield _execute_all_of(client, port, model="streamed"), lambda: 1.0


@row(
    what=f"a streamed token, provider → websocket client, of {TOKENS:,}",
    against="the OpenAI SDK alone",
    goal=at_most("0.25"),
    rounds=9,
)
def streamed_token() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        base_url = stack.enter_context(token_stream())
        port, client = _server_of(stack, base_url)
        notebook_id, path = _one_prompt(client)
        listener = stack.enter_context(SocketIOListener(port, notebook_id))
        alone = stack.enter_context(openai.OpenAI(base_url=base_url, api_key=_KEY))

        def relayed() -> None:
            client.send("POST", path)
            assert listener.wait_for("cell_execution_completed")
            client.receive()

        def consumed() -> None:
            text = "".join(_pieces(alone))
            assert text.count("token") == TOKENS

        yield lambda: time_of(relayed) / TOKENS, lambda: time_of(consumed) / TOKENS


@row(
    what="execute a prompt → its first token at a websocket client",
    against="the OpenAI SDK alone, and 2 ms",
    goal=at_most("1"),
    rounds=31,
)
def first_token() -> Iterator[tuple[Sample, Sample]]:
    with contextlib.ExitStack() as stack:
        base_url = stack.enter_context(token_stream(tokens=20))
        port, client = _server_of(stack, base_url)
        notebook_id, path = _one_prompt(client)
        listener = stack.enter_context(SocketIOListener(port, notebook_id))
        alone = stack.enter_context(openai.OpenAI(base_url=base_url, api_key=_KEY))

        def ours() -> float:
            started = time.perf_counter()
            client.send("POST", path)
            listener.wait_for("cell_execution_text")
            took_s = time.perf_counter() - started
            listener.wait_for("cell_execution_completed")
            client.receive()
            return took_s

        def peers() -> float:
            started = time.perf_counter()
            pieces = _pieces(alone)
            next(pieces)
            took_s = time.perf_counter() - started
            for _ in pieces:
                pass
            return took_s + _GRACE_S

        yield ours, peers


@row(
    what=f"`llm-repl run --replay`: {_REPLAYED:,} recorded calls, start to end",
    against="2 s",
    goal=at_most("1"),
    rounds=5,
)
def replayed_calls() -> Iterator[tuple[Sample, Sample]]:
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
        path = Path(folder, "recorded.llmn")
        document = Notebook()
        for number in range(_REPLAYED):
            document.add_prompt(f"Say {number}.", model="echo")
        save_notebook(document, path)
        program = [command("llm-repl"), "run", "-q"]
        run_to_end([*program, "--record", str(path)])
        yield (
            lambda: time_of(lambda: run_to_end([*program, "--replay", str(path)])),
            lambda: 2.0,
        )


@row(
    what=f"the scheduler, a cell: {_PLANNED:,} code cells and a prompt, in-process kernel",
    against="the same cells, one after the other",
    goal=None,
    rounds=5,
)
def scheduled_cell() -> Iterator[tuple[Sample, Sample]]:
    document = Notebook()
    document.add_prompt("Hello", model="echo", response_var="greeting")
    for number in range(_PLANNED):
        document.add_code(f"x{number} = {number}")
    with Session(document) as session:
        yield (
            lambda: time_of(session.run) / _PLANNED,
            lambda: time_of(lambda: session.run(parallel=False)) / _PLANNED,
        )


def _server_of(stack: contextlib.ExitStack, base_url: str) -> tuple[int, HTTPClient]:
    """Our server, whose prompts go to another through the OpenAI SDK."""
    os.environ["OPENAI_API_KEY"] = _KEY
    stack.callback(os.environ.pop, "OPENAI_API_KEY", None)
    port = stack.enter_context(our_server())
    client = stack.enter_context(HTTPClient(port))
    choice = {"type": "openai", "base_url": base_url, "model": "streamed", "api_key": _KEY}
    client.ask("PUT", "/api/llm/provider", choice)
    return port, client


def _one_prompt(client: HTTPClient) -> tuple[str, str]:
    notebook_id = create_notebook(client)
    cell = client.ask(
        "POST", f"/api/notebooks/{notebook_id}/cells", {"type": "prompt", "content": "Tell."}
    )
    return notebook_id, execute_path(notebook_id, cell["id"])


def _execute_all_of(client: HTTPClient, port: int, *, model: str) -> Sample:
    prompts = [
        {"type": "prompt", "content": f"Say {number}.", "model": model}
        for number in range(_PROMPTS)
    ]
    return _execute_all(client, port, prompts)


def _execute_all(client: HTTPClient, port: int, cells: Sequence[Mapping[str, str]]) -> Sample:
    notebook_id = create_notebook(client)
    for cell in cells:
        client.ask("POST", f"/api/notebooks/{notebook_id}/cells", cell)
    path = f"/api/notebooks/{notebook_id}/execute_all"

    def execute() -> float:
        with SocketIOListener(port, notebook_id) as listener:  # who connects before it begins

            def run() -> None:
                client.send("POST", path)
                listener.wait_for("notebook_execution_completed")
                client.receive()

            return time_of(run)

    return execute


def _pieces(client: openai.OpenAI) -> Iterator[str]:
    messages = [{"role": "user", "content": "Tell."}]
    stream = client.chat.completions.create(model="streamed", messages=messages, stream=True)  # type: ignore[call-overload]  # plain dictionaries
    for event in stream:
        if event.choices and (piece := event.choices[0].delta.content):
            yield piece
