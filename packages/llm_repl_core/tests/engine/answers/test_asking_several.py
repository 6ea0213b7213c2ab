"""Several models, or one several times, asked side by side."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from llm_repl_core import (
    Application,
    Conflict,
    Delta,
    InvalidInput,
    MemoryLedger,
    Notebook,
    PluginManager,
    Provider,
    Request,
    Session,
    Settings,
    hookimpl,
)
from llm_repl_core.engine.answers.asked import AskedModel
from llm_repl_core.engine.answers.candidates import Asking
from llm_repl_core.engine.budget import Spending
from llm_repl_core.execution.events import CandidateEnded, CandidateText


def _prompt(**options: object) -> tuple[Notebook, str]:
    notebook = Notebook()
    notebook.add_code("who = 'Ada'")
    prompt = notebook.add_prompt("Hello {who}", model="mock/echo", response_var="said", **options)
    return notebook, prompt.id


def test_several_answer_and_nothing_changes_until_one_is_chosen() -> None:
    notebook, prompt = _prompt()
    ledger = MemoryLedger()
    with Session(notebook, ledger=ledger) as session:
        session.run()
        heard: list[object] = []
        session.live.listen(heard.append)
        echo, other, failed = session.ask(
            prompt, ["mock/echo", "mock", "mock/fail:request_rejected"]
        )
        assert (echo.state, echo.text) == ("completed", "Hello Ada")
        assert other.text.startswith("This is the mock model.")
        assert failed.state == "failed"
        assert failed.error
        assert session.state["said"] == "Hello Ada"
        texts = [
            event.text
            for event in heard
            if isinstance(event, CandidateText) and event.candidate == 1
        ]
        assert "".join(texts) == other.text
        ended = sorted(event.candidate for event in heard if isinstance(event, CandidateEnded))
        assert ended == [0, 1, 2]
        assert other.call_id is not None
        session.use_answer(prompt, other.call_id)
        assert session.state["said"] == other.text
        assert session.answers(prompt).total == 3
        assert {record.state for record in ledger.records} == {"completed", "failed"}


def test_one_several_times_with_other_parameters() -> None:
    notebook, prompt = _prompt()
    with Session(notebook) as session:
        session.run()
        asked = session.ask(prompt, [AskedModel(model="mock/list:a|b|c", temperature=1)], times=3)
        assert sorted(answer.text for answer in asked) == ["a", "b", "c"]
        assert session.answers(prompt).answers[0].temperature == 1


def test_they_are_bound_by_the_budget_and_the_mode() -> None:
    notebook, prompt = _prompt()
    with Session(notebook) as session:
        session.run()
        notebook.metadata["llm_repl"] = {"budget": {"calls": 2}}
        states = [answer.state for answer in session.ask(prompt, times=3)]
        assert sorted(states) == ["completed", "failed", "failed"]
        notebook.metadata["llm_repl"] = {"mode": "replay"}
        with pytest.raises(Conflict, match="replay"):
            session.ask(prompt)


def test_what_cannot_be_asked_is_said() -> None:
    notebook, prompt = _prompt()
    with Session(notebook) as session:
        session.run()
        with pytest.raises(InvalidInput, match="1 to 10"):
            session.ask(prompt, times=11)
        notebook.change(prompt, tools=["add"])
        with pytest.raises(InvalidInput, match="tools"):
            session.ask(prompt)
        notebook.change(prompt, tools=[], for_each="['a', 'b']", content="{item}")
        with pytest.raises(InvalidInput, match="no item 2"):
            session.ask(prompt, item=2)
        [answer] = session.ask(prompt, item=1)
        assert answer.text == "b"


def test_who_asks_can_stop_one_or_all_and_is_told_of_each_once() -> None:
    notebook, prompt = _prompt()
    with Session(notebook) as session:
        session.run()
        heard: list[object] = []
        session.live.listen(heard.append)

        async def whole() -> list[tuple[str, str]]:
            slow = AskedModel(model="mock/echo+delay=60")
            asking = await session.live.answers.ask(prompt, [slow, slow, slow])
            assert session.live.answers.is_asking
            assert session.live.answers.asking(asking.id) is asking
            await asking.stop(1)  # before any of them has begun
            assert [answer.state for answer in asking.answers].count("interrupted") == 1
            assert await session.live.interrupt()
            assert not session.live.answers.is_asking
            await asking.stop()
            return [(answer.state, answer.error or "") for answer in asking.answers]

        assert session.loop.call(whole()) == [("interrupted", "It was stopped.")] * 3
        ended = [event for event in heard if isinstance(event, CandidateEnded)]
        assert sorted(event.candidate for event in ended) == [0, 1, 2]
        assert {event.state for event in ended} == {"interrupted"}
        assert notebook[prompt].outputs[-1].content == "Hello Ada"


def test_a_text_that_is_begun_anew_is_told_and_a_form_is_read() -> None:
    notebook, prompt = _prompt(schema="name, age int")
    notebook.change(prompt, content='{{"name": "Ada", "age": 36}}')
    with Session(notebook) as session:
        session.run()
        [answer] = session.ask(prompt, ["mock/echo"])
        assert answer.value == {"name": "Ada", "age": 36}
        heard: list[object] = []
        session.live.listen(heard.append)
        [failed] = session.ask(prompt, [AskedModel(model="mock/fail:rate_limited+after=2")])
        assert failed.state == "failed"


def test_a_plugin_that_raises_fails_its_own_answer_only() -> None:
    class Raising(Provider):
        name = "raising"
        default_model = "raising"

        async def stream(self, request: Request) -> AsyncIterator[Delta]:
            yield Delta(text="piece ")
            raise ZeroDivisionError("in a plugin")

    class Plugin:
        @hookimpl
        def llm_repl_providers(self) -> list[type[Provider]]:
            return [Raising]

    plugins = PluginManager()
    plugins.register(Plugin(), "plugin")
    notebook, prompt = _prompt()
    application = Application(Settings(call_attempts=1), plugins=plugins)
    with Session(notebook, application=application) as session:
        session.run()
        good, bad = session.ask(prompt, ["mock/echo", "raising/raising"])
        assert (good.state, good.text) == ("completed", "Hello Ada")
        assert bad.state == "failed"
        assert "in a plugin" in (bad.error or "")


def test_a_kernel_is_started_where_the_prompt_needs_one() -> None:
    notebook = Notebook()
    prompt = notebook.add_prompt("{max(1, 2)}", model="mock/echo").id
    with Session(notebook) as session:
        [answer] = session.ask(prompt)
        assert answer.text == "2"
        assert session.kernel.alive


class _Gated(Provider):
    """Answers when its gate is opened."""

    name = "gated"
    default_model = "gated"
    gate: asyncio.Event

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        await self.gate.wait()
        yield Delta(text="late")


class _GatedPlugin:
    @hookimpl
    def llm_repl_providers(self) -> list[type[Provider]]:
        return [_Gated]


@pytest.mark.parametrize("calls", [3, 4])
def test_a_run_beside_them_spends_the_budget_of_the_notebook_together_with_them(calls: int) -> None:
    plugins = PluginManager()
    plugins.register(_GatedPlugin(), "plugin")
    notebook = Notebook()
    for text in ("one", "two", "three"):
        notebook.add_prompt(text, model="mock/echo")
    first, second, _ = notebook.cells
    notebook.metadata["llm_repl"] = {"budget": {"calls": calls}}
    application = Application(Settings(call_attempts=1), plugins=plugins)
    with Session(notebook, application=application) as session:

        async def whole() -> tuple[Asking, str | None]:
            _Gated.gate = asyncio.Event()
            asking = await session.live.answers.ask(first.id, [AskedModel(model="gated/gated")])
            meter = session.live._parts.policies._notebook_meter
            assert meter is not None
            while meter.reserved.calls == 0:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.001)
            _, run = session.live.start()
            if calls == 3:
                # The last one waits, as the one that is asked aside may give back its share.
                while second.status != "completed":  # noqa: ASYNC110  as above
                    await asyncio.sleep(0.001)
                assert not run.done()
                _Gated.gate.set()
            result = await run
            _Gated.gate.set()
            await asking.wait()
            assert meter.reserved == Spending()
            assert meter.spent.calls == calls
            return asking, result.error

        asking, error = session.loop.call(asyncio.wait_for(whole(), 20))
        assert asking.answers[0].text == "late"
        assert [cell.outputs[-1].type for cell in notebook] == [
            *["llm_response"] * 2,
            "error" if calls == 3 else "llm_response",
        ]
        if calls == 3:
            assert error is not None
            assert "budget of 3 calls" in error
        else:
            assert error is None


def test_what_watches_a_budget_is_not_kept_by_it() -> None:
    notebook, prompt = _prompt()
    notebook.metadata["llm_repl"] = {"budget": {"calls": 100}}
    with Session(notebook) as session:
        for _ in range(3):
            session.run()
        gc.collect()
        meter = session.live._parts.policies._notebook_meter
        assert meter is not None
        assert all(watcher() is None for watcher in meter._watchers)
        assert notebook[prompt].status == "completed"
