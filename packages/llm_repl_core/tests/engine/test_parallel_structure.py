"""A run takes its critical path: seen by which calls are under way together, not by the clock."""

from __future__ import annotations

import asyncio

import pytest

from llm_repl_core import CellStarted, Delta, Notebook, Provider, hookimpl

LIMIT_S = 10.0


class Watch:
    """Which calls have begun and ended, in order; and when they may end."""

    def __init__(self):
        self.log = []
        self.under_way = 0
        self.peak = 0
        self.together = 1
        """How many calls must have begun until one may end."""
        self.on_begin = lambda text: None
        self.gates = {}
        """By prompt: what must have begun or ended before it may end."""
        self.changed = None

    def begun(self):
        return [text for what, text in self.log if what == "begin"]

    def ended(self):
        return [text for what, text in self.log if what == "end"]

    def note(self, what, text):
        self.log.append((what, text))
        self.under_way += 1 if what == "begin" else -1
        self.peak = max(self.peak, self.under_way)
        self.changed.set()

    def may_end(self, text):
        needed = self.gates.get(text)
        if needed is not None and needed not in self.log:
            return False
        return len(self.begun()) >= self.together


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def plugin(watch):
    class Watched(Provider):
        name = "watched"
        default_model = "watched"

        async def stream(self, request):
            text = request.messages[-1].content
            watch.changed = watch.changed or asyncio.Event()
            watch.note("begin", text)
            watch.on_begin(text)
            try:
                async with asyncio.timeout(LIMIT_S):
                    while not watch.may_end(text):
                        watch.changed.clear()
                        await watch.changed.wait()
                yield Delta(text=f"<{text}>")
            finally:
                watch.note("end", text)

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Watched]

    return Plugin()


@pytest.fixture
def session_of(open_session, plugin):
    """A session of a notebook; a text is a code cell, a pair a prompt and its variable."""

    def open_it(*cells, **settings):
        notebook = Notebook()
        notebook.metadata["llm_repl"] = {"provider": "watched"}
        for cell in cells:
            if isinstance(cell, str):
                notebook.add_code(cell)
            else:
                text, variable, *fields = cell
                notebook.add_prompt(text, response_var=variable, **(fields or [{}])[0])
        return open_session(notebook, plugin, **settings)

    return open_it


def test_independent_prompts_all_begin_before_the_first_ends(session_of, watch):
    watch.together = 32
    session = session_of(*[(f"number {place}", f"p{place}") for place in range(32)])
    session.run(concurrency=32)
    assert watch.peak == 32
    assert [one.outputs[0].content for one in session.notebook] == [
        f"<number {place}>" for place in range(32)
    ]


def test_with_eight_allowed_there_are_never_more_under_way(session_of, watch):
    session = session_of(*[(f"number {place}", f"p{place}") for place in range(32)])
    watch.together = 8
    session.run(concurrency=8)
    assert watch.peak == 8
    assert watch.begun() == [f"number {place}" for place in range(32)]


def test_the_first_wave_of_eight_ends_before_the_second_begins(session_of, watch):
    # Each call ends when its whole wave has begun: as many waves as there are eights.
    session = session_of(*[(f"number {place}", f"p{place}") for place in range(32)])
    for place in range(32):
        watch.gates[f"number {place}"] = ("begin", f"number {place // 8 * 8 + 7}")
    session.run(concurrency=8)
    for wave in range(1, 4):
        first = watch.log.index(("begin", f"number {wave * 8}"))
        assert any(what == "end" for what, _ in watch.log[:first])
    assert watch.peak == 8


def test_without_parallel_one_ends_before_the_next_begins(session_of, watch):
    session = session_of(*[(f"number {place}", None) for place in range(4)])
    session.run(parallel=False)
    assert watch.peak == 1


def test_a_chain_goes_one_by_one(session_of, watch):
    session = session_of(
        ("a", "p0"), *[(f"{{p{place}}}", f"p{place + 1}") for place in range(5)], "p5"
    )
    session.run()
    assert watch.peak == 1
    assert session.notebook.cells[-1].outputs[0].content == "'<<<<<<a>>>>>>'"


def test_pairs_of_a_prompt_and_code_that_reads_it_run_side_by_side(session_of, watch):
    cells = []
    for place in range(8):
        cells += [(f"number {place}", f"p{place}"), f"read_{place} = p{place}"]
    watch.together = 8
    session = session_of(*cells, kernel="worker")
    session.run()
    assert watch.peak == 8
    assert session.state["read_7"] == "<number 7>"


