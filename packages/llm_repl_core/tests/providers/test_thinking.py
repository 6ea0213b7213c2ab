"""Reasoning in a text, told from the answer after it wherever the pieces are cut."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.providers.base import Delta, Message, Provider, Request
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.providers.thinking import ThinkingSplitter

CASES = {
    "plain": ("Yes.", "Yes.", ""),
    "leading": ("<think>Hm.</think>Yes.", "Yes.", "Hm."),
    "white space around": ("\n <think>\nHm.\n</think>\n\n Yes. ", "Yes. ", "\nHm.\n"),
    "empty": ("<think>\n\n</think>\n\nYes.", "Yes.", "\n\n"),
    "Gemini": ("<thought>Hm.</thought>Yes.", "Yes.", "Hm."),
    "Magistral": ("[THINK]Hm.[/THINK]Yes.", "Yes.", "Hm."),
    "thought twice": ("<think>Hm.</think>\n<think>So.</think>\nYes.", "Yes.", "Hm.So."),
    "thought again, not ended": ("<think>Hm.</think>[THINK]So", "", "Hm.So"),
    "nearly again": ("<think>Hm.</think><thin", "<thin", "Hm."),
    "never closed": ("<think>Hm. I </thin", "", "Hm. I </thin"),
    "nothing after it": ("<think>Hm.</think>\n", "", "Hm."),
    "tags in the reasoning": ("<think>a <think> b</think>Yes.", "Yes.", "a <think> b"),
    "never opened": ("Hm.\n</think>\n\nYes.", "Yes.", "Hm."),
    "never opened, in one line": ("Hm.</think>Yes.", "Yes.", "Hm."),
    "never opened, JSON": ('Hm {"a": 0}.\n</think>\n{"a": 1}', '{"a": 1}', 'Hm {"a": 0}.'),
    "a second closing": ("<think>Hm.</think>Say </think> then.", "Say </think> then.", "Hm."),
    "in the middle": ("Yes. <think>No.</think>", "Yes. <think>No.</think>", ""),
    "in code": ("Write `<think>`, `</think>`.", "Write `<think>`, `</think>`.", ""),
    "closing in code": ("Write `</think>`.", "Write `</think>`.", ""),
    "in a fence": ("So:\n```\na</think>b\n```\n", "So:\n```\na</think>b\n```\n", ""),
    "in an open fence": ("So:\n~~~\na</think>b", "So:\n~~~\na</think>b", ""),
    "a fence at the beginning": ("```\n<think>x</think>\n```", "```\n<think>x</think>\n```", ""),
    "in quotes": ('It is "</think>".', 'It is "</think>".', ""),
    "in a sentence": ("The tag </think> ends it.", "The tag </think> ends it.", ""),
    "nearly": ("<thin", "<thin", ""),
    "another tag": ("<thinking>Hm.</thinking>", "<thinking>Hm.</thinking>", ""),
    "white space only": (" \n", " \n", ""),
    "nothing": ("", "", ""),
}


def _split(pieces):
    splitter = ThinkingSplitter()
    text = reasoning = ""
    for portion in [*(splitter.add(piece) for piece in pieces), splitter.end()]:
        if portion.replaces_text:
            text = ""
        text += portion.text
        reasoning += portion.reasoning
    return text, reasoning


@pytest.mark.parametrize(("said", "text", "reasoning"), CASES.values(), ids=CASES)
def test_the_answer_is_told_from_the_reasoning_however_it_is_cut(said, text, reasoning):
    for size in (1, 2, 3, 7, 1000):
        pieces = [said[start : start + size] for start in range(0, len(said), size)]
        assert _split(pieces) == (text, reasoning), size


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "a", "`", " ", "\n", "```"]))
)
def test_nothing_is_lost_and_cuts_do_not_count(pieces):
    said = "".join(pieces)
    text, reasoning = _split(pieces)
    assert (text, reasoning) == _split([said])
    bare = said.replace("<think>", "").replace("</think>", "")
    for part in (text, reasoning):
        bare_part = part.replace("<think>", "").replace("</think>", "")
        assert "".join(bare_part.split()) in "".join(bare.split())


def test_the_answer_goes_on_at_once():
    splitter = ThinkingSplitter()
    assert splitter.add("Yes").text == "Yes"
    assert splitter.add(" <").text == " <"
    splitter = ThinkingSplitter()
    assert splitter.add("<think>Hm. <").reasoning == "Hm. "
    assert splitter.add("b").reasoning == "<b"


class _Thinker(Provider):
    name = "thinker"
    default_model = "m"
    said: tuple[Delta, ...] = ()

    def stream(self, request):
        yield from self.said


def _collect(*said):
    provider = _Thinker()
    provider.said = said

    async def main():
        request = Request(model="m", messages=(Message("user", "x"),))
        return [delta async for delta in deltas(provider, request)]

    return asyncio.run(main())


def test_any_providers_reasoning_is_told_apart():
    end = Delta(finish_reason="stop", model="m")
    assert _collect(Delta(text="<think>Hm.</"), Delta(text="think>Yes"), end) == [
        Delta(reasoning="Hm."),
        Delta(text="Yes"),
        end,
    ]
    assert _collect(Delta(text="Hm.\n</think>Yes"), end) == [
        Delta(text="Hm.\n</think>Yes"),
        Delta(text="Yes", reasoning="Hm.", replaces_text=True, finish_reason="stop", model="m"),
    ]
    # Without a last delta, and with all in it.
    assert _collect(Delta(text="<th")) == [Delta(text="<th")]
    assert _collect(Delta(text="<think>a</think>b", finish_reason="stop")) == [
        Delta(text="b", reasoning="a", finish_reason="stop")
    ]
    assert _collect(Delta(text="a</think>b", finish_reason="stop")) == [
        Delta(text="b", reasoning="a", replaces_text=True, finish_reason="stop")
    ]
    assert _collect(Delta(text="b", reasoning="a")) == [Delta(text="b", reasoning="a")]
