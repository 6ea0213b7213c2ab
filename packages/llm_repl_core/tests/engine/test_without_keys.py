"""An answer that comes in pieces repeats no key, wherever it is cut and whatever comes beside it."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import Secret
from llm_repl_core.engine.without_keys import without_keys
from llm_repl_core.providers.base import Delta, ToolCall
from llm_repl_core.providers.secret import Redactor

KEY = "sk-live-4711-Qx8"
REDACTOR = Redactor([Secret(KEY)])
PIECES = st.lists(
    st.sampled_from([KEY, KEY[:5], KEY[5:], KEY[:-1], "s", "sk-", "plain ", "", "\n"]), max_size=8
)
BESIDE = st.sampled_from(
    [{}, {}, {"model": "m"}, {"reasoning": f"I know {KEY}"}, {"finish_reason": "stop"}]
)


def passed_on(deltas: list[Delta]) -> list[Delta]:
    async def answer():
        for delta in deltas:
            yield delta

    async def collect():
        return [delta async for delta in without_keys(answer(), REDACTOR)]

    return asyncio.run(collect())


@given(PIECES, st.lists(BESIDE, min_size=8, max_size=8))
def test_the_text_is_that_of_the_whole_without_the_key(pieces, beside):
    deltas = [Delta(text=text, **more) for text, more in zip(pieces, beside, strict=False)]
    told = passed_on(deltas)
    text = "".join(delta.text for delta in told)
    assert KEY not in text
    assert text == REDACTOR.text("".join(pieces))
    assert KEY not in repr(told)


def test_pieces_of_plain_text_are_passed_on_as_they_are():
    deltas = [Delta(text="one "), Delta(text="two")]
    assert all(told is given for told, given in zip(passed_on(deltas), deltas, strict=True))


def test_what_comes_beside_the_text_is_redacted_too():
    call = ToolCall(id="1", name="send", arguments=f'{{"key": "{KEY}"}}')
    told = passed_on([Delta(text="x", tool_calls=(call,)), Delta(model=KEY)])
    assert KEY not in repr(told)
    assert told[0].tool_calls[0].name == "send"
