"""Parameters by the names of chat completions, as Responses name them, or do not have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Request
from llm_repl_providers.openai.attachments import media_type

__all__ = ["needs_chat", "responses_parameters"]

_CHAT_ONLY: Final = frozenset({
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "modalities", "n",
    "prediction", "presence_penalty", "seed", "stop", "web_search_options",
})  # fmt: skip
"""Parameters of chat completions that Responses do not have."""

_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def needs_chat(request: Request, defaults: Mapping[str, Any]) -> bool:
    """Whether a request asks for what only chat completions have.

    Args:
        request: What is asked.
        defaults: Options that those of the request go before.
    """
    options = {**defaults, **request.options}
    return not _CHAT_ONLY.isdisjoint(options) or any(
        media_type(attachment).startswith("audio/")
        for message in request.messages
        for attachment in message.attachments
    )


def responses_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as Responses take them; those that they know pass as they are.

    Args:
        parameters: By the names of either API.

    Raises:
        RequestRejected: There is no such parameter there, or it is given by two names.
    """
    for name in sorted(_CHAT_ONLY & parameters.keys()):
        raise RequestRejected(
            f"OpenAI's Responses have no parameter `{name}`: leave it out, or set `api: chat`."
        )
    body = {
        name: value
        for name, value in parameters.items()
        if name not in _TRANSLATIONS and name not in _LIMITS
    }
    limits = [name for name in _LIMITS if name in parameters]
    if len(limits) > 1:
        raise RequestRejected(
            f"The options {' and '.join(f'`{name}`' for name in limits)} say the same: leave all "
            "but one out."
        )
    if limits:
        body["max_output_tokens"] = parameters[limits[0]]
    for name, translate in _TRANSLATIONS.items():
        if name in parameters:
            translate(body, parameters[name])
    return body


def _put_within(body: dict[str, Any], outer: str, name: str, value: Any, option: str) -> None:
    known = body.get(outer, {})
    if not isinstance(known, dict) or name in known:
        raise RequestRejected(
            f"The options `{option}` and `{outer}` say the same: leave one of them out."
        )
    body[outer] = {**known, name: value}


def _put_effort(body: dict[str, Any], value: Any) -> None:
    _put_within(body, "reasoning", "effort", value, "reasoning_effort")


def _put_verbosity(body: dict[str, Any], value: Any) -> None:
    _put_within(body, "text", "verbosity", value, "verbosity")


def _put_format(body: dict[str, Any], value: Any) -> None:
    if isinstance(value, dict) and isinstance(value.get("json_schema"), dict):
        value = {"type": "json_schema", **value["json_schema"]}
    _put_within(body, "text", "format", value, "response_format")


def _put_logprobs(body: dict[str, Any], value: Any) -> None:
    if value:
        include = body.get("include")
        known = include if isinstance(include, list) else []
        body["include"] = [*known, "message.output_text.logprobs"]


def _put_tool_choice(body: dict[str, Any], value: Any) -> None:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = {"type": "function", **value["function"]}
    body["tool_choice"] = value


def _put_tools(body: dict[str, Any], value: Any) -> None:
    if not isinstance(value, list):
        raise RequestRejected("The option `tools` must be a list of tools.")
    body["tools"] = [
        {"type": "function", **tool["function"]}
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
        else tool
        for tool in value
    ]


_TRANSLATIONS: Final[Mapping[str, Callable[[dict[str, Any], Any], None]]] = {
    "logprobs": _put_logprobs,
    "reasoning_effort": _put_effort,
    "response_format": _put_format,
    "tool_choice": _put_tool_choice,
    "tools": _put_tools,
    "verbosity": _put_verbosity,
}
"""Parameters that Responses have under another name or in another form."""
