"""Runs as clients hear them: numbered, whole, and in step with what runs at the same time."""

from __future__ import annotations

import threading
import time

import pytest

from llm_repl_core.engine.throttle import INTERVAL_S

PROMPTS = 32


def sequences(heard):
    return [payload["sequence"] for _, payload in heard]


def consecutive(numbers):
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def prompts_of(server, count, **fields):
    status, notebook = server("POST", "/api/notebooks", {"name": "Prompts"})
    assert status == 201
    path = f"/api/notebooks/{notebook['id']}"
    for number in range(count):
        cell = {"type": "prompt", "content": f"Number {number}", "response_var": f"r{number}"}
        assert server("POST", f"{path}/cells", cell | fields)[0] == 201
    return path


def test_reasoning_is_heard_as_it_comes_and_before_the_answer(server):
    path = prompts_of(server, 1, model="mock/echo+think=Let me see.+per_token=0.05")
    listener = server.listener(path[15:])
    assert server("POST", f"{path}/execute_all") == (200, {"success": True})
    listener.wait_for("run_ended")
    assert consecutive(sequences(listener.heard))
    heard = [
        (event.rpartition("_")[2], payload["text"])
        for event, payload in listener.heard
        if event in ("cell_execution_reasoning", "cell_execution_text")
    ]
    assert "".join(text for kind, text in heard if kind == "reasoning") == "Let me see."
    assert [kind for kind, _ in heard] == sorted(kind for kind, _ in heard)
    assert len(heard) > 2


def test_independent_prompts_run_at_once_and_every_event_is_told_in_order(server):
    path = prompts_of(server, PROMPTS, model="mock/echo+delay=1")
    listener = server.listener(path[15:])
    started = time.monotonic()
    assert server("POST", f"{path}/execute_all", {"concurrency": PROMPTS}) == (
        200,
        {"success": True},
    )
    duration_s = time.monotonic() - started
    listener.wait_for("run_ended")
    assert 1 <= duration_s < PROMPTS / 2, duration_s  # one after the other, they would take 32
    assert consecutive(sequences(listener.heard))
    assert sequences(listener.heard)[0] == 1 + PROMPTS + 1  # the notebook, its cells, and the run
    names = listener.names()
    assert names[:2] == ["run_started", "notebook_execution_started"]
    assert names[-2:] == ["notebook_execution_completed", "run_ended"]
    progress = [payload["ended"] for event, payload in listener.heard if event == "run_progress"]
    # Those that end at nearly the same time are told as one step.
    assert progress == sorted(set(progress))
    assert progress[0] == 1
    assert progress[-1] == PROMPTS
    run_ids = {payload["run_id"] for _, payload in listener.heard}
    assert len(run_ids) == 1
    for cell in server("GET", f"{path}/cells")[1]["cells"]:
        mine = [
            (event, payload)
            for event, payload in listener.heard
            if payload.get("cell_id") == cell["id"]
        ]
        assert [event for event, _ in mine] == [
            "cell_execution_started", "cell_execution_text", *["cell_execution_text"] * (len(mine) - 4),
            "cell_execution_output", "cell_execution_completed",
        ]  # fmt: skip
        text = "".join(payload["text"] for event, payload in mine if event[-5:] == "_text")
        assert text == cell["outputs"][0]["content"] == cell["content"]


def test_progress_is_told_of_every_cell_that_takes_its_time(server):
    path, _ = server.new_notebook(*["import time; time.sleep(0.05)"] * 3)
    listener = server.listener(path[15:])
    server("POST", f"{path}/execute_all")
    listener.wait_for("run_ended")
    progress = [payload for event, payload in listener.heard if event == "run_progress"]
    assert [(told["ended"], told["total"]) for told in progress] == [(1, 3), (2, 3), (3, 3)]


def test_progress_of_many_short_cells_is_told_at_intervals(server):
    path, _ = server.new_notebook(*["1"] * 60)
    listener = server.listener(path[15:])
    started = time.monotonic()
    server("POST", f"{path}/execute_all")
    duration_s = time.monotonic() - started
    listener.wait_for("run_ended")
    progress = [payload["ended"] for event, payload in listener.heard if event == "run_progress"]
    assert progress == sorted(set(progress))
    assert progress[-1] == 60
    assert len(progress) <= 2 + duration_s / 0.02
    assert listener.names()[-3] == "run_progress"


