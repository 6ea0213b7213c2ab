"""Who comes in the middle of an answer sees what has come of it, and goes on without a gap."""

from __future__ import annotations

from llm_repl_core import CellReasoning, CellRetried, CellStarted, CellText
from llm_repl_server.services.partial_answers import PartialAnswers


def _text(cell_id, text, item=None, kind=None):

    return (kind or CellText)(
        notebook_id="n", run_id="r", sequence=1, cell_id=cell_id, text=text, item=item
    )


def test_text_and_reasoning_are_collected_by_cell_and_item():

    answers = PartialAnswers()
    for piece in ("one ", "two"):
        answers.note(_text("a", piece))
    answers.note(_text("b", "x", item=1))
    answers.note(_text("b", "hm", item=1, kind=CellReasoning))
    found = [(part.cell_id, part.item, part.text, part.reasoning) for part in answers.list()]
    assert found == [("a", None, "one two", ""), ("b", 1, "x", "hm")]
    answers.note(
        CellRetried(
            notebook_id="n", run_id="r", sequence=1, cell_id="b", attempt=1, error="busy",
            wait_s=1.0, item=1,
        )
    )  # fmt: skip
    assert [part.cell_id for part in answers.list()] == ["a"]
    answers.note(CellStarted(notebook_id="n", run_id="r", sequence=1, cell_id="a"))
    assert answers.list() == []


def test_a_notebook_that_is_read_in_mid_answer_has_it_up_to_its_number(api, until, in_thread):
    path = api.new_notebook()
    slow = {"delay_per_token_s": 0.02}
    words = " ".join(str(number) for number in range(200))
    cell = api.new_cell(path, "prompt", words, model="mock/echo", parameters=slow)
    running = in_thread(api.run, cell)
    until(lambda: api.get(path).json["partial_answers"], "words have come")
    answer = api.get(path).json
    (part,) = answer["partial_answers"]
    assert words.startswith(part["text"])
    running.result()
    pieces = [
        told.payload
        for told in api.events("cell_execution_text")
        if told.payload["sequence"] > answer["sequence"]
    ]
    assert part["text"] + "".join(piece["text"] for piece in pieces) == words
    assert api.get(path).json["partial_answers"] == []
