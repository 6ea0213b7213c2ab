"""A server's notebook in a terminal: real server, real websocket, two who work on it."""

from __future__ import annotations

import queue
import random
import signal

import pytest

from llm_repl_core import CellFailed, Conflict, InvalidInput, NotFound, RunFailed
from llm_repl_server.repl.attached import followed_run
from llm_repl_server.repl.attached.address import ServerAddress
from llm_repl_server.repl.attached.joining import attach
from llm_repl_server.repl.attached.rest import ServerUnreachable
from llm_repl_server.repl.target import RunChoice


@pytest.fixture
def join():
    """Attach to notebooks, and leave them."""
    targets = []

    def join(server, path, token=None):
        targets.append(attach(ServerAddress(server.url, path.rpartition("/")[2]), token))
        return targets[-1]

    yield join
    for target in targets:
        target.close()


def run(target, *cells):
    choice = RunChoice(cell_ids=tuple(cell.id for cell in cells)) if cells else RunChoice()
    return [type(event).__name__ for event in target.run(choice)]


def heard_by(target):
    heard = queue.SimpleQueue()
    target.follow(heard.put)
    return lambda: heard.get(timeout=30)


def test_what_one_does_the_other_one_hears(server, join, until):
    path, _ = server.new_notebook()
    here, there = join(server, path), join(server, path)
    news_here, news_there = heard_by(here), heard_by(there)
    code = here.add("code", "x = [3, 4]\nx")
    assert news_there().text == "Somebody has added cell 1: x = [3, 4] x"
    names = run(here, code)
    assert (names[0], names[-1], names.count("CellCompleted")) == ("RunStarted", "RunCompleted", 1)
    ran = news_there()
    assert (ran.text, ran.cell_id) == ("Somebody has run cell 1: x = [3, 4] x", code.id)
    assert [cell.outputs[0].content for cell in there.cells()] == ["[3, 4]"]

    prompt = there.add("prompt", "Say {x}", response_var="said", model="mock/echo")
    assert news_here().text.startswith("Somebody has added cell 2")
    assert "CellText" in run(there, prompt)
    assert news_here().cell_id == prompt.id
    (answer,) = here.cells()[1].outputs
    assert answer.content == "Say [3, 4]"
    assert here.price_of(answer) == 0
    with pytest.raises(Conflict, match="Cell 1 has no answer"):
        here.remember(code.id)
    there.remember(prompt.id)
    last = there.add("code", "_, _.upper()")
    run(there, last)
    assert last.id in [cell.id for cell in here.cells()]
    assert there.cells()[2].outputs[0].content == "('Say [3, 4]', 'SAY [3, 4]')"
    there.delete(last.id)
    for _ in range(3):  # that it was added, was run, and is deleted
        news_here()
    assert {variable.name for variable in here.variables().variables} == {"x", "said"}
    assert here.kernel_state() == "idle"

    here.change(code.id, content="x = 5")
    assert news_there().text == "Somebody has changed cell 1: x = 5"
    until(lambda: there.cells()[1].stale, "the prompt is stale")
    assert here.undo() == "cell 1 was changed"
    news_there()
    here.move(code.id, 1)
    assert news_there().text == "Somebody has moved cell 2: x = [3, 4] x"
    here.delete(code.id)
    assert news_there().text == "Somebody has deleted a cell."
    assert [cell.id for cell in there.cells()] == [prompt.id]
    assert here.undo() == "cell 2 was deleted"
    assert news_there().text.startswith("Somebody has added cell 2")
    assert [cell.id for cell in there.cells()] == [prompt.id, code.id]
    here.prefer("model", "mock/echo")
    until(lambda: there.preference("model") == "mock/echo", "the preference is there")
    with pytest.raises(InvalidInput, match="must be text"):
        here.prefer("model", 3)
    there.restart()
    assert news_here().text.startswith("Somebody has restarted the kernel")


def test_looking_costs_nothing_and_says_the_same_as_the_server(server, join, tmp_path):
    path, _ = server.new_notebook("x = [1, 2]")
    target = join(server, path)
    prompt = target.add("prompt", "Of {x}", model="mock/echo")
    run(target)
    assert [message.content for message in target.preview(prompt.id).messages][-1] == "Of [1, 2]"
    draft = target.preview_line("And {x}, {y}", context="isolated")
    assert [message.content for message in draft.messages] == ["And [1, 2], {y}"]
    assert target.plan(RunChoice()).way.calls == 1
    assert target.plan(RunChoice(only_stale=True)).cells == ()
    assert [match.text for match in target.complete("x.app", 5).matches] == ["append"]
    assert target.inspect("x", 1).text == "[1, 2]"
    run(target, prompt)
    page = target.answers(prompt.id)
    assert [version.number for version in page.answers] == [2, 1]
    target.use_answer(prompt.id, page.answers[1].id)
    assert target.answers(prompt.id).in_use == page.answers[1].id
    assert target.answer(prompt.id, page.answers[0].id).text == "Of [1, 2]"
    assert [call.model for call in target.calls(5)] == ["echo", "echo"]
    assert next(variable for _, variable in target.needs(prompt.id)) == "x"
    assert "[prompt]" in target.draw_graph()
    assert target.spending() == (None, 0.0)
    assert target.model() in target.model_names()
    copy = tmp_path / "copy.ipynb"
    assert target.save(str(copy)) == str(copy)
    with pytest.raises(InvalidInput, match="there already"):
        target.save(str(copy))
    assert server.url in target.place
    with pytest.raises(Conflict, match="Somebody else"):
        target.approve("nothing", approved=True)
    each = target.add("prompt", "Item {item}", model="mock/echo", for_each="x")
    for _ in range(2):
        run(target, each)
    first = target.answers(each.id, 1).answers[-1].id
    target.use_answer(each.id, first, 1)
    assert target.answers(each.id, 1).in_use == first


