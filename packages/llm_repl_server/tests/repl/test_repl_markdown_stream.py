"""An answer that grows is printed block by block, each block once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_server.repl.markdown_stream import MarkdownBlock, MarkdownStream

ANSWER = """# Title

A paragraph
of two lines.

```python
x = 1

y = 2
```

1. one
2. two

   more of two
3. three

| a | b |
|---|---|
| 1 | 2 |

The end."""

_PIECES = st.lists(
    st.sampled_from(
        ["word ", "\n", "\n\n", "- item\n", "1. one\n", "```\n", "# h\n", "  x\n", "|a|\n"]
    )
)


def whole(blocks: list[MarkdownBlock]) -> str:
    return "".join("".join(block.text.split()) for block in blocks)


def test_blocks_come_as_they_are_finished() -> None:
    stream = MarkdownStream()
    blocks = [block for letter in ANSWER for block in stream.add(letter)]
    texts = [block.text for block in blocks]
    assert texts[0] == "# Title"
    assert "```python\nx = 1\n\ny = 2\n```" in texts
    assert "2. two\n\n   more of two" in texts
    assert [block.text for block in blocks if block.goes_on] == [
        "2. two\n\n   more of two",
        "3. three",
    ]
    assert "| a | b |\n|---|---|\n| 1 | 2 |" in texts
    rest = list(stream.finish(ANSWER))
    assert [block.text for block in rest] == ["The end."]


def test_a_paragraph_is_shown_at_the_blank_line_below_it() -> None:
    stream = MarkdownStream()
    assert list(stream.add("a paragraph\n")) == []
    assert [block.text for block in stream.add("\n")] == ["a paragraph"]
    assert list(stream.add("- one\n\n")) == []  # the item may go on
    assert [block.text for block in stream.add("Next")] == ["- one"]


@given(_PIECES)
def test_nothing_is_lost_and_nothing_is_shown_twice(pieces: list[str]) -> None:
    stream = MarkdownStream()
    blocks = [block for piece in pieces for block in stream.add(piece)]
    blocks += stream.finish("".join(pieces))
    assert whole(blocks) == "".join("".join(pieces).split())
    assert stream.rest == ""


def test_an_answer_that_turns_out_otherwise_is_shown_whole() -> None:
    stream = MarkdownStream()
    shown = list(stream.add("first\n\nsecond"))
    assert [block.text for block in shown] == ["first"]
    assert whole(list(stream.finish("another\n\nanswer"))) == "anotheranswer"
    stream.restart()
    assert stream.text == ""
