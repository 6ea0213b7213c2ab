from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.engine.tokens import estimate_tokens, output_allowance
from llm_repl_core.providers.base import (
    AnswerSchema,
    Attachment,
    Message,
    Request,
    Tool,
    ToolCall,
)

EMPTY = 4 + 3  # one message's frame, and what opens the answer


def request(*texts, **more):
    messages = tuple(Message("user", text) for text in texts)
    return Request(model="some", messages=messages, **more)


def text_tokens(text):
    return estimate_tokens(request(text)) - EMPTY


@pytest.mark.parametrize(
    ("text", "at_least", "at_most"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("a" * 400, 100, 100),
        ("Summarise the report below in three sentences for a busy reader.", 11, 18),
        ("Müller fährt über die schöne Brücke nach Köln.", 10, 18),
        ("Краткость - сестра таланта.", 7, 13),
        ("请用三句话总结下面的报告。", 9, 13),
        ("次の報告を三文で要約してください。", 11, 17),
        ("보고서를 요약해 주세요.", 7, 12),
        ("😀" * 10, 10, 30),
        ('{"a": [1, 2, 3], "b": {"c": null}}', 12, 24),
        ("for i in range(10):\n    print(i)\n", 8, 14),
        ("1234567890" * 3, 10, 10),
    ],
)
def test_texts_of_all_scripts_get_a_likely_number(text, at_least, at_most):
    assert at_least <= text_tokens(text) <= at_most


def test_chinese_takes_several_times_as_many_tokens_a_character_as_english():
    assert text_tokens("报" * 1_000) >= 3 * text_tokens("r" * 1_000)
    assert 1_000 / 1.5 <= text_tokens("报" * 1_000) <= 1_000


def test_each_message_has_a_frame():
    assert estimate_tokens(request()) == 3
    assert estimate_tokens(request("", "", "")) == 3 + 3 * 4


def test_what_goes_with_a_message_counts():
    def more(**fields):
        message = Message("user", "", **fields)
        return estimate_tokens(Request(model="some", messages=(message,))) - EMPTY

    call = ToolCall(id="1", name="look_up", arguments='{"city": "Bern"}')
    assert 8 <= more(tool_calls=(call,)) <= 16
    assert more(tool_calls=(call, call)) == 2 * more(tool_calls=(call,))
    picture = Attachment(media_type="image/png", data=b"x" * 10_000_000)
    assert more(attachments=(picture,)) == 1_600
    assert more(attachments=(picture, picture)) == 3_200
    table = Attachment(media_type="text/csv", data=b"a" * 4_000, name="table")
    assert 1_000 < more(attachments=(table,)) < 1_010
    assert more(attachments=(Attachment(media_type="application/pdf", data=b""),)) == 3_000
    paper = Attachment(media_type="application/pdf", data=b"x" * 250_000)
    assert more(attachments=(paper,)) == 9_000


def test_tools_and_the_schema_count_by_their_json():
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = Tool(name="look_up", description="Find a city." * 10, parameters=parameters)
    with_tool = estimate_tokens(request(tools=(tool,)))
    assert 40 < with_tool < 90
    assert estimate_tokens(request(tools=(tool, tool))) - 3 == 2 * (with_tool - 3)
    schema = AnswerSchema(name="city", schema=parameters)
    assert 20 < estimate_tokens(request(answer_schema=schema)) < 50


@settings(max_examples=200)
@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_no_text_fails_and_more_text_is_never_less(one, other):
    together = text_tokens(one + other)
    assert max(text_tokens(one), text_tokens(other)) <= together
    assert together <= text_tokens(one) + text_tokens(other) <= together + 1
    assert text_tokens(one) <= 2 * len(one)
    assert text_tokens(one) >= len(one) / 4


@settings(max_examples=100)
@given(st.binary())
def test_no_attached_bytes_fail(data):
    attachment = Attachment(media_type="text/plain", data=data)
    message = Message("user", "", attachments=(attachment,))
    assert estimate_tokens(Request(model="some", messages=(message,))) >= EMPTY


def test_half_a_surrogate_pair_in_a_schema_does_not_fail():
    schema = AnswerSchema(name="odd", schema={"description": "\ud800"})
    assert estimate_tokens(request(answer_schema=schema)) > 3


def test_ten_million_characters_are_estimated_fast():
    text = "word and word, 报告 " * 600_000
    started = time.perf_counter()
    text_tokens(text)
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({}, 4_096),
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 20}, 20),
        ({"max_output_tokens": 30}, 30),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_tokens": None}, 4_096),
        ({"max_tokens": "10"}, 4_096),
        ({"max_tokens": True}, 4_096),
        ({"max_tokens": -1}, 4_096),
        ({"max_tokens": 0}, 4_096),
        ({"top_p": 0.5}, 4_096),
    ],
)
def test_the_answers_allowance_is_what_the_options_say(options, tokens):
    assert output_allowance(request(options=options)) == tokens
