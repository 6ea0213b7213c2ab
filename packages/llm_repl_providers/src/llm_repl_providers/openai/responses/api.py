"""Responses, as a translator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from llm_repl_core.model.json_value import JSONValue
from llm_repl_core.providers.base import Request
from llm_repl_providers.openai.api import ApiName
from llm_repl_providers.openai.limitations import Limitation
from llm_repl_providers.openai.responses.answer import ResponsesAnswerReader
from llm_repl_providers.openai.responses.body import request_body
from llm_repl_providers.openai.responses.limitations import RESPONSES_LIMITATIONS

__all__ = ["ResponsesApi"]


class ResponsesApi:
    """Responses, without anything kept on the server."""

    name: ClassVar[ApiName] = "responses"
    path: ClassVar[str] = "/responses"
    limitations: ClassVar[Sequence[Limitation]] = RESPONSES_LIMITATIONS

    def body(self, request: Request, defaults: Mapping[str, Any]) -> dict[str, JSONValue]:
        """Write a request as Responses take it; see `request_body`."""
        return request_body(request, defaults)

    def reader(self, body: Mapping[str, Any], where: str) -> ResponsesAnswerReader:
        """What reads the answer to a body."""
        items = body.get("input")
        calls = sum(
            1
            for item in (items if isinstance(items, list) else ())
            if isinstance(item, dict) and item.get("type") == "function_call"
        )
        # Only in a loop of tools is there a next request, with which the items go back.
        return ResponsesAnswerReader(where, keeps_items=bool(body.get("tools")), calls_before=calls)