def test_a_long_answer_comes_in_pieces_that_add_up(server):
    words = " ".join(f"word{number}" for number in range(200))
    path = prompts_of(server, 1, model="mock/echo+per_token=0.002")
    (cell,) = server("GET", f"{path}/cells")[1]["cells"]
    server("PUT", f"{path}/cells/{cell['id']}", {"content": words})
    listener = server.listener(path[15:])
    started = time.monotonic()
    server("POST", f"{path}/execute_all")
    duration_s = time.monotonic() - started
    listener.wait_for("run_ended")
    pieces = [payload["text"] for event, payload in listener.heard if event[-5:] == "_text"]
    assert "".join(pieces) == words
    assert 2 <= len(pieces) <= duration_s / 0.02 + 2


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_streams_of_many_pieces_are_joined(make_api, kernel):
    api = make_api(kernel=kernel)
    code = (
        "import sys, time\n"
        "for number in range(3000):\n"
        "    print(number, flush=True)\n"
        "    print(number, file=sys.stderr, flush=True)\n"
    )
    path = api.new_notebook(code)
    started = time.monotonic()
    api.post(f"{path}/execute_all")
    duration_s = time.monotonic() - started
    outputs = [event.payload["output"] for event in api.events("cell_execution_output")]
    for stream in ("stdout", "stderr"):
        text = "".join(output["content"] for output in outputs if output["type"] == stream)
        assert text == "".join(f"{number}\n" for number in range(3000))
    assert len(outputs) <= 2 * (duration_s / INTERVAL_S + 2)
    numbers = [event.payload["sequence"] for event in api.events()]
    assert consecutive(numbers)


def test_numbers_rise_while_nobody_listens(make_api):
    api = make_api()
    path = api.new_notebook("1")
    api.events()
    api.told.clear()
    api.ear.listening = False
    api.post(f"{path}/execute_all")
    api.ear.listening = True
    api.post(f"{path}/execute_all")
    numbers = [event.payload["sequence"] for event in api.events()]
    assert numbers[0] > 4
    assert consecutive(numbers)


def test_a_number_is_told_though_its_write_failed(make_api, monkeypatch):
    from concurrent.futures import Future

    from llm_repl_core import StorageError

    api = make_api()
    path = api.new_notebook("a = 1", "a")
    failed: Future[None] = Future()
    failed.set_exception(StorageError("The disk is full."))
    monkeypatch.setattr(api.services.store, "submit", lambda *changes, keep=False: failed)
    assert api.post(f"{path}/execute_all").status_code == 409
    numbers = [event.payload["sequence"] for event in api.events()]
    assert consecutive(numbers)
    assert api.events("run_ended")


def test_a_client_that_goes_away_stops_nothing(server, until):
    path = prompts_of(server, 1, model="mock/echo+delay=1")
    leaves = server.listener(path[15:])
    stays = server.listener(path[15:])
    request = threading.Thread(target=server, args=("POST", f"{path}/execute_all"), daemon=True)
    request.start()
    leaves.wait_for("cell_execution_started")
    leaves.client.disconnect()
    stays.wait_for("run_ended")
    request.join(30)
    assert stays.heard[-1][1]["state"] == "completed"


def test_a_request_that_is_given_up_stops_nothing(server, until):
    import http.client

    path = prompts_of(server, 1, model="mock/echo+delay=1")
    listener = server.listener(path[15:])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", f"{path}/execute_all")
    listener.wait_for("cell_execution_started")
    connection.close()
    listener.wait_for("run_ended")
    assert listener.heard[-1][1]["state"] == "completed"


def test_every_run_ends_in_one_event_that_says_how(api, until, in_thread):
    path = api.new_notebook("1", "1 / 0", "3")
    ids = [cell["id"] for cell in api.cells(path)]
    api.post(f"{path}/execute_all")
    (ended,) = api.events("run_ended")
    assert (ended.payload["state"], ended.payload["cell_id"]) == ("failed", ids[1])
    assert ended.payload["not_run"] == [ids[2]]
    assert not api.events("notebook_execution_completed")
    api.told.clear()
    prompt = api.new_cell(path, "prompt", "Hi", model="mock/echo+delay=100")
    running = in_thread(api.run, prompt)
    until(lambda: api.events("cell_execution_started"), "it runs")
    api.post(f"{prompt}/interrupt")
    assert running.result()["status"] == "interrupted"
    (ended,) = api.events("run_ended")
    assert ended.payload["state"] == "interrupted"


def test_what_becomes_stale_is_told_once_and_is_on_disk(make_api):
    api = make_api()
    path = api.new_notebook("a = 1", "b = a", "c = b", "d = 4")
    ids = [cell["id"] for cell in api.cells(path)]
    api.post(f"{path}/execute_all")
    assert not api.events("cells_stale")
    api.put(f"{path}/cells/{ids[0]}", {"content": "a = 2"})
    (told,) = api.events("cells_stale")
    assert told.payload["cell_ids"] == ids[1:3]
    assert told.payload["run_id"] is None
    api.put(f"{path}/cells/{ids[0]}", {"content": "a = 3"})
    assert len(api.events("cells_stale")) == 1
    assert [cell["stale"] for cell in api.cells(path)] == [True, True, True, False]
    assert [cell["stale"] for cell in make_api().cells(path)] == [True, True, True, False]


def test_what_a_run_makes_stale_is_told(api):
    path = api.new_notebook("a = 1", "b = a")
    first, second = (cell["id"] for cell in api.cells(path))
    api.post(f"{path}/execute_all")
    answer = api.run(f"{path}/cells/{first}")
    (told,) = api.events("cells_stale")
    assert told.payload["cell_ids"] == [second]
    assert told.payload["run_id"] is not None
    assert answer["status"] == "completed"


