"""An answer as it comes, without the keys that it may repeat."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from llm_repl_core.providers.base import Delta
from llm_repl_core.providers.secret import Redactor
from llm_repl_core.providers.turn import Turn

__all__ = ["without_keys", "without_keys_in_reasoning"]


async def without_keys(
    deltas: AsyncGenerator[Delta, None], redactor: Redactor
) -> AsyncGenerator[Delta, None]:
    """Pass an answer on; what may be the beginning of a key waits for what follows it.

    Args:
        deltas: The answer, which is closed with this.
        redactor: Knows the keys.
    """
    held = ""
    async with aclosing(deltas):
        async for delta in deltas:
            if delta.replaces_text:
                held = ""
            text, held = redactor.split(held + delta.text)
            if delta.parts or delta.tool_calls:
                # They stand behind all of the text so far.
                text, held = text + held, ""
            if not _is_text_only(delta):
                yield msgspec.structs.replace(redactor.value(delta), text=text)
            elif text == delta.text:
                yield delta
            else:
                yield Delta(text=text)
    if held:
        yield Delta(text=held)


def _is_text_only(delta: Delta) -> bool:
    """Whether nothing but the text could hold a key; so are most, and there are thousands."""
    return not (
        delta.reasoning
        or delta.replaces_text
        or delta.parts
        or delta.logprobs
        or delta.tool_calls
        or delta.provider_data
        or delta.usage is not None
        or delta.finish_reason is not None
        or delta.provider_finish_reason is not None
        or delta.model is not None
    )


def without_keys_in_reasoning(turn: Turn, redactor: Redactor) -> Turn:
    """A turn whose reasoning repeats no key, also where it came in pieces.

    Args:
        turn: What the model said.
        redactor: Knows the keys.
    """
    if not redactor or redactor.text(turn.reasoning) == turn.reasoning:
        return turn
    return msgspec.structs.replace(
        turn, reasoning=redactor.text(turn.reasoning), parts=redactor.value(turn.parts)
    )
