"""Differences of two answers: words in prose, lines in code, and nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.engine.answers.comparison import TextBlock, compare_answers

THIS = """All name **tins**. I would check every order.

```python
risky = orders[
    shipped >= "2026-09"
]
```
"""
IN_USE = """All name **tins**, none a bag. I would check every order.

```python
risky = orders[
    shipped >= "2026-11"
]
```

Write to nobody."""


def _side(blocks: list[TextBlock], side: str) -> str:
    return "".join(
        part.text for block in blocks for part in block.parts if part.side in ("both", side)
    )


def test_words_in_prose_and_lines_in_code() -> None:
    prose, code, last = compare_answers(THIS, IN_USE)
    assert [(part.side, part.text) for part in prose.parts] == [
        ("both", "All name **tins**"),
        ("in_use", ", none a bag"),
        ("both", ". I would check every order."),
    ]
    assert (code.kind, code.language) == ("code", "python")
    assert [part.side for part in code.parts] == ["both", "this", "in_use", "both"]
    assert code.parts[1].text == '    shipped >= "2026-09"\n'
    assert [part.side for part in last.parts] == ["in_use"]


def test_equal_answers_are_one() -> None:
    assert all(part.side == "both" for block in compare_answers(THIS, THIS) for part in block.parts)
    assert compare_answers("", "") == []


def test_huge_answers_are_cut_and_take_no_time() -> None:
    blocks = compare_answers("a b " * 100_000, "c d " * 100_000)
    assert blocks[-1].is_cut
    assert sum(len(part.text) for block in blocks for part in block.parts) <= 400_000


@given(st.text("ab \n`", max_size=60), st.text("ab \n`", max_size=60))
def test_each_side_is_whole(this: str, in_use: str) -> None:
    blocks = compare_answers(this, in_use)
    for side, text in (("this", this), ("in_use", in_use)):
        letters = [letter for letter in _side(blocks, side) if letter in "ab"]
        # The words on a fence's line are its language, and no text.
        assert len(letters) <= sum(letter in "ab" for letter in text)
        if "`" not in text:
            assert letters == [letter for letter in text if letter in "ab"]
