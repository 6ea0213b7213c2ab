"""Chat completions, as a translator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Request
from llm_repl_providers.openai.api import ApiName
from llm_repl_providers.openai.chat.answer import ChatAnswerReader
from llm_repl_providers.openai.chat.body import request_body
from llm_repl_providers.openai.chat.limitations import CHAT_LIMITATIONS
from llm_repl_providers.openai.limitations import Limitation

__all__ = ["ChatApi"]


class ChatApi:
    """Chat completions, which most servers speak."""

    name: ClassVar[ApiName] = "chat"
    path: ClassVar[str] = "/chat/completions"
    limitations: ClassVar[Sequence[Limitation]] = CHAT_LIMITATIONS

    def body(self, request: Request, defaults: Mapping[str, Any]) -> dict[str, JSONValue]:
        """Write a request as chat completions take it; see `request_body`."""
        return request_body(request, defaults)

    def reader(self, body: Mapping[str, Any], where: str) -> ChatAnswerReader:
        """What reads the answer to a body."""
        calls = sum(len(turn.get("tool_calls") or ()) for turn in body["messages"])
        audio = body.get("audio")
        form = audio.get("format") if isinstance(audio, dict) else None
        return ChatAnswerReader(
            where, calls_before=calls, audio_format=form if isinstance(form, str) else "wav"
        )
