"""OpenAI's errors as errors of LLM-REPL's tree, each with one sentence and no key."""

from __future__ import annotations

import json
import math
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import openai

from llm_repl_core.errors import (
    AnswerBroken,
    AnswerUnreadable,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    RequestRejected,
)
from llm_repl_core.providers.secret import Secret, redact
from llm_repl_providers.openai.error_body import codes_in, message_in, status_in
from llm_repl_providers.openai.error_in_answer import ErrorInAnswer
from llm_repl_providers.openai.error_mapping import (
    SET_KEY,
    ErrorReply,
    status_of,
    to_provider_error,
)

__all__ = ["body_of", "error_reply", "explain", "is_known", "retry_after_s"]

_WORDS_LIMIT_CHARACTERS: Final = 300
# Neither for people nor for a terminal, which may do what they say.
_UNREADABLE: Final = re.compile("[\x00-\x1f\x7f\ufffd]")
_READABLE_FOR_ONE: Final = 10


def is_known(error: Exception) -> bool:
    """Whether `explain` knows an error.

    Some versions of the SDK let errors of its HTTP library, and of reading JSON, pass through.
    """
    known = openai.OpenAIError | ErrorInAnswer | ValueError | TypeError
    return isinstance(error, known) or _is_of_http(error)


def explain(
    error: Exception,
    *,
    where: str,
    secret: Secret | None,
    timeout_s: float,
    begun: bool,
    set_key: str = SET_KEY,
) -> ProviderError:
    """Turn an error of the SDK into one of ours.

    Args:
        error: What was raised.
        where: How messages name the server.
        secret: The key that was sent; None: none was.
        timeout_s: How long was waited, at most.
        begun: Whether the server had begun to answer.
        set_key: How a key is set, in a sentence.
    """
    if isinstance(error, openai.APIStatusError):
        return to_provider_error(
            error_reply(error, secret), where=where, has_key=secret is not None, set_key=set_key
        )
    if isinstance(error, openai.APITimeoutError) or _any_named(error, "TimeoutException"):
        if _any_named(error, "ConnectTimeout", "PoolTimeout"):
            return ProviderTimeout(f"{where} did not accept a connection in time.")
        return ProviderTimeout(f"{where} sent nothing for {timeout_s:g} s.")
    if isinstance(error, openai.APIConnectionError) or _is_of_http(error):
        return _connection(error, where, secret, begun=begun)
    if isinstance(error, ErrorInAnswer):
        return to_provider_error(
            error_reply(error, secret), where=where, has_key=secret is not None, set_key=set_key
        )
    message = _tidy(str(error), secret)
    if begun:
        return AnswerUnreadable(f"The answer of {_inside(where)} cannot be read: {message}.")
    return RequestRejected(f"The request to {_inside(where)} cannot be sent: {message}.")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a server asks to wait: a number, or a date; None: it does not say."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            wait_s = float(text) * unit_s
        except ValueError:
            try:
                wait_s = parsedate_to_datetime(text).timestamp() - time.time()
            except ValueError:
                continue
        if math.isfinite(wait_s):
            return max(0.0, wait_s)
    return None


def error_reply(error: openai.APIStatusError | ErrorInAnswer, secret: Secret | None) -> ErrorReply:
    """What a server says in an error, without the key.

    Args:
        error: What came.
        secret: The key that was sent; None: none was.
    """
    body = body_of(error)
    message, codes = _tidy(message_in(body), secret), codes_in(body)
    if isinstance(error, ErrorInAnswer):
        status = status_in(body) or status_of(codes)
        return ErrorReply(status=status, message=message, codes=codes)
    return ErrorReply(
        status=error.status_code,
        message=message,
        codes=codes,
        retry_after_s=retry_after_s(error.response.headers),
    )


def body_of(error: openai.APIStatusError | ErrorInAnswer) -> Any:
    """All of an error: JSON, or the text where it is none. The SDK's own is a part of it."""
    if isinstance(error, ErrorInAnswer):
        return error.body
    try:
        return json.loads(error.response.content)
    except (ValueError, RecursionError):
        return error.response.text


def _connection(
    error: Exception, where: str, secret: Secret | None, *, begun: bool
) -> ProviderError:
    causes = list(_causes(error))
    if begun:
        return AnswerBroken(f"{where} broke off in the middle of its answer.")
    if _any_named(error, "ReadError", "RemoteProtocolError"):
        return AnswerBroken(f"{where} closed the connection without an answer.")
    tls = [cause for cause in causes if isinstance(cause, ssl.SSLError)]
    deepest = (tls or causes or [error])[-1]
    return ProviderUnreachable(
        f"{where} cannot be reached: {_tidy(str(deepest), secret) or type(deepest).__name__}. "
        "Is it running, and is this machine online?"
    )


def _is_of_http(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in {"httpx", "httpx2"}


def _any_named(error: BaseException, *names: str) -> bool:
    """Look for classes of the HTTP library, of which the SDK has used more than one."""
    known = {base.__name__ for cause in (error, *_causes(error)) for base in type(cause).__mro__}
    return not known.isdisjoint(names)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what is behind an error, outermost first."""
    behind = error.__cause__ or error.__context__
    while behind is not None:
        yield behind
        if isinstance(behind, BaseExceptionGroup):
            behind = behind.exceptions[0]
        else:
            behind = behind.__cause__ or behind.__context__


def _tidy(text: str, secret: Secret | None) -> str:
    """Make a text fit into one sentence, and take keys out of it."""
    text = " ".join(redact(text, secret).split())
    unreadable = _UNREADABLE.findall(text)
    if len(unreadable) > len(text) // _READABLE_FOR_ONE:
        return ""  # bytes of something else, and no words
    text = _UNREADABLE.sub("", text)
    # Keys of which stars hide the middle: the rest is nobody's business, either.
    text = re.sub(r"\S*\*{3,}\S*", "[key]", text)
    if len(text) > _WORDS_LIMIT_CHARACTERS:
        text = text[:_WORDS_LIMIT_CHARACTERS] + "…"
    return text.rstrip(".")


def _inside(where: str) -> str:
    return where[:1].lower() + where[1:]
