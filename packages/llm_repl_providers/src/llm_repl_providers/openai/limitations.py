"""What a server, or one of its models, does not accept, and how a request is written for it then.

A limitation is recognized by the message of an error that came before anything was generated: the
request is sent again, written otherwise, and costs nothing twice. What helped is remembered for the
model, as long as the provider's object lives (until the settings change, or the process ends). Only
what LLM-REPL adds by itself is ever left out; what a user asked for is sent, or refused with the
server's message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from msgspec import Struct

__all__ = ["NOT_ACCEPTED", "STREAM", "Body", "Limitation", "find_limitation", "pattern", "without"]

Body: TypeAlias = dict[str, Any]

_STATUSES: Final = frozenset({400, 404, 405, 415, 422, 500, 501})
"""With which a request is refused for what stands in it; 500: servers that crash on it."""

NOT_ACCEPTED: Final = (
    r"(?:not|n't|un|never|cannot)[ -]?(?:be )?"
    r"(?:support|available|allow|enabl|permit|implement|recogni|known|expected|verified|valid)"
)
"""How servers say so, as a pattern."""


class Limitation(Struct, frozen=True, kw_only=True):
    """Something that a server does not accept.

    Attributes:
        name: A word for it.
        concerns: Whether a body has what is not accepted.
        message: How a server's error speaks of it.
        adapt: The body without it; what was given is not changed.
        is_lasting: Whether it will be so for other requests to the same model.
    """

    name: str
    concerns: Callable[[Body], bool]
    message: re.Pattern[str]
    adapt: Callable[[Body], Body]
    is_lasting: bool = True


def pattern(text: str) -> re.Pattern[str]:
    """A pattern of messages, in which neither case nor lines matter."""
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def without(body: Body, *names: str) -> Body:
    """The body without some of its parameters."""
    return {name: value for name, value in body.items() if name not in names}


STREAM: Final = Limitation(
    name="stream",
    concerns=lambda body: bool(body.get("stream")),
    message=pattern(
        rf"verified to stream|\bstream(?:ing|ed)?\b.{{0,60}}?{NOT_ACCEPTED}"
        rf"|{NOT_ACCEPTED}.{{0,40}}?\bstream(?:ing|ed)?\b"
        r"|\bstream(?:ing)?\b.{0,40}?(?:disabled|forbidden|(?:must|should) be (?:set to )?false)"
        r"|(?:set|requires?) [`'\"]?stream[`'\"]?\s*(?:=|:|to)\s*false|only.{0,40}non.?stream"
        r"|without stream|\bparam\W+stream\b"
    ),
    adapt=lambda body: {**without(body, "stream_options"), "stream": False},
)
"""Streaming, which some accounts, models and gateways do not have."""


def find_limitation(
    message: str,
    status: int,
    body: Body,
    limitations: Iterable[Limitation],
    *,
    tried: Iterable[Limitation] = (),
) -> Limitation | None:
    """What an error says of the server; None: the request itself is at fault.

    Args:
        message: All that the server says, its codes and parameters included.
        status: The HTTP status, or what stands for it in an error that came with status 200.
        body: What was sent.
        limitations: Those that the API may have, in the order in which they are looked for.
        tried: What has been found and adapted to already.
    """
    if status not in _STATUSES:
        return None
    known = {limitation.name for limitation in tried}
    for limitation in limitations:
        if (
            limitation.name not in known
            and limitation.message.search(message)
            and limitation.concerns(body)
        ):
            return limitation
    return None
