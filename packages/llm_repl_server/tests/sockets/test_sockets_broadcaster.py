"""Who hears what, and in which pieces."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol

from llm_repl_server.services.wire_events import WireEvent
from llm_repl_server.sockets.broadcaster import Broadcaster


class Client:
    """Stands in for a session, and keeps what it is sent."""

    def __init__(self):
        self.packets, self.pieces = [], []

    def send_events(self, packets, frames):
        self.packets += packets
        self.pieces.append(frames)

    def heard(self):
        events = [json.loads(packet.removeprefix(b"2")) for packet in self.packets]
        assert all(name == "happened" for name, _ in events)
        return [payload["number"] for _, payload in events]


class Happened(WireEvent, frozen=True, kw_only=True):
    number: object
    notebook_id: str | None = None

    @property
    def room(self):
        return self.notebook_id


def event(number, notebook_id=None):
    return Happened(number=number, notebook_id=notebook_id)


def in_a_loop(test):
    async def run():
        broadcaster = Broadcaster(asyncio.get_running_loop())
        await test(broadcaster)

    asyncio.run(run())


def test_events_of_one_turn_leave_together_as_frames_that_all_share():
    async def run(broadcaster):
        clients = [Client(), Client()]
        for client in clients:
            broadcaster.add(client)
        for number in range(3):
            broadcaster.send(event(number, "a"))
        assert clients[0].pieces == []
        await asyncio.sleep(0)
        (piece,), (other,) = clients[0].pieces, clients[1].pieces
        assert piece is other
        reader = FrameProtocol(client=True, extensions=[])
        reader.receive_bytes(piece)
        texts = [frame.payload for frame in reader.received_frames()]
        assert [json.loads(text.removeprefix("42")) for text in texts] == [
            ["happened", {"number": number, "notebook_id": "a"}] for number in range(3)
        ]
        await asyncio.sleep(0)
        assert len(clients[0].pieces) == 1

    in_a_loop(run)


def test_odd_values_are_json_that_browsers_read():
    async def run(broadcaster):
        client = Client()
        broadcaster.add(client)
        odd = {"not a number": float("nan"), "large": 2**80, "half": "\ud800", "é": "é"}
        broadcaster.send(event(odd))
        broadcaster.flush()
        expected = {"not a number": None, "large": 2**80, "half": "\ud800", "é": "é"}
        assert client.heard() == [expected]

    in_a_loop(run)


def test_a_client_that_comes_in_twice_is_one_listener():
    async def run(broadcaster):
        client = Client()
        broadcaster.add(client)
        broadcaster.subscribe(client, "a")
        broadcaster.add(client)
        broadcaster.send(event(1, "a"))
        broadcaster.flush()
        assert client.heard() == [1]
        broadcaster.remove(client)
        broadcaster.subscribe(client, "a")  # asked for before it went
        assert not broadcaster.is_heard("a")
        broadcaster.send(event(2, "a"))
        broadcaster.flush()
        assert client.heard() == [1]

    in_a_loop(run)


NOTEBOOKS = ["a", "b"]
STEPS = st.one_of(
    st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 2)),
    st.tuples(
        st.sampled_from(["subscribe", "unsubscribe"]),
        st.integers(0, 2),
        st.sampled_from(NOTEBOOKS),
    ),
    st.tuples(st.just("broadcast"), st.sampled_from([None, *NOTEBOOKS])),
    st.just(("turn",)),
)


@given(st.lists(STEPS, max_size=40))
def test_each_hears_what_happens_while_it_listens(steps):
    async def run(broadcaster):
        clients = [Client() for _ in range(3)]
        listening = {}  # by client: None for all, else the notebooks
        expected = [[] for _ in clients]
        for number, (step, *arguments) in enumerate(steps):
            match step, *arguments:
                case "add", who:
                    broadcaster.add(clients[who])
                    listening[who] = None
                case "remove", who:
                    broadcaster.remove(clients[who])
                    listening.pop(who, None)
                case "subscribe", who, notebook_id:
                    broadcaster.subscribe(clients[who], notebook_id)
                    if who in listening:
                        listening[who] = (listening[who] or set()) | {notebook_id}
                case "unsubscribe", who, notebook_id:
                    broadcaster.unsubscribe(clients[who], notebook_id)
                    if listening.get(who) is not None:
                        listening[who] -= {notebook_id}
                case "broadcast", notebook_id:
                    broadcaster.send(event(number, notebook_id))
                    for who, wanted in listening.items():
                        if notebook_id is None or wanted is None or notebook_id in wanted:
                            expected[who].append(number)
                case _:
                    await asyncio.sleep(0)
        broadcaster.flush()
        assert [client.heard() for client in clients] == expected
        assert broadcaster.has_clients() == bool(listening)

    in_a_loop(run)