def test_two_chains_run_side_by_side(session_of, watch):
    watch.gates = {
        "a": ("begin", "b"),
        "b": ("begin", "a"),
        "<a>": ("begin", "<b>"),
        "<b>": ("begin", "<a>"),
    }
    session = session_of(("a", "p"), ("{p}", "q"), ("b", "r"), ("{r}", "s"), kernel="worker")
    session.run()
    assert watch.peak == 2


@pytest.mark.parametrize(
    "barrier", ["x = sorted(globals())", "exec('x = 1')", "eval('1')", "x = locals()", "show(1)"]
)
def test_code_that_may_use_any_answer_waits_for_all_above(session_of, watch, barrier):
    watch.together = 2
    session = session_of(("a", "p"), ("b", "q"), barrier, ("c", "r"))
    session.assign({"show": print})
    session.live.plain_names.clear()  # as if nobody knew where it is from
    ended_before = {}

    def listen(event):
        if isinstance(event, CellStarted):
            ended_before[event.cell_id] = sorted(watch.ended())

    session.live.listen(listen)
    session.run()
    [_, _, code, last] = session.notebook.cells
    assert {"a", "b"} <= set(ended_before[code.id])
    assert set(ended_before[code.id]) <= set(ended_before[last.id])


def test_code_below_an_unrelated_prompt_does_not_wait(session_of, watch):
    # The prompt cannot end before the second one has begun, which needs what the code sets.
    watch.gates["a"] = ("begin", "it is 3")
    session = session_of(("a", "p"), "x = 1", "y = x + 2", ("it is {y}", "q"), "len(p), len(q)")
    session.run()
    assert session.notebook.cells[-1].outputs[0].content == "(3, 9)"


def test_a_prompt_does_not_wait_for_slow_code_above_that_it_has_nothing_to_do_with(
    session_of, watch, tmp_path
):
    # The code ends when the call has begun; it would not, if the prompt waited for it.
    sign = tmp_path / "begun"
    session = session_of(
        f"import pathlib, time\nlimit = time.monotonic() + {LIMIT_S}\nsign = pathlib.Path({str(sign)!r})\n"
        "while not sign.exists() and time.monotonic() < limit: time.sleep(0.001)\n"
        "begun = sign.exists()",
        ("a", "p"),
        kernel="worker",
    )
    watch.on_begin = lambda _text: sign.touch()
    session.run()
    assert session.state["begun"] is True


def test_a_prompt_that_reads_a_variable_that_code_below_changes_goes_first(session_of, watch):
    session = session_of("x = [1]", ("a", "p"), ("{p} {x}", "q"), "x.append(2)", ("{x}", "r"))
    session.run()
    assert [session.state[name] for name in "qr"] == ["<<a> [1]>", "<[1, 2]>"]


def test_the_lower_of_two_prompts_with_one_variable_wins_whichever_ends_first(session_of, watch):
    watch.gates["a"] = ("end", "b")
    session = session_of(("a", "p"), ("b", "p"), "p, _")
    session.run()
    assert watch.ended() == ["b", "a"]
    assert session.state["p"] == "<b>"
    assert session.notebook.cells[-1].outputs[0].content == "('<b>', '<b>')"


def test_the_last_answer_is_that_of_the_lowest_prompt(session_of, watch):
    watch.gates["a"] = ("end", "b")
    session = session_of(("a", "p"), ("b", "q"), ("{_}", "r"))
    session.run()
    assert session.state["r"] == "<<b>>"


def test_items_go_side_by_side_and_come_in_their_order(session_of, watch):
    watch.together = 4
    watch.gates = {"number 0": ("end", "number 3")}
    session = session_of(("number {item}", "p", {"for_each": "range(4)"}), "p")
    session.run()
    assert watch.peak == 4
    assert session.state["p"] == [f"<number {place}>" for place in range(4)]


def test_a_prompt_with_the_context_above_waits_for_the_answers_above(session_of, watch):
    watch.together = 2
    session = session_of(("a", "p"), ("b", "q"), ("c", "r", {"context": "above"}))
    session.run()
    assert watch.log[-2:] == [("begin", "c"), ("end", "c")]


def test_the_numbers_of_cells_are_those_of_document_order(session_of, watch):
    watch.gates["a"] = ("begin", "b")
    session = session_of(("a", "p"), "x = 1", ("b", "q"), "p")
    session.run()
    assert [cell.execution_count for cell in session.notebook] == [0, 1, 1, 2]
