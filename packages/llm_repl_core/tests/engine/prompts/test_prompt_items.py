"""Prompts over items: in order, kept whatever becomes of the others, and resumed without paying twice."""

from __future__ import annotations

import threading
import time

import pytest

from llm_repl_core import (
    CellExecutionError,
    CellOutput,
    Delta,
    ItemsProgress,
    ItemsStarted,
    Notebook,
    Provider,
    hookimpl,
)
from llm_repl_core.execution.events import EXCERPT_CHARACTERS
from llm_repl_core.testing.openai_server import Reply

OBJECTS = """
class Row:
    def __init__(self, name):
        self.name = name
    def __str__(self):
        return f"<{self.name}>"
    def __format__(self, spec):
        assert spec in ("", "3")
        return str(self)
rows = [Row("Ann"), Row("Bob"), Row("Cid")]
steps = []
def once():
    for row in rows:
        steps.append(row.name)
        yield row
left = once()
item = "mine"
"""


def over(expression, content="Who is {item}?", code=OBJECTS, **fields):
    notebook = Notebook("Example")
    notebook.add_code(code)
    fields = {"response_var": "said"} | fields
    notebook.add_prompt(content, for_each=expression, **fields)
    return notebook


def prompts(requests):
    return [request.prompt for request in requests]


def stop_after(session, count):
    """Stop it when so many answers are there, from a thread of its own as a client does."""
    seen, threads = [], []

    def listen(event):
        if isinstance(event, CellOutput) and event.output.type == "llm_response":
            seen.append(event)
            if len(seen) == count:
                threads.append(threading.Thread(target=session.interrupt))
                threads[0].start()

    session.live.listen(listen)
    return threads


# Order and items -----------------------------------------------------------------------------


def test_outputs_are_in_the_order_of_the_items(open_at_server, server, play):
    notebook = over("range(8)", "{item}")
    session = open_at_server(notebook)
    server.reply = lambda request: Reply(delay_s=0.02 * (7 - int(request.prompt)))
    events = play(session, concurrency=8)
    cell = notebook.cells[1]
    told = [event.output for event in events if isinstance(event, CellOutput)]
    assert [one.fields["item"] for one in told] == list(range(8))
    assert [one.content for one in cell.outputs] == [str(place) for place in range(8)]
    assert [one.fields["prompt"] for one in cell.outputs] == [str(place) for place in range(8)]
    assert session.state["said"] == session.state["_"] == [str(place) for place in range(8)]
    (started,) = [event for event in events if isinstance(event, ItemsStarted)]
    assert (started.total, started.excerpts) == (8, tuple("01234567"))
    ended = [event for event in events if isinstance(event, ItemsProgress)]
    assert [event.ended for event in ended] == list(range(1, 9))
    assert sorted(event.item for event in ended) == list(range(8)), "each as soon as it can be told"
    assert ended[0].item != 0
    assert all(event.is_asked and event.error is None for event in ended)


def test_how_each_item_ended_is_told(open_at_server, server, play):
    server.reply = lambda request: Reply(text="no number" if "b" in request.prompt else '{"n": 1}')
    notebook = over("['a' * 300, 'b']", "Count {item}", schema="n int")
    events = play(open_at_server(notebook), concurrency=1, stop_on_error=False)
    (started,) = [event for event in events if isinstance(event, ItemsStarted)]
    assert started.excerpts == ("a" * EXCERPT_CHARACTERS, "b")
    one, other = [event for event in events if isinstance(event, ItemsProgress)]
    assert (one.item, one.ename, one.error, one.failed) == (0, None, None, 0)
    assert (other.item, other.ename, other.failed) == (1, "AnswerMisfit", 1)
    assert other.error is not None
    assert "\n" not in other.error


