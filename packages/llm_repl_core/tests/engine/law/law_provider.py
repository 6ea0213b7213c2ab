"""A provider whose answers depend on the request alone, and come when the test says."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import heapq
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

from llm_repl_core import Delta, Provider, Request, RequestRejected
from llm_repl_core.ledger.identity import canonical_request
from llm_repl_core.providers.base import ToolCall, Usage

__all__ = ["QUIET_S", "Conductor", "LawProvider"]

QUIET_S = 0.012
"""How long nothing has to have happened before the next answer comes: more than a fork takes."""
_STEP_S = 0.003
_DELAYS_S = (0.0, 0.0, 0.002, 0.008, 0.025)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Conductor:
    """Decides when the answers of one run come; nothing of that is in a request.

    ``at once``: as they are asked for. ``delays``: each after a time that the seed draws.
    ``patient``: one by one, in an order that the seed draws, each only when nothing else goes on:
    whatever can overtake a pending answer has done so.

    Args:
        how: One of these words.
        seed: What it draws from.
        quiet_s: How long nothing has to have happened before the next answer of the patient.
    """

    def __init__(self, how: str = "at once", seed: int = 0, quiet_s: float = QUIET_S) -> None:
        self.how = how
        self._quiet_s = quiet_s
        self._seed = seed
        self._happened = 0
        self._under_way = 0
        self._numbers = itertools.count()
        self._held: list[tuple[int, int, asyncio.Future[None]]] = []
        self._releasing: asyncio.Task[None] | None = None

    def note(self, _event: object = None) -> None:
        """Something has happened."""
        self._happened += 1

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Something goes on meanwhile."""
        self._happened += 1
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._happened += 1

    async def turn(self, request: Request) -> None:
        """Wait for the turn of a request's answer."""
        self.note()
        if self.how == "at once":
            return
        drawn = _number(f"{self._seed} {_text(request)}")
        if self.how == "delays":
            await asyncio.sleep(_DELAYS_S[drawn % len(_DELAYS_S)])
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._held, (drawn, next(self._numbers), future))
        if self._releasing is None:
            self._releasing = asyncio.create_task(self._release())
        await future

    async def _release(self) -> None:
        try:
            while self._held:
                await self._quiet()
                _, _, future = heapq.heappop(self._held)
                if not future.done():
                    future.set_result(None)
        finally:
            self._releasing = None

    async def _quiet(self) -> None:
        limit = time.monotonic() + 10
        seen, since = self._happened, time.monotonic()
        while time.monotonic() - since < self._quiet_s and time.monotonic() < limit:
            await asyncio.sleep(_STEP_S)
            if self._happened != seen or self._under_way:
                seen, since = self._happened, time.monotonic()


class LawProvider(Provider):
    """``word`` and ``echo`` answer, ``fail`` refuses, ``tool:NAME`` has a function called first."""

    name: ClassVar[str] = "law"
    default_model: ClassVar[str] = "word"
    source: ClassVar[Any]
    """Has the conductor of the run under way, as ``conductor``: one run at a time asks."""

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Answer, when it is its turn."""
        await self.source.conductor.turn(request)
        if request.model == "fail":
            raise RequestRejected("It is refused on purpose.")
        usage = Usage(input_tokens=7, output_tokens=3)
        last = request.messages[-1]
        if request.model.startswith("tool:") and last.role != "tool":
            tool = request.model.removeprefix("tool:")
            yield Delta(tool_calls=(ToolCall(id="call-1", name=tool, arguments="{}"),))
            yield Delta(finish_reason="tool_calls", usage=usage)
            return
        yield Delta(text=_answer(request))
        yield Delta(finish_reason="stop", usage=usage)


def _answer(request: Request) -> str:
    text = _text(request)
    if request.answer_schema is not None:
        return json.dumps(_fitting(request.answer_schema.schema, text))
    if request.model == "echo" or request.messages[-1].role == "tool":
        return request.messages[-1].content or "nothing"
    return _word(text)


def _fitting(schema: dict[str, Any], text: str, known: dict[str, Any] | None = None) -> Any:
    """A value of a schema, without what it does not require."""
    known = schema.get("$defs", {}) if known is None else known
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    kinds = schema.get("type", "object")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "object":
        fields = schema.get("properties", {})
        return {
            name: _fitting(fields.get(name, {"type": "string"}), f"{text} {name}", known)
            for name in schema.get("required", [])
        }
    if kind == "array":
        items = schema.get("items", {"type": "string"})
        return [_fitting(items, f"{text} {place}", known) for place in range(2)]
    if kind in ("integer", "number"):
        return _number(text) % 90 + 1
    return kind == "boolean" or _word(text)


def _text(request: Request) -> str:
    return json.dumps(canonical_request("law", request), sort_keys=True)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def _word(text: str) -> str:
    number, letters = _number(text), []
    for _ in range(4):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)
