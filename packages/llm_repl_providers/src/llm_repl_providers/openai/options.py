"""The options of a request: those that say how it is sent, and the parameters that are sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from llm_repl_core.errors import RequestRejected
from llm_repl_core.providers.base import Request

__all__ = ["ApiSetting", "Options", "api_setting", "read_options"]

ApiSetting = Literal["auto", "chat", "responses"]
_SETTINGS: Final = ("api", "stream")


class Options(Struct, frozen=True, kw_only=True):
    """Options, read.

    Attributes:
        stream: Whether the answer is to come in pieces.
        parameters: What is sent, by the names of the options.
    """

    stream: bool
    parameters: dict[str, Any]


def api_setting(request: Request, defaults: Mapping[str, Any]) -> ApiSetting:
    """Which API the options ask for.

    Args:
        request: What is asked.
        defaults: Options that those of the request go before.

    Raises:
        RequestRejected: There is no such API.
    """
    chosen = request.options.get("api", defaults.get("api", "auto"))
    for known in get_args(ApiSetting):
        if chosen == known:
            return known  # type: ignore[no-any-return]  # it is one of the three words
    raise RequestRejected(f"The option `api` must be auto, chat or responses, not {chosen!r}.")


def read_options(
    request: Request,
    defaults: Mapping[str, Any],
    *,
    reserved: Collection[str],
    fields: Collection[str],
) -> Options:
    """Read the options of a request.

    Args:
        request: What is asked.
        defaults: Options that those of the request, and its fields, go before.
        reserved: Parameters that are not free to be set.
        fields: Parameters that the request's own fields make.

    Raises:
        RequestRejected: One is not free to be set, is said twice, or has an unknown value.
    """
    given = {**defaults, **request.options}
    for name in sorted({*reserved} & given.keys()):
        raise RequestRejected(
            f"The option `{name}` cannot be set, since LLM-REPL sets it itself: leave it out."
        )
    for name in sorted({*fields} & request.options.keys()):
        raise RequestRejected(f"The option `{name}` repeats a field of the request: leave it out.")
    stream = given.get("stream", True)
    if not isinstance(stream, bool):
        raise RequestRejected(f"The option `stream` must be true or false, not {stream!r}.")
    parameters = {name: value for name, value in given.items() if name not in _SETTINGS}
    return Options(stream=stream, parameters=parameters)