def test_what_a_run_did_not_come_to_is_stale(make_api):
    api = make_api()
    path = api.new_notebook("a = 1", "b = 1", "a + b")
    ids = [cell["id"] for cell in api.cells(path)]
    api.post(f"{path}/execute_all")
    api.put(f"{path}/cells/{ids[1]}", {"content": "1 / 0"})
    api.post(f"{path}/cells/{ids[2]}/execute")
    api.told.clear()
    api.post(f"{path}/execute_all")
    (told,) = api.events("cells_stale")
    assert told.payload["cell_ids"] == [ids[2]]
    assert consecutive([event.payload["sequence"] for event in api.events()])
    assert [cell["stale"] for cell in make_api().cells(path)][2] is True


def outputs_by_events(heard, cell_id):
    """The outputs of a cell as a client has them that knows nothing but what is told under way."""
    outputs = []
    for event, payload in heard:
        if payload.get("cell_id") != cell_id:
            continue
        if event == "cell_outputs_cleared":
            outputs.clear()
        elif event == "cell_execution_output":
            if payload["index"] == len(outputs):
                outputs.append(payload["output"])
            else:
                before = outputs[payload["index"]]
                text = before["content"] + payload["output"]["content"]
                outputs[payload["index"]] = {**before, "content": text}
        elif event == "cell_output_updated":
            output = payload["output"]
            if payload["lines"]:
                rows = outputs[payload["index"]]["content"].split("\n")[: -payload["lines"]]
                output = {**output, "content": "\n".join([*rows, output["content"]])}
            outputs[payload["index"]] = output
    return outputs


UPDATING = """
import sys, time
from IPython.display import clear_output, update_display
print("gone")
for number in range(50):
    clear_output(wait=True)
    print("round", number)
own = display("own", display_id=True)
for number in range(300):
    sys.stdout.write(f"\\rstep {number}")
    own.update(number)
    update_display(f"later {number}", display_id="shared")
    time.sleep(0.001)
"""


def test_updates_are_told_and_kept_where_they_belong(start_server, tmp_path):
    server = start_server()
    path, cell_paths = server.new_notebook(
        "print('text'); display('start', display_id='shared');", UPDATING
    )
    first, second = (one.rpartition("/")[2] for one in cell_paths)
    listener = server.listener(path[15:])
    started = time.monotonic()
    server("POST", f"{path}/execute_all")
    duration_s = time.monotonic() - started
    listener.wait_for("run_ended")
    cells = {cell["id"]: cell for cell in server("GET", f"{path}/cells")[1]["cells"]}
    for cell_id in (first, second):
        assert outputs_by_events(listener.heard, cell_id) == cells[cell_id]["outputs"]
    assert [one["content"] for one in cells[first]["outputs"]] == ["text\n", "'later 299'"]
    shown = [one["content"] for one in cells[second]["outputs"]]
    assert (shown[0], shown[1]) == ("round 49\n", "299")
    assert "display_id" not in str([cell["outputs"] for cell in cells.values()])
    heard = [
        payload
        for event, payload in listener.heard
        if event == "cell_output_updated" and payload["cell_id"] == first
    ]
    assert {payload["display_id"] for payload in heard} == {"shared"}
    assert len(heard) <= duration_s / INTERVAL_S + 2
    assert consecutive(sequences(listener.heard))
    # Who knows the older events only hears of the earlier cell as well, before the later one ends.
    names = [(event, payload.get("cell_id")) for event, payload in listener.heard]
    changed = max(index for index, name in enumerate(names) if name == ("cell_changed", first))
    assert listener.heard[changed][1]["cell"]["outputs"] == cells[first]["outputs"]
    assert changed < names.index(("cell_execution_completed", second))
    # What is on disk is the same.
    server.kill()
    server = start_server()
    assert {cell["id"]: cell["outputs"] for cell in server("GET", f"{path}/cells")[1]["cells"]} == {
        cell_id: cell["outputs"] for cell_id, cell in cells.items()
    }


LATE = """
import os, threading, time
def work():
    while not os.path.exists({go!r}): time.sleep(0.01)
    print("late")
threading.Thread(target=work).start()
print("soon")
"""


def test_what_a_thread_prints_after_its_cell_is_told_and_kept_with_the_cell(start_server, tmp_path):
    server = start_server()
    go = tmp_path / "go"
    path, cell_paths = server.new_notebook(LATE.format(go=str(go)), "1")
    late, other = (one.rpartition("/")[2] for one in cell_paths)
    listener = server.listener(path[15:])
    server("POST", f"{path}/execute_all")
    listener.wait_for("run_ended")
    go.touch()
    listener.wait_for("cell_changed")
    [changed] = [payload for event, payload in listener.heard if event == "cell_changed"]
    assert changed["cell_id"] == late
    assert [one["content"] for one in changed["cell"]["outputs"]] == ["soon\nlate\n"]
    assert outputs_by_events(listener.heard, late) == changed["cell"]["outputs"]
    assert [one["content"] for one in outputs_by_events(listener.heard, other)] == ["1"]
    server.kill()
    server = start_server()
    cells = {cell["id"]: cell for cell in server("GET", f"{path}/cells")[1]["cells"]}
    assert cells[late]["outputs"] == changed["cell"]["outputs"]
