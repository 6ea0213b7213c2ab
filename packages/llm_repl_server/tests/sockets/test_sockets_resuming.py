"""Clients that come back: nothing is missed, nothing comes twice, or they are told to read anew."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import Future

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import StorageError
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.wire_events import CellDeleted, KernelRestarted
from llm_repl_server.sockets import event_history
from llm_repl_server.sockets.asyncapi import describe
from llm_repl_server.sockets.broadcaster import Broadcaster

NOTEBOOK = "n"


class Reader:
    """A client that knows the notebook as it was read, and what came since."""

    def __init__(self, publisher, broadcaster):
        self._publisher, self._broadcaster = publisher, broadcaster
        self.is_connected = False
        self.read()

    def read(self):
        """The notebook as the server has it in memory: all that was published so far."""
        last = self._publisher.numbers.last(NOTEBOOK)
        self.epoch, self.sequence = last.epoch, last.sequence

    def connect(self):
        if not self.is_connected:
            self.is_connected = True
            self._broadcaster.add(self)
            self._broadcaster.resume(self, NOTEBOOK, self.epoch, self.sequence)

    def cut(self):
        if self.is_connected:
            self.is_connected = False
            self._broadcaster.remove(self)

    def send_events(self, packets, frames):
        for packet in packets:
            name, payload = json.loads(packet.removeprefix(b"2"))
            if name == "resync":
                self.read()
            elif payload["epoch"] == self.epoch and payload["sequence"] > self.sequence:
                assert payload["sequence"] == self.sequence + 1, "an event was missed"
                self.sequence += 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["publish", "publish when written", "write fails"])),
        st.tuples(st.sampled_from(["written", "forget", "long ago", "turn"])),
        st.tuples(st.sampled_from(["connect", "cut", "read"]), st.integers(0, 2)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 5), st.sampled_from([200, 1_000_000]))
def test_whatever_is_cut_a_client_ends_where_one_is_that_never_lost_a_word(steps, count, size):
    async def run():
        now = [0.0]
        loop = asyncio.get_running_loop()
        publisher = EventPublisher(loop)
        broadcaster = Broadcaster(loop, publisher.numbers)
        broadcaster._history = event_history.EventHistory(lambda: now[0])
        publisher._listeners.append(broadcaster)
        readers = [Reader(publisher, broadcaster) for _ in range(3)]
        writes = []

        def write_all():
            while writes:
                future, error = writes.pop(0)
                future.set_exception(error) if error else future.set_result(None)

        for step, *which in steps:
            match step:
                case "publish":
                    publisher.publish(KernelRestarted(notebook_id=NOTEBOOK))
                case "publish when written" | "write fails":
                    failure = StorageError("full") if step == "write fails" else None
                    writes.append((Future(), failure))
                    event = CellDeleted(notebook_id=NOTEBOOK, cell_id="c")
                    publisher.publish(event, writes[-1][0])
                case "written":
                    write_all()
                    await asyncio.sleep(0)
                case "forget":  # deleted, and loaded again
                    publisher.numbers.forget(NOTEBOOK)
                case "long ago":
                    now[0] += 2 * event_history.KEPT_FOR_S
                case "turn":
                    await asyncio.sleep(0)
                case _:
                    getattr(readers[which[0]], step)()
        write_all()
        for reader in readers:
            reader.cut()  # a deleted notebook's clients read when they hear of it
            reader.connect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        broadcaster.flush()
        last = publisher.numbers.last(NOTEBOOK)
        for reader in readers:
            assert (reader.epoch, reader.sequence) == (last.epoch, last.sequence)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_history, "EVENTS_LIMIT", count)
        patch.setattr(event_history, "NOTEBOOK_LIMIT_BYTES", size)
        asyncio.run(run())


def test_what_is_kept_has_a_limit_for_all_notebooks_together(monkeypatch):
    monkeypatch.setattr(event_history, "TOTAL_LIMIT_BYTES", 1000)
    history = event_history.EventHistory(lambda: 0.0)
    for notebook_id in ("a", "b"):
        history.keep(notebook_id, epoch="e", sequence=0)
    history.add("a", "e", 1, b"x" * 600)
    history.add("b", "e", 1, b"y" * 600)
    known = {"epoch": "e", "after": 0, "last_sequence": 1}
    assert history.missed("a", **known) is None
    assert history.missed("b", **known) == [b"y" * 600]


def numbers_of(server, path):
    return numbers_of_answer(server("GET", path)[1])


def numbers_of_answer(answer):
    return {"epoch": answer["epoch"], "after": answer["sequence"]}


def test_a_client_that_was_away_hears_what_it_missed_and_then_what_is_new(server):
    path, (cell,) = server.new_notebook("print('here')")
    staying = server.listener()
    begin = numbers_of(server, path)
    first = server.listener()
    first.client.call("subscribe", {"notebook_id": path[15:], **begin})
    first.close()
    server("POST", f"{cell}/execute")
    server("PUT", cell, {"content": "print('again')"})
    staying.wait_for("cell_changed")
    second = server.listener()
    assert second.client.call("subscribe", {"notebook_id": path[15:], **begin}) == {"success": True}
    server("POST", f"{cell}/execute")
    for listener in (staying, second):
        listener.wait_for("run_ended", count=2)
    mine = [heard for heard in staying.heard if heard[1].get("sequence", 0) > begin["after"]]
    assert second.heard == mine
    assert {"cell_execution_output", "cell_changed"} <= set(second.names())
    numbers = [payload["sequence"] for _, payload in second.heard]
    assert numbers == list(range(begin["after"] + 1, begin["after"] + 1 + len(numbers)))


def test_an_answer_read_in_mid_stream_goes_on_without_a_gap_or_a_doubled_word(server):
    words = " ".join(f"word{number}" for number in range(300))
    path, _ = server.new_notebook()
    fields = {"model": "mock/echo+per_token=0.005", "type": "prompt", "content": words}
    cell = f"{path}/cells/{server('POST', f'{path}/cells', fields)[1]['id']}"
    running = threading.Thread(target=server, args=("POST", f"{cell}/execute"))
    running.start()
    texts = []
    while running.is_alive():
        notebook = server("GET", path)[1]
        listener = server.listener()
        known = numbers_of_answer(notebook)
        listener.client.call("subscribe", {"notebook_id": path[15:], **known})
        if notebook["partial_answers"]:
            (run,), (cell_now,) = notebook["runs"], notebook["running_cells"]
            assert (run["state"], cell_now["run_id"]) == ("running", run["run_id"])
            texts.append((notebook["partial_answers"][0]["text"], known["after"], listener))
    running.join(30)
    assert len(texts) > 2
    for text, last, listener in texts:
        listener.wait_for("run_ended")
        assert "resync" not in listener.names()
        for name, payload in listener.heard:
            # Until it subscribes, a client hears all that happens: these come again, in their place.
            if payload["sequence"] == last + 1:
                last += 1
                text += payload["text"] if name == "cell_execution_text" else ""
        assert text == words
    assert server("GET", path)[1]["runs"] == []


@pytest.mark.parametrize("subscribes", [False, True], ids=["all", "one"])
def test_whoever_heard_of_a_notebook_and_was_away_hears_what_came_meanwhile(server, subscribes):
    path, (cell,) = server.new_notebook("print('here')")
    first = server.listener()
    if subscribes:
        first.client.call("subscribe", {"notebook_id": path[15:]})
    server("POST", f"{cell}/execute")
    first.wait_for("run_ended")
    known = numbers_of_answer(next(event for name, event in first.heard if name == "run_ended"))
    first.close()
    server("PUT", cell, {"content": "print('away')"})
    server("POST", f"{cell}/execute")
    second = server.listener()
    second.client.call("subscribe", {"notebook_id": path[15:], **known})
    second.wait_for("run_ended")
    numbers = [payload["sequence"] for _, payload in second.heard]
    assert numbers == list(range(known["after"] + 1, known["after"] + 1 + len(numbers)))
    assert second.names()[0] == "cell_changed"


def test_who_knows_too_little_or_of_another_epoch_is_told_to_read_anew(start_server):
    server = start_server()
    path, _ = server.new_notebook("1")
    known = numbers_of(server, path)
    schema = describe()["components"]["schemas"]["Resync"]
    for wrong in ({"after": 0}, {"after": 10**9}, {"epoch": "of yesterday"}):
        listener = server.listener()
        listener.client.call("subscribe", {"notebook_id": path[15:], **known, **wrong})
        listener.wait_for("resync")
        (_, payload) = listener.heard[0]
        jsonschema.validate(payload, schema)
        assert {"epoch": payload["epoch"], "after": payload["sequence"]} == known
        listener.close()
    later = server.listener()
    server("DELETE", path)
    later.client.call("subscribe", {"notebook_id": path[15:], **known})
    later.wait_for("resync")


@pytest.mark.parametrize("half", [{"epoch": "e"}, {"after": 1}])
def test_half_of_the_numbers_is_refused(server, half):
    answer = server.listener().client.call("subscribe", {"notebook_id": "n", **half})
    assert answer["success"] is False
    assert "`epoch` and `after` go together" in answer["error"]


def test_what_runs_what_waits_and_what_is_asked_is_in_the_answer(api, in_thread, until):
    path = api.new_notebook("def add(x: int): return x + 1")
    api.post(f"{path}/execute_all")
    fields = {"tools": ["add"], "approve_tools": True, "model": 'mock/call:add {"x": 1}'}
    asks = api.new_cell(path, "prompt", "Hi", **fields)
    asking = in_thread(api.run, asks)
    until(lambda: api.get(path).json["pending_approvals"], "the model asks for a tool")
    waiting = in_thread(api.run, asks)
    until(lambda: len(api.get(path).json["runs"]) == 2, "another run waits")
    answer = api.get(path).json
    (question,), (running, queued) = answer["pending_approvals"], answer["runs"]
    assert (question["name"], question["arguments"]) == ("add", '{"x": 1}')
    assert (running["state"], queued["state"]) == ("running", "queued")
    assert [one["cell_id"] for one in answer["running_cells"]] == running["cell_ids"]
    assert queued["cell_ids"] == queued["waiting_cell_ids"] == [asks.rpartition("/")[2]]
    assert running["waiting_cell_ids"] == []
    api.post(f"{asks}/tool_calls/{question['call_id']}", {"approved": True})
    until(lambda: len(api.get(path).json["runs"]) == 1, "the next one runs")
    until(lambda: api.get(path).json["pending_approvals"], "it asks as well")
    (question,) = api.get(path).json["pending_approvals"]
    api.post(f"{asks}/tool_calls/{question['call_id']}", {"approved": False})
    assert asking.result()["status"] == "completed"
    assert waiting.result() is not None
    answer = api.get(path).json
    assert [answer[name] for name in ("runs", "running_cells", "pending_approvals")] == [[], [], []]


def test_after_a_restart_everybody_reads_anew(start_server):
    server = start_server()
    path, _ = server.new_notebook("1")
    known = numbers_of(server, path)
    server.kill()
    listener = start_server().listener()
    listener.client.call("subscribe", {"notebook_id": path[15:], **known})
    listener.wait_for("resync")
