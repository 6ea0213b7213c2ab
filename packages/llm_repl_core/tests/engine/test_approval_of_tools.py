"""Tools of a prompt within a run: asked for, agreed to or not, and their limits."""

from __future__ import annotations

import asyncio
import threading

import pytest

from llm_repl_core import CellExecutionError, Notebook, NotFound, ToolApprovalNeeded

CODE = "asked = []\ndef add(n: int = 1):\n    'Add.'\n    asked.append(n)\n    return n + 1"


def notebook_with(model, **fields):
    notebook = Notebook()
    notebook.add_code(CODE)
    notebook.add_prompt("go", model=model, tools=["add"], response_var="said", **fields)
    return notebook


def answering(session, *decisions):
    """Answer each question, in a thread of its own as a client does."""
    remaining = list(decisions)
    threads, questions = [], []

    def listen(event):
        if isinstance(event, ToolApprovalNeeded):
            questions.append(event)
            approved = remaining.pop(0)
            thread = threading.Thread(
                target=session.approve, args=(event.call_id,), kwargs={"approved": approved}
            )
            threads.append(thread)
            thread.start()

    session.live.listen(listen)
    return questions, threads


@pytest.mark.parametrize("approved", [True, False])
def test_a_tool_is_called_once_somebody_agrees(open_session, play, kernel, approved):
    notebook = notebook_with('mock/call:add {"n": 4}', approve_tools=True)
    session = open_session(notebook, kernel=kernel)
    questions, threads = answering(session, approved)
    play(session)
    for thread in threads:
        thread.join(20)
    [question] = questions
    assert (question.name, question.arguments) == ("add", '{"n": 4}')
    assert session.state["asked"] == ([4] if approved else [])
    [call, answer] = notebook.cells[1].outputs
    assert call.type == "tool_call"
    assert call.fields["failed"] is not approved
    assert call.fields["result"] == ("5" if approved else "The user did not allow this call.")
    assert answer.content == call.fields["result"]


def test_each_call_is_asked_for_by_itself(open_session, play):
    notebook = notebook_with('mock/call:add {"n": 1}|add {"n": 2}', approve_tools=True)
    session = open_session(notebook)
    questions, threads = answering(session, False, True)
    play(session)
    for thread in threads:
        thread.join(20)
    assert len({question.call_id for question in questions}) == 2
    assert session.state["asked"] == [2]


def test_questions_of_several_prompts_are_told_apart(open_session, play):
    notebook = Notebook()
    notebook.add_code(CODE)
    for number in range(3):
        notebook.add_prompt(
            f"go {number}",
            model=f'mock/call:add {{"n": {number}}}',
            tools=["add"],
            approve_tools=True,
        )
    session = open_session(notebook)
    questions, threads = answering(session, True, True, True)
    play(session)
    for thread in threads:
        thread.join(20)
    assert sorted(session.state["asked"]) == [0, 1, 2]
    assert len({question.cell_id for question in questions}) == 3


def test_items_that_ask_at_once_are_told_apart(open_session, play):
    notebook = Notebook()
    notebook.add_code(CODE)
    notebook.add_prompt(
        "go {item}",
        model='mock/call:add {"n": 3}',
        tools=["add"],
        approve_tools=True,
        for_each="range(3)",
        response_var="said",
    )
    session = open_session(notebook)
    questions, threads = answering(session, True, True, True)
    play(session)
    for thread in threads:
        thread.join(20)
    assert sorted(question.item for question in questions) == [0, 1, 2]
    assert session.state["said"] == ["4"] * 3


def test_without_approval_nobody_is_asked(open_session, play):
    session = open_session(notebook_with('mock/call:add {"n": 4}'))
    events = play(session)
    assert not any(isinstance(event, ToolApprovalNeeded) for event in events)
    assert session.state["said"] == "5"


def test_a_model_that_never_stops_asking_meets_the_limit(open_session):
    notebook = notebook_with('mock/call-forever:add {"n": 1}', tool_limit=3)
    session = open_session(notebook)
    with pytest.raises(CellExecutionError, match=r"ToolLimitReached: .* `tool_limit` is 3"):
        session.run()
    assert session.state["asked"] == [1, 1, 1]


def test_an_answer_to_no_question_is_refused(open_session):
    session = open_session(Notebook())
    with pytest.raises(NotFound, match="No tool call with the id `nothing` is waiting"):
        session.approve("nothing")


def test_a_yes_for_the_whole_run_is_asked_for_once(open_session, play):
    notebook = notebook_with('mock/call:add {"n": 1}|add {"n": 2}', approve_tools=True)
    session = open_session(notebook)
    questions: list[ToolApprovalNeeded] = []
    threads: list[threading.Thread] = []

    def listen(event: object) -> None:
        if isinstance(event, ToolApprovalNeeded):
            questions.append(event)
            thread = threading.Thread(
                target=session.approve, args=(event.call_id,), kwargs={"whole_run": True}
            )
            threads.append(thread)
            thread.start()

    session.live.listen(listen)
    play(session)
    for thread in threads:
        thread.join(20)
    assert session.state["asked"] == [1, 2]
    assert len(questions) == 1
    play(session)  # another run
    for thread in threads:
        thread.join(20)
    assert len(questions) == 2


def test_one_answer_counts_for_all_calls_of_a_function_in_the_run(open_session, play):
    notebook = notebook_with('mock/call:add {"n": 1}|add {"n": 2}|add {"n": 3}', approve_tools=True)
    session = open_session(notebook)
    questions, threads = [], []

    def listen(event):
        if isinstance(event, ToolApprovalNeeded):
            questions.append(event)
            assert event.call_id in {one.call_id for one in session.live.approvals.questions}
            if len(questions) == 1:
                threads.append(
                    threading.Thread(
                        target=session.approve, args=(event.call_id,), kwargs={"whole_run": True}
                    )
                )
                threads[0].start()

    session.live.listen(listen)
    play(session)
    threads[0].join(20)
    assert sorted(session.state["asked"]) == [1, 2, 3]
    assert session.live.approvals.questions == ()


def test_an_answer_to_another_cell_s_question_is_refused(open_session, play):
    notebook = notebook_with('mock/call:add {"n": 4}', approve_tools=True)
    session = open_session(notebook)
    problems, threads = [], []

    def answer(call_id):
        try:
            session.loop.call(
                session.live.approve(call_id, approved=True, cell_id=notebook.cells[0].id)
            )
        except NotFound as error:
            problems.append(str(error))
        session.approve(call_id, approved=False)

    def listen(event):
        if isinstance(event, ToolApprovalNeeded):
            threads.append(threading.Thread(target=answer, args=(event.call_id,)))
            threads[0].start()

    session.live.listen(listen)
    play(session)
    threads[0].join(20)
    assert "it is another cell's" in problems[0]
    assert session.state["asked"] == []


def test_what_a_cell_asks_is_refused_where_nobody_can_see_it_any_more(open_session, play):
    notebook = notebook_with('mock/call:add {"n": 1}|add {"n": 2}', approve_tools=True)
    session = open_session(notebook)
    cell = notebook.cells[1]

    def listen(event):
        if isinstance(event, ToolApprovalNeeded):
            approvals = session.live.approvals
            asyncio.get_running_loop().call_soon(approvals.refuse, "another cell")
            asyncio.get_running_loop().call_soon(approvals.refuse, cell.id)

    session.live.listen(listen)
    play(session)
    assert session.state["asked"] == []
    assert all(output.fields["failed"] for output in cell.outputs if output.type == "tool_call")