def test_stopping_from_elsewhere_ends_the_events(server, join):
    path, _ = server.new_notebook("import time\nprint(1, flush=True)\ntime.sleep(60)")
    here, there = join(server, path), join(server, path)
    events = here.run(RunChoice())
    ends = []
    for event in events:
        if type(event).__name__ == "CellOutput":
            there.stop()
        ends.append(event)
    assert isinstance(ends[-1], RunFailed)
    assert ends[-1].interrupted
    assert any(isinstance(event, CellFailed) and event.interrupted for event in ends)


def test_events_that_come_in_another_order_are_taken_in_theirs(server, join, until):
    """The library hands each message to a thread of its own."""
    path, cells = server.new_notebook("for n in range(50): print(n, flush=True)")
    target = join(server, path)
    mirror = target._mirror
    take, held, begun = mirror._take, [], mirror._sequence
    mirror._socket.on("*", lambda name, payload=None: held.append((name, payload)))
    status, _ = server("POST", f"{cells[0]}/execute")
    assert status == 200

    def whole():
        events = [*held]
        numbers = sorted(payload["sequence"] for _, payload in events)
        is_without_gap = numbers == [*range(begun + 1, begun + 1 + len(numbers))]
        return events if is_without_gap and "run_ended" in [name for name, _ in events] else None

    events = until(whole, "all events are here")
    with mirror.listening() as inbox:
        random.Random(1).shuffle(events)
        for name, payload in events:
            take(name, payload)
        taken = []
        while not inbox.empty():
            taken.append(inbox.get().payload.get("sequence"))
    numbers = [number for number in taken if number is not None]  # of the notebook's events
    assert numbers == sorted(numbers)
    assert len(numbers) == len(events)
    assert target.cells()[0].outputs[0].content.split() == [str(n) for n in range(50)]


def test_a_server_that_dies_and_comes_back(start_server, join, monkeypatch, until):
    monkeypatch.setattr(followed_run, "GONE_LIMIT_S", 2.0)
    first = start_server()
    path, _ = first.new_notebook("import time\nprint(1, flush=True)\ntime.sleep(60)")
    target = join(first, path)
    news = heard_by(target)

    def run_until_it_is_killed():
        for event in target.run(RunChoice()):
            if type(event).__name__ == "CellOutput":
                first.kill()

    with pytest.raises(ServerUnreachable, match="does not answer any more"):
        run_until_it_is_killed()
    assert news().text == "The server does not answer; it is tried again."
    assert target.kernel_state() == "away"
    with pytest.raises(ServerUnreachable, match="does not answer"):
        target.add("code", "1")
    start_server("--port", str(first.port))
    assert news().text == "The server is back, and the notebook was read again."
    until(lambda: target.kernel_state() == "off", "it is connected")
    assert run(target, target.add("code", "print('again')"))[-1] == "RunCompleted"


def test_a_run_whose_server_was_restarted_ends(start_server, join):
    first = start_server()
    path, _ = first.new_notebook("import time\nprint(1, flush=True)\ntime.sleep(60)")
    target = join(first, path)
    ends = []
    for event in target.run(RunChoice()):
        ends.append(event)
        if type(event).__name__ == "CellOutput":
            first.process.send_signal(signal.SIGKILL)
            first.kill()
            start_server("--port", str(first.port))
    assert isinstance(ends[-1], RunFailed)
    assert ends[-1].interrupted


def test_who_is_meant(server, join):
    path, _ = server.new_notebook()
    with pytest.raises(InvalidInput, match="has no notebook `none`: it has `Test`"):
        join(server, "none")
    server.new_notebook()
    with pytest.raises(InvalidInput, match="Say which notebook"):
        attach(ServerAddress(server.url), None)
    assert join(server, path).name == "Test"
    with pytest.raises(
        ServerUnreachable, match=r"not answer: [^\[]*\. `llm-repl serve` starts one.$"
    ):
        attach(ServerAddress("http://127.0.0.1:9"), None)
    with pytest.raises(NotFound, match=r"There is no LLM-REPL server at .*/none: give the address"):
        attach(ServerAddress(f"{server.url}/none"), None)
