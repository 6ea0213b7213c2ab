"""An answer as it comes, without the keys that it may repeat."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from llm_repl_core.providers.base import Delta
from llm_repl_core.providers.secret import Redactor

__all__ = ["without_keys"]


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
            yield msgspec.structs.replace(redactor.value(delta), text=text)
    if held:
        yield Delta(text=held)