def test_a_long_failure_of_an_item_is_cut_with_a_mark(open_at_server, server, play):
    server.reply = Reply(status=400, error={"message": "No. " * 500})
    notebook = over("['a', 'b']", "Count {item}")
    events = play(open_at_server(notebook), stop_on_error=False)
    [(first, second)] = [
        output.fields["failed_items"]
        for output in notebook.cells[1].outputs
        if "failed_items" in output.fields
    ]
    told = [event.error for event in events if isinstance(event, ItemsProgress)]
    assert [first["item"], second["item"]] == [0, 1]
    for error in (first["error"], *told):
        assert error.endswith("…")
        assert len(error) == 300


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rows", ["Who is <Ann>?", "Who is <Bob>?", "Who is <Cid>?"]),
        ("left", ["Who is <Ann>?", "Who is <Bob>?", "Who is <Cid>?"]),
        ("once()  # all of them", ["Who is <Ann>?", "Who is <Bob>?", "Who is <Cid>?"]),
        ("(row.name for row in rows[:2])", ["Who is Ann?", "Who is Bob?"]),
        ("{'a': 1, 'b': 2}.items()", ["Who is ('a', 1)?", "Who is ('b', 2)?"]),
        ("'xy'", ["Who is x?", "Who is y?"]),
        ("['\\ud800', '{item}']", ["Who is \\ud800?", "Who is {item}?"]),
        ("[\n1,\n2]", ["Who is 1?", "Who is 2?"]),
        ("[]", []),
    ],
)
def test_items_may_be_anything(open_session, kernel, expression, expected):
    notebook = over(expression, model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert session.state["said"] == expected
    assert session.state["item"] == "mine"
    assert notebook.cells[1].status == "completed"
    assert len(notebook.cells[1].outputs) == len(expected)
    # They were read once, and none is left behind.
    if "once" in expression or expression == "left":
        assert session.state["steps"] == ["Ann", "Bob", "Cid"]
    notebook.cells[0].change(content="[name for name in globals() if 'llm_repl' in name]")
    session.run([notebook.cells[0].id])
    assert notebook.cells[0].outputs[0].content == "[]"


def test_fields_of_an_item(open_session, kernel):
    content = "{item.name!r:>8} {item:{len(item.name)}} {len([1 for one in rows if one is item])}"
    notebook = over("rows[:1]", content, model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert session.state["said"] == ["   'Ann' <Ann> 1"]


def test_names_that_shadow_builtins_do_no_harm(open_session, kernel):
    code = "list = len = globals = str = iter = 5\nrows = ['a', 'b']"
    notebook = over("rows", model="mock/echo", code=code)
    session = open_session(notebook, kernel=kernel)
    session.run()
    assert session.state["said"] == ["Who is a?", "Who is b?"]


def test_a_thousand_items(open_session, kernel):
    notebook = over("range(1000)", "{item:04}", model="mock/echo", code="pass")
    session = open_session(notebook, kernel=kernel)
    started = time.monotonic()
    session.run()
    assert session.state["said"] == [f"{place:04}" for place in range(1000)]
    assert [one.fields["item"] for one in notebook.cells[1].outputs] == list(range(1000))
    assert time.monotonic() - started < 20


def test_items_of_many_words(open_session, kernel):
    """More than leaves the kernel as one value."""
    notebook = over("[str(place) * 200_000 for place in range(12)] * 10", model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    session.run()
    said = [output.content for output in notebook.cells[1].outputs]
    assert [len(one) for one in said] == [
        len("Who is ?") + 200_000 * len(str(place)) for place in range(12)
    ] * 10


def test_an_item_in_the_system_text_and_as_an_attachment(open_at_server, server):
    notebook = over(
        "pictures",
        "What is it?",
        code="pictures = [b'\\x89PNG\\r\\n\\x1a\\n' + bytes([n]) * 9 for n in range(3)]\n"
        "same = b'GIF89a' + b'1' * 9",
        system="It has {len(item)} bytes, and ends on {item[-1]}.",
        attachments=["same", "item"],
    )
    session = open_at_server(notebook)
    session.run(concurrency=1)
    for place, request in enumerate(server.requests):
        system, _ = request.body["messages"]
        assert system["content"] == f"It has 17 bytes, and ends on {place}."
        same, own = request.attachments
        assert (same.media_type, own.media_type) == ("image/gif", "image/png")
        assert own.data[-1] == place


# What cannot be used -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("5", "InvalidInput: `for_each`: TypeError: 'int' object is not iterable."),
        ("row", "InvalidInput: `for_each`: NameError: name 'row' is not defined; the state has: "),
        ("rows[", "InvalidInput: `for_each` must be a Python expression such as `rows`, but is `r"),
        ("", "InvalidInput: `for_each` must be a Python expression"),
        ("found = rows", "InvalidInput: `for_each` must be a Python expression"),
        ("rows), steps.append('evil'", "InvalidInput: `for_each` must be a Python expression"),
        ("rows\n)) or (steps.append('evil'", "InvalidInput: `for_each` must be a Python expr"),
        ("*rows", "InvalidInput: `for_each`"),
        ("await once()", "InvalidInput: `for_each`"),
        ("[1 for one in rows if 1 / 0]", "InvalidInput: `for_each`: ZeroDivisionError"),
        ("(" * 500 + "1" + ")" * 500, "InvalidInput: `for_each` must be a Python expression"),
        ("\0", "InvalidInput: `for_each` must be a Python expression"),
    ],
)
def test_what_is_no_expression_of_items_says_so(open_session, kernel, expression, said):
    notebook = over(expression, model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    with pytest.raises(CellExecutionError) as failed:
        session.run()
    assert str(failed.value).startswith(said)
    assert "Traceback" not in str(failed.value)
    assert session.live.ledger.records == ()
    assert session.state["steps"] == []


@pytest.mark.parametrize("expression", ["numbers", "range(100_001)"])
def test_items_without_an_end_are_refused(open_session, kernel, expression):
    code = "import itertools\nnumbers = itertools.count()"
    notebook = over(expression, code=code, model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    with pytest.raises(CellExecutionError, match=r"`for_each`: .* has more than 100,000 items"):
        session.run()
    assert session.live.ledger.records == ()
    assert session.state.keys() == {"numbers"}


@pytest.mark.parametrize("place", [0, 1, 299])
def test_a_template_that_fails_for_one_item_asks_nothing(open_session, kernel, place):
    code = f"values = [1] * 300\nvalues[{place}] = 0\none = 1"
    notebook = over("values", "{one} of {one / item:.2f}", code, model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    with pytest.raises(CellExecutionError) as failed:
        session.run()
    assert str(failed.value).startswith(
        f"InvalidTemplate: Item {place + 1}: `{{one / item:.2f}}` at line"
    )
    assert "ZeroDivisionError" in str(failed.value)
    assert session.live.ledger.records == ()


# Failures and going on -----------------------------------------------------------------------


def test_one_failed_item_does_not_lose_the_rest(open_at_server, server, kernel):
    notebook = over("range(5)", "number {item}")
    session = open_at_server(notebook, kernel=kernel)
    broken = Reply(status=400, error={"message": "No such number."})
    server.reply = lambda request: broken if request.prompt in ("number 1", "number 3") else Reply()
    with pytest.raises(CellExecutionError) as failed:
        session.run()
    assert str(failed.value).startswith("ItemsFailed: 2 of 5 items have no answer")
    assert "(item 2: RequestRejected: " in str(failed.value)
    assert "; item 4: RequestRejected: " in str(failed.value)
    assert "Run the cell again in this session to ask for those only." in str(failed.value)
    expected = ["number 0", None, "number 2", None, "number 4"]
    assert session.state["said"] == session.state["_"] == expected
    cell = notebook.cells[1]
    assert cell.status == "error"
    assert [one.fields.get("item") for one in cell.outputs] == [0, 2, 4, None]
    before = len(server.requests)
    server.reply = Reply()
    session.run()
    assert sorted(prompts(server.requests[before:])) == ["number 1", "number 3"]
    assert cell.status == "completed"
    assert [one.fields["item"] for one in cell.outputs] == list(range(5))
    assert session.state["said"] == [f"number {place}" for place in range(5)]
    # One that is complete is asked for as a whole again.
    before = len(server.requests)
    session.run([cell.id])
    assert len(server.requests) - before == 5


def test_many_failures_are_told_shortly(open_session):
    notebook = over("range(40)", model="mock/fail:request_rejected")
    with pytest.raises(CellExecutionError, match=r"40 of 40 items .*; and 37 more\)"):
        open_session(notebook).run()


def test_a_plugin_that_breaks_at_one_item_does_not_lose_the_rest(open_session, caplog):
    class Broken(Provider):
        name = "broken"
        default_model = "broken"

        def body(self, request):
            if request.messages[-1].content == "Who is 1?":
                raise RuntimeError("not this one")
            return {}

        async def stream(self, request):
            yield Delta(text=request.messages[-1].content, finish_reason="stop")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Broken]

    notebook = over("range(3)", provider="broken")
    session = open_session(notebook, Plugin())
    with pytest.raises(
        CellExecutionError, match=r"item 2: RuntimeError: not this one\)\. Run the cell"
    ):
        session.run()
    assert session.state["said"] == ["Who is 0?", None, "Who is 2?"]
    assert "item 1 failed in the engine" in caplog.text


@pytest.mark.parametrize("first", ["done", "under way"])
def test_a_stop_keeps_what_came_and_going_on_asks_for_the_rest(open_at_server, server, first):
    notebook = over("range(6)", "number {item}")
    session = open_at_server(notebook)
    done = {"number 0", "number 1", "number 4"} if first == "done" else {"number 2", "number 4"}
    server.reply = lambda request: (
        Reply() if request.prompt in done else Reply(pieces=("half ",), stall_after=2)
    )
    if first == "done":
        threads = stop_after(session, 2)
    else:

        def stop():
            limit = time.monotonic() + 20
            while len([one for one in session.live.ledger.records if one.state == "completed"]) < 2:
                assert time.monotonic() < limit
                time.sleep(0.005)
            session.interrupt()

        threads = [threading.Thread(target=stop)]
        threads[0].start()
    with pytest.raises(CellExecutionError):
        session.run()
    threads[0].join(20)
    cell = notebook.cells[1]
    assert cell.status == "interrupted"
    answers = [one for one in cell.outputs if one.type == "llm_response"]
    whole = [one for one in answers if "interrupted" not in one.fields]
    kept = {one.content for one in whole}
    recorded = {one.text for one in session.live.ledger.records if one.state == "completed"}
    assert kept == recorded
    assert kept <= done
    assert len(kept) >= 2
    assert [one.fields["item"] for one in answers] == sorted(one.fields["item"] for one in answers)
    before = len(server.requests)
    server.reply = Reply()
    session.run([cell.id])
    rest = {f"number {place}" for place in range(6)} - kept
    assert sorted(prompts(server.requests[before:])) == sorted(rest)
    assert session.state["said"] == [f"number {place}" for place in range(6)]
    assert cell.status == "completed"


def test_a_stop_while_items_are_made(open_session, kernel, wait_for, tmp_path):
    mark = tmp_path / "mark"
    code = f"""
import pathlib, time
def slowly():
    while True:
        pathlib.Path({str(mark)!r}).touch()
        time.sleep(0.01)
        yield 1
"""
    notebook = over("slowly()", code=code, model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    cell = notebook.cells[1]

    def stop():
        wait_for(mark.exists)
        session.interrupt()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(CellExecutionError):
        session.run()
    thread.join(20)
    assert cell.status == "interrupted"
    assert session.live.ledger.records == ()
    cell.change(for_each="[1, 2]")
    session.run([cell.id])
    assert session.state["said"] == ["Who is 1?", "Who is 2?"]


@pytest.mark.parametrize(
    ("expression", "content"),
    [("press()", "{item}"), ("range(300)", "{press()}"), ("range(3)", "{press()} {item}"), (None, "{press()}")],
)  # fmt: skip
def test_an_interrupt_that_an_expression_raises(open_session, kernel, expression, content):
    code = "pressed = []\ndef press():\n    pressed.append(1)\n    raise KeyboardInterrupt"
    notebook = over(expression, content, code=code, model="mock/echo")
    session = open_session(notebook, kernel=kernel)
    with pytest.raises(
        CellExecutionError, match="raised KeyboardInterrupt, although it was not interrupted"
    ):
        session.run()
    assert notebook.cells[1].status == "error"
    assert session.state["pressed"] == [1]  # nothing is tried again
    assert session.live.ledger.records == ()
