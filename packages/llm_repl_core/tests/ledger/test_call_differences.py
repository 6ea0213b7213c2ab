"""How two requests differ, as people see it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from llm_repl_core.ledger.differences import (
    Difference,
    describe_differences,
    format_differences,
)
from llm_repl_core.ledger.text_changes import changed_lines, excerpts

BASE: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Read this:\n\nThe sky is blue.\n\nWhat colour is it?"},
    ],
    "temperature": 0.2,
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**BASE, **changes}


def shown(recorded: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    return format_differences(describe_differences(recorded, asked)).split("\n")


def user(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def test_equal_requests_do_not_differ() -> None:
    assert describe_differences(BASE, changed()) == []
    assert describe_differences({"a": 1}, {"a": 1.0}) == []
    assert format_differences([]) == ""


def test_one_changed_word_is_shown_in_its_line() -> None:
    asked = changed(
        messages=[
            BASE["messages"][0],
            {"role": "user", "content": "Read this:\n\nThe sky is grey.\n\nWhat colour is it?"},
        ]
    )
    assert [one.path for one in describe_differences(BASE, asked)] == ["messages[1].content"]
    assert shown(BASE, asked) == [
        "messages[1].content, line 3:",
        "  - The sky is blue.",
        "  + The sky is grey.",
    ]


def test_values_are_shown_with_an_arrow() -> None:
    asked = changed(model="gpt-5", temperature=0.7, options={"max_tokens": 5, "a b": [True]})
    del asked["provider"]
    assert shown(BASE, asked) == [
        'model: "gpt-4o" → "gpt-5"',
        "temperature: 0.2 → 0.7",
        'options: not sent → {"max_tokens": 5, "a b": [true]}',
        'provider: "openai" → not sent',
    ]
    assert shown({"options": {"a b": 1}}, {"options": {"a b": True, "n": None}}) == [
        'options["a b"]: 1 → true',
        "options.n: not sent → null",
    ]


def test_a_new_message_moves_no_other_one() -> None:
    new: dict[str, Any] = {"role": "user", "content": "One more thing."}
    first, second = BASE["messages"]
    assert describe_differences(BASE, changed(messages=[first, new, second])) == [
        Difference(path="messages[1]", recorded=UNSET, asked=new)
    ]
    assert describe_differences(changed(messages=[first, new, second]), BASE) == [
        Difference(path="messages[1]", recorded=new, asked=UNSET)
    ]


def test_lines_that_came_and_went() -> None:
    assert shown(user("a b\nc\nd"), user("a b\nd\n\ne")) == [
        "messages[0].content, line 2:",
        "  - c",
        "messages[0].content, line 3:",
        "  + (an empty line)",
        "messages[0].content, line 4:",
        "  + e",
    ]


@pytest.mark.parametrize(
    ("old", "new", "shown_old", "shown_new"),
    [
        ("to Ada, now", "to Eve, now", "to Ada, now", "to Eve, now"),
        ("a b", "a  b", '"a b"', '"a  b"'),
        ("a b", "a b ", '"a b"', '"a b "'),
        ("a b", "a\tb", "a b", "a\\tb"),
        ("caf\u00e9 x", "cafe\u0301 x", "caf\\xe9 x", "cafe\\u0301 x"),
        ("red \x1b[31m", "red \u202e", "red \\x1b[31m", "red \\u202e"),
        ("half \ud800", "half \ud801", "half \\ud800", "half \\ud801"),
        (
            "x" * 99 + " old " + "y" * 99,
            "x" * 99 + " new " + "y" * 99,
            *("…" + "x" * 29 + f" {word} " + "y" * 29 + "…" for word in ("old", "new")),
        ),
        (
            "k" * 500 + "A" + "l" * 500,
            "k" * 500 + "B" + "l" * 500,
            *("…" + "k" * 30 + letter + "l" * 30 + "…" for letter in "AB"),
        ),
    ],
)
def test_what_differs_in_a_line_can_be_seen(
    old: str, new: str, shown_old: str, shown_new: str
) -> None:
    assert excerpts(old, new) == (shown_old, shown_new)


def test_two_changes_in_a_long_line_are_both_shown() -> None:
    middle = " and so on" * 30
    old, new = f"first red{middle} then blue.", f"first green{middle} then black."
    assert excerpts("", "x") == ("", "x")
    for text, words in zip(excerpts(old, new), (("red", "blue"), ("green", "black")), strict=True):
        assert len(text) < 150
        assert all(word in text for word in words)


def test_many_differences_are_counted() -> None:
    recorded = {"options": {f"o{number}": 1 for number in range(30)}}
    asked = {"options": {f"o{number}": 2 for number in range(30)}}
    lines = shown(recorded, asked)
    assert lines[0] == "options.o0: 1 → 2"
    assert lines[-1] == "and 20 more differences"
    assert len(lines) == 11


def letters() -> str:
    return "".join(random.Random(7).choices("ab\n ", k=500_000)) * 4


HOSTILE_TEXTS: dict[str, Callable[[], tuple[str, str]]] = {
    "nothing in common": lambda: ("x" * 10_000_000, "y" * 10_000_000),
    "the last character": lambda: ("x" * 10_000_000, "x" * 9_999_999 + "y"),
    "reversed": lambda: (letters(), letters()[::-1]),
    "shifted": lambda: (letters(), letters()[1:]),
    "empty lines": lambda: ("\n" * 10_000_000, "\n" * 9_000_000),
    "one line of words": lambda: ("a b " * 2_500_000, "b a " * 2_500_000),
    "popular lines": lambda: tuple(  # type: ignore[dict-item, return-value]  # two of them
        "".join(f"{number % divisor}\n" for number in range(999)) for divisor in (2, 3)
    ),
    "unprintable": lambda: ("\ud800" * 1_000_000, "\x1b" * 1_000_000),
}


@pytest.mark.parametrize("case", HOSTILE_TEXTS)
def test_huge_and_hostile_texts_are_bounded_in_time_and_size(case: str) -> None:
    old, new = HOSTILE_TEXTS[case]()
    start = time.perf_counter()
    text = "\n".join(shown(user(old), user(new)))
    assert time.perf_counter() - start < 5
    assert 0 < len(text) <= 4_000
    assert "- " in text or "+ " in text


def test_many_hostile_messages_are_bounded_too() -> None:
    recorded: dict[str, Any] = {"messages": [{"content": f"{n} a\nb " * 5_000} for n in range(300)]}
    asked: dict[str, Any] = {"messages": [{"content": f"{n} b\na " * 5_000} for n in range(300)]}
    start = time.perf_counter()
    text = format_differences(describe_differences(recorded, asked))
    assert time.perf_counter() - start < 5
    assert len(text) <= 4_000
    assert text.endswith("more differences")


lines = st.lists(st.sampled_from(["", "a", "b", "a b", "c d e"]), max_size=8)


@settings(max_examples=200, deadline=None)
@given(lines, lines)
def test_changed_lines_tell_the_new_text(old_lines: list[str], new_lines: list[str]) -> None:
    changes = changed_lines("\n".join(old_lines), "\n".join(new_lines))
    assert bool(changes) == ("\n".join(old_lines) != "\n".join(new_lines))
    old_lines, new_lines = old_lines or [""], new_lines or [""]
    for change in changes:
        assert change.old != change.new
        if change.new is not None:
            assert new_lines[change.line - 1] == change.new
        else:
            assert old_lines[change.line - 1] == change.old
    gone = [change.old for change in changes if change.old is not None]
    came = [change.new for change in changes if change.new is not None]
    assert sorted([*old_lines, *came]) == sorted([*new_lines, *gone])


@settings(max_examples=200, deadline=None)
@given(st.text("aab \n\té\u0301\ud800", max_size=60), st.text("aab \n\té\u0301\ud800", max_size=60))
def test_whatever_differs_is_shown_and_can_be_printed(old: str, new: str) -> None:
    text = format_differences(describe_differences(user(old), user(new)))
    assert bool(text) == (old != new)
    text.encode()
    assert text.replace("\n", "").isprintable()
