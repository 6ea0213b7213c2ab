"""When answers may leave: behind the events of what they tell."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from llm_repl_core import StorageError
from llm_repl_core.engine.loop import EngineLoop
from llm_repl_server.services.event_publisher import EventPublisher
from llm_repl_server.services.wire_events import KernelRestarted

LIMIT_S = 30.0
EVENT = KernelRestarted(notebook_id="a")


class Listener:
    """Keeps events back, as one does that sends those of a turn together, until it is to flush."""

    def __init__(self):
        self.kept, self.sent = [], []
        self.listening = True

    def has_clients(self):
        return self.listening

    def send(self, event):
        self.kept.append(event.sequence)

    def flush(self):
        self.sent += self.kept
        self.kept = []


class Publishing:
    def __init__(self, loop):
        self.loop = loop
        self.listener = Listener()
        self.publisher = EventPublisher(loop.loop)
        self.publisher.add_listener(self.listener)

    def publish(self, *writes):
        async def in_loop():
            for write in writes:
                self.publisher.publish(EVENT, write)

        self.loop.call(in_loop(), LIMIT_S)


@pytest.fixture
def publishing():
    with EngineLoop() as loop:
        yield Publishing(loop)


def test_who_waits_goes_on_when_all_before_has_left(publishing):
    writes = [Future(), Future()]
    publishing.publish(None, writes[0], None, writes[1])
    left = []

    def wait():
        publishing.publisher.wait_until_left(LIMIT_S)
        left.extend(publishing.listener.sent)

    waiting = threading.Thread(target=wait)
    waiting.start()
    writes[0].set_result(None)
    writes[1].set_exception(StorageError("The disk is full."))  # which is told in its place
    waiting.join(LIMIT_S)
    assert left == [1, 2, 3, 4]


def test_nobody_waits_for_what_nobody_hears_or_what_has_left(publishing):
    publishing.publish(None)
    publishing.publisher.wait_until_left(LIMIT_S)
    publishing.listener.listening = False
    publishing.publish(Future())
    is_busy, may_end = threading.Event(), threading.Event()

    def block():
        is_busy.set()
        may_end.wait(LIMIT_S)

    publishing.loop.loop.call_soon_threadsafe(block)
    assert is_busy.wait(LIMIT_S)
    publishing.publisher.wait_until_left(LIMIT_S)  # the loop could not say a word
    assert not may_end.is_set()
    may_end.set()


def test_what_is_held_up_holds_nobody_up_for_long(publishing):
    publishing.publish(Future())
    publishing.publisher.wait_until_left(0.01)
    assert publishing.listener.sent == []


def test_a_listener_that_fails_holds_nobody_up(publishing, monkeypatch, caplog):
    def fail():
        raise RuntimeError("no connection")

    monkeypatch.setattr(publishing.listener, "flush", fail)
    publishing.publish(None)
    publishing.publisher.wait_until_left(LIMIT_S)
    assert "events could not be sent" in caplog.text


def test_after_the_end_nobody_waits():
    with EngineLoop() as loop:
        publishing = Publishing(loop)
        publishing.publish(Future())
    publishing.publisher.wait_until_left(LIMIT_S)
