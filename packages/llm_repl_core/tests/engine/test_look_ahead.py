"""Prompts that are sent ahead count only where they ask, at their place, the same."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from llm_repl_core import (
    Budget,
    CellExecutionError,
    Delta,
    Notebook,
    Provider,
    hookimpl,
)
from llm_repl_core.dataflow.drawings import draw_text
from llm_repl_core.engine import look_ahead, plan, run
from llm_repl_core.kernels.worker import WorkerKernel

LIMIT_S = 10.0
SLOW = "slow"
OURS = "import types\nours = types.SimpleNamespace(limit=1)"


class Asked:
    """What was asked, in order, and when a slow prompt may end."""

    def __init__(self):
        self.texts = []
        self.changed = asyncio.Event()
        self.ended = []
        self.on_begin = lambda text: None
        self.ends_after = 2
        """How many calls must have begun until a slow one ends."""


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def session_of(open_session, asked, monkeypatch):
    # As long as it takes on a busy machine.
    monkeypatch.setattr(look_ahead, "_RENDER_LIMIT_S", LIMIT_S)
    init = WorkerKernel.__init__
    monkeypatch.setattr(
        WorkerKernel,
        "__init__",
        lambda *given, **options: init(*given, **{"fork_limit_s": LIMIT_S} | options),
    )

    class Watched(Provider):
        name = "watched"
        default_model = "watched"

        async def stream(self, request):
            last = request.messages[-1]
            held = [attachment.data for attachment in last.attachments]
            asked.texts.append(last.content if not held else (last.content, *held))
            asked.changed.set()
            asked.on_begin(last.content)
            try:
                async with asyncio.timeout(LIMIT_S):
                    while last.content.startswith(SLOW) and len(asked.texts) < asked.ends_after:
                        asked.changed.clear()
                        await asked.changed.wait()
                yield Delta(text=f"<{last.content}>")
            finally:
                asked.ended.append(last.content)

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Watched]

    def open_it(*cells, kernel="worker", **settings):
        notebook = Notebook()
        notebook.metadata["llm_repl"] = {"provider": "watched"}
        for cell in cells:
            if isinstance(cell, str):
                notebook.add_code(cell)
            else:
                text, variable, *fields = cell
                notebook.add_prompt(text, response_var=variable, **(fields or [{}])[0])
        return open_session(notebook, Plugin(), kernel=kernel, **settings)

    return open_it


def calls(session):
    """The calls on record: state, text of the answer, error."""
    ledger = session.live.ledger

    async def every():
        return [
            (record.state, record.request["messages"][-1]["content"]) for record in ledger.records
        ]

    return session.loop.call(every())


def in_the_way(session):
    """Who was in the way of whom, as the graph says."""
    edges = session.dependencies.graph().edges
    return [(edge.source, edge.target) for edge in edges if edge.kind == "in_the_way"]


def test_what_is_the_same_at_its_place_is_not_asked_again(session_of, asked):
    session = session_of((SLOW, "a"), "seen = a", ("second", "b"), "both = a + b")
    session.run()
    assert asked.texts == [SLOW, "second"]
    assert session.state["both"] == "<slow><second>"
    assert calls(session) == [("completed", SLOW), ("completed", "second")]


@pytest.fixture
def wrong_predictions(monkeypatch):
    """Nothing is thought to change what a prompt asks but what binds its variables."""
    monkeypatch.setattr(
        plan, "may_disturb", lambda above, below: not above.writes.isdisjoint(below.reads)
    )


@pytest.mark.usefixtures("wrong_predictions")
def test_what_is_not_the_same_is_superseded_and_asked_at_its_place(session_of, asked):
    session = session_of(
        OURS,
        (SLOW, "a"),
        "seen = a\nours.limit += 1",
        ("limit {ours.limit}", "b"),
        "b",
    )
    session.run()
    assert asked.texts == [SLOW, "limit 1", "limit 2"]
    assert session.state["b"] == "<limit 2>"
    assert calls(session) == [
        ("completed", SLOW),
        ("superseded", "limit 1"),
        ("completed", "limit 2"),
    ]
    [_, _, between, prompt, _] = session.notebook.cells
    assert (between.id, prompt.id) in in_the_way(session)
    between.content = "ours.limit += 1"
    assert (between.id, prompt.id) not in in_the_way(session)


@pytest.mark.usefixtures("wrong_predictions")
def test_who_was_in_the_way_is_drawn_and_changes_nothing_that_runs(session_of):
    session = session_of(OURS, (SLOW, "a"), "seen = a\nours.limit += 1", ("{ours.limit}", "b"))
    dependencies = session.dependencies
    [_, _, between, prompt] = session.notebook.cells
    needs = dependencies.upstream(prompt.id)
    session.run()
    assert dependencies.upstream(prompt.id) == needs
    assert "   ← 3 (ours, was in the way)\n" in draw_text(dependencies.graph())
    # Not the cell that had run before the copy was made, and not the prompt, which only asked.
    assert in_the_way(session) == [(between.id, prompt.id)]
    # Where it stands below, it cannot be in the way any more.
    session.notebook.move(between.id, 3)
    assert in_the_way(session) == []


@pytest.mark.usefixtures("wrong_predictions")
def test_a_prompt_whose_template_changed_what_is_asked_was_in_the_way(session_of, asked):
    session = session_of(
        OURS,
        (SLOW, "a"),
        ("{a} {setattr(ours, 'limit', 2)}", "b"),
        ("limit {ours.limit}", "c"),
    )
    session.run()
    assert asked.texts[1] == "limit 1"
    assert session.state["c"] == "<limit 2>"
    [*_, changes, prompt] = session.notebook.cells
    assert in_the_way(session) == [(changes.id, prompt.id)]


@pytest.mark.usefixtures("wrong_predictions")
def test_a_pair_that_was_wrong_is_not_tried_again_until_it_is_edited(session_of, asked):
    session = session_of(
        OURS,
        (SLOW, "a"),
        "seen = a\nours.limit += 1",
        ("limit {ours.limit}", "b"),
        "b",
    )
    session.run()
    asked.texts.clear()
    asked.ends_after = 1
    session.run()
    assert asked.texts == [SLOW, "limit 2"]
    session.notebook.cells[2].content += "  # edited"
    asked.texts.clear()
    asked.ends_after = 2
    session.run()
    assert asked.texts == [SLOW, "limit 1", "limit 2"]


@pytest.mark.usefixtures("wrong_predictions")
@pytest.mark.parametrize("held", ["policy", "end"])
def test_a_copy_that_is_made_while_an_older_one_is_given_up_is_used(
    session_of, asked, monkeypatch, held
):
    renewed = asyncio.Event()

    async def hold():
        async with asyncio.timeout(LIMIT_S):
            await renewed.wait()

    class HeldPolicy:
        def __init__(self, policy):
            self._policy = policy

        async def get(self):
            if held == "policy":
                await hold()
            return await self._policy.get()

    class HeldLookAhead(look_ahead.LookAhead):
        def __init__(self, plan, session, parts, *, is_on):
            parts = structs.replace(parts, policy=HeldPolicy(parts.policy))
            super().__init__(plan, session, parts, is_on=is_on)

    class HeldCopies(look_ahead.StateCopies):
        _looked = False

        async def renew(self, *given):
            is_second = self._looked
            self._looked = True
            await super().renew(*given)
            if is_second:
                asyncio.get_running_loop().call_soon(renewed.set)

        async def close(self):
            is_held = held == "end" and self.current is not None
            await super().close()
            if is_held:
                await hold()

    monkeypatch.setattr(run, "LookAhead", HeldLookAhead)
    monkeypatch.setattr(look_ahead, "StateCopies", HeldCopies)
    # The copy that is made before the first cell is of no use for the second prompt.
    session = session_of("ours = 1", (SLOW, "a"), "seen = a", ("limit {ours}", "b"), "b")
    session.run()
    assert asked.texts == [SLOW, "limit 1"]
    assert calls(session) == [("completed", SLOW), ("completed", "limit 1")]


def test_after_three_in_vain_a_run_goes_on_in_order(session_of, asked):
    cells = [OURS]
    for number in range(6):
        cells += [
            (f"{SLOW} {number}", f"a{number}"),
            f"seen = a{number}\nours.limit += 1",
            (f"limit {number} {{ours.limit}}", f"b{number}"),
        ]
    asked.ends_after = 0
    session = session_of(*cells, "b5")
    session.run()
    assert session.state["b5"] == "<limit 5 7>"
    superseded = [text for state, text in calls(session) if state == "superseded"]
    assert len(superseded) <= 3 + 6  # those that were under way when the third was seen
    answered = [text for state, text in calls(session) if state == "completed"]
    assert sorted(answered) == sorted(
        [f"{SLOW} {number}" for number in range(6)]
        + [f"limit {number} {number + 2}" for number in range(6)]
    )


def test_a_chain_takes_no_longer_than_itself_beside_code(session_of, asked, tmp_path):
    sign = tmp_path / "third"
    session = session_of(
        ("one", "a"),
        f"import pathlib, time\nlimit = time.monotonic() + {LIMIT_S}\nsign = pathlib.Path({str(sign)!r})\n"
        "while not sign.exists() and time.monotonic() < limit: time.sleep(0.001)\n"
        "begun = sign.exists()",
        ("two {a}", "b"),
        ("three {b}", "c"),
    )

    asked.on_begin = lambda text: text.startswith("three") and sign.touch()
    session.run()
    assert session.state["begun"] is True
    assert session.state["c"] == "<three <two <one>>>"
    assert asked.texts == ["one", "two <one>", "three <two <one>>"]


def test_looking_ahead_uses_nothing_up(session_of, asked):
    session = session_of(
        "import itertools\nids = itertools.count(1)",
        (SLOW, "a"),
        "seen = a",
        ("number {next(ids)}", "b"),
        "last = next(ids)",
    )
    asked.ends_after = 0
    session.run()
    assert session.state["b"] == "<number 1>"
    assert session.state["last"] == 2


def test_a_failed_cell_closes_what_ran_ahead_below_it(session_of, asked):
    session = session_of((SLOW, "a"), "seen = a\n1 / 0", (f"{SLOW} second", "b"), "b")
    asked.ends_after = 2
    with pytest.raises(CellExecutionError):
        session.run()
    [_, _, prompt, last] = session.notebook.cells
    assert (prompt.status, prompt.outputs, last.status) == ("idle", [], "idle")
    assert ("superseded", f"{SLOW} second") in calls(session)
    assert sorted(asked.ended) == sorted(asked.texts), "a connection is still open"
    assert "b" not in session.state


def test_without_speculation_nothing_is_sent_ahead(session_of, asked):
    cells = ((SLOW, "a"), "seen = a", ("second", "b"), "b")
    asked.ends_after = 1
    order = []
    for where in ("run", "notebook", "settings"):
        asked.texts.clear()
        session = session_of(*cells, **({"speculate": False} if where == "settings" else {}))
        if where == "notebook":
            session.notebook.metadata["llm_repl"]["speculate"] = False
        order.clear()
        session.live.listen(lambda event: order.append((type(event).__name__, len(asked.texts))))
        session.run(**({"speculate": False} if where == "run" else {}))
        started = [count for name, count in order if name == "CellStarted"]
        assert started == [0, 1, 1, 2], where


def test_a_prompt_that_is_edited_meanwhile_asks_what_it_says_then(session_of, asked):
    session = session_of((SLOW, "a"), "seen = a", ("second", "b"), "b")

    def edit(event):
        if type(event).__name__ == "CellStarted" and event.cell_id == session.notebook.cells[1].id:
            session.notebook.cells[2].content = "edited"

    session.live.listen(edit)
    session.run()
    assert session.state["b"] == "<edited>"
    assert [text for state, text in calls(session) if state == "completed"] == [SLOW, "edited"]


def test_a_budget_bears_all_else_before_anything_is_sent_ahead(session_of, asked):
    cells = ((SLOW, "a"), "seen = a", ("second", "b"), "b")
    asked.ends_after = 1
    session = session_of(*cells)
    begun = []
    session.live.listen(
        lambda event: (
            begun.append(len(asked.texts)) if type(event).__name__ == "CellStarted" else None
        )
    )
    session.run(budget=Budget(calls=2))
    assert begun == [0, 1, 1, 2], "it was sent ahead although the budget was tight"
    assert session.state["b"] == "<second>"


def test_an_attached_figure_is_sent_as_it_is_at_its_place(session_of, asked):
    pytest.importorskip("matplotlib")
    session = session_of(
        "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
        "fig, ax = plt.subplots(figsize=(1, 1))",
        (SLOW, "a"),
        "t = plt.title(a)",
        ("look", "b", {"attachments": ["fig"]}),
        "b",
    )
    asked.ends_after = 1
    session.run()
    in_parallel = asked.texts[-1]
    asked.texts.clear()
    session.restart()
    session.run(parallel=False)
    assert asked.texts[-1] == in_parallel


def test_items_are_sent_ahead_each_for_itself(session_of, asked):
    asked.ends_after = 4
    session = session_of(
        "xs = ['x', 'y', 'z']",
        (SLOW, "a"),
        "seen = a",
        ("item {item}", "b", {"for_each": "xs"}),
        ("all {b}", "c"),
        "c",
    )
    session.run()
    assert sorted(asked.texts[:4]) == ["item x", "item y", "item z", SLOW]
    assert session.state["b"] == ["<item x>", "<item y>", "<item z>"]
    assert len(asked.texts) == 5
