"""Several models, or one several times, asked side by side."""

from __future__ import annotations

import pytest

from llm_repl_core import Conflict, InvalidInput, MemoryLedger, Notebook, Session
from llm_repl_core.engine.answers.asked import AskedModel
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
