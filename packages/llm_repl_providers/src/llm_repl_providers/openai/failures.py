"""OpenAI's errors as errors of LLM-REPL's tree, each with one sentence and no key."""

from __future__ import annotations

import math
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import openai

from llm_repl_core.errors import (
    AnswerBroken,
    ContentRefused,
    ContextTooLong,
    KeyMissing,
    KeyRejected,
    ModelNotFound,
    ProviderError,
    ProviderServerError,
    ProviderTimeout,
    ProviderUnreachable,
    RateLimited,
    RequestRejected,
)
from llm_repl_core.providers.secret import Secret, redact

__all__ = ["explain", "is_known", "retry_after_s"]

_WORDS_LIMIT_CHARACTERS: Final = 300

# Some servers put these words under `code`, some under `type`.
_NO_CREDIT: Final = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_TOO_LONG: Final = {"context_length_exceeded", "exceed_context_size_error"}
_REFUSED: Final = {"content_filter", "content_policy_violation"}
_NO_MODEL: Final = {"model_not_found", "invalid_model"}
_PATIENCE: Final = {"rate_limit_exceeded", "rate_limit_error"}
_SERVER: Final = {"server_error", "internal_server_error", "overloaded_error"}
# Servers without such words say it in a sentence.
_TOO_LONG_SENTENCE: Final = re.compile(r"maximum context length|context (length|size|window)")

# A path such as /v1/models is not meant.
_MODEL_WORD: Final = re.compile(r"(?<![/\w])models?\b", re.IGNORECASE)


def is_known(error: Exception) -> bool:
    """Whether `explain` has words for an error.

    Some versions of the SDK let errors of its HTTP library, and of reading JSON, pass through.
    """
    return isinstance(error, openai.OpenAIError | ValueError | TypeError) or _is_of_http(error)


def explain(
    error: Exception, *, where: str, secret: Secret | None, timeout_s: float, begun: bool
) -> ProviderError:
    """Turn an error of the SDK into one of ours.

    Args:
        error: What was raised.
        where: How messages name the server.
        secret: The key that was sent; None: none was.
        timeout_s: How long was waited, at most.
        begun: Whether the server had begun to answer.
    """
    if isinstance(error, openai.APIStatusError):
        headers = error.response.headers
        return _status(error, error.status_code, headers, where=where, secret=secret)
    if isinstance(error, openai.APITimeoutError) or _any_named(error, "TimeoutException"):
        if _any_named(error, "ConnectTimeout", "PoolTimeout"):
            return ProviderTimeout(f"{where} did not accept a connection in time.")
        return ProviderTimeout(f"{where} sent nothing for {timeout_s:g} s.")
    if isinstance(error, openai.APIConnectionError) or _is_of_http(error):
        return _connection(error, where, secret, begun=begun)
    if isinstance(error, openai.APIResponseValidationError):
        begun = True
    elif isinstance(error, openai.APIError):
        # An error in the middle of the stream: it has no status, at most a numeric code.
        code = str(error.code or "")
        status = int(code) if code.isdecimal() else 500
        return _status(error, status, {}, where=where, secret=secret)
    words = _tidy(str(error), secret)
    if begun:
        return AnswerBroken(f"The answer of {_inside(where)} cannot be read: {words}.")
    return RequestRejected(f"The request to {_inside(where)} cannot be sent: {words}.")


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


def _status(
    error: openai.APIError,
    status: int,
    headers: Mapping[str, str],
    *,
    where: str,
    secret: Secret | None,
) -> ProviderError:
    words = _server_words(error, secret)
    says = f": {words}." if words else "."
    marks = {str(error.code), str(error.type)}  # of any type, since nobody validates them
    if marks & _NO_CREDIT or status == 402:
        # Not RateLimited: to wait does not help.
        return KeyRejected(f"The account of this key has no credit left at {_inside(where)}{says}")
    if marks & _TOO_LONG or (status in {400, 413, 422} and _TOO_LONG_SENTENCE.search(words)):
        return ContextTooLong(f"The prompt is too long for the model at {_inside(where)}{says}")
    if marks & _REFUSED:
        return ContentRefused(f"{where} refused the content{says}")
    if marks & _NO_MODEL or (status == 404 and _MODEL_WORD.search(words)):
        return ModelNotFound(f"{where} has no such model{says}")
    if marks & _PATIENCE or status == 429:
        return RateLimited(f"{where} asks for patience{says}", retry_after_s=retry_after_s(headers))
    if status in {401, 403}:
        if secret is None:
            return KeyMissing(f"{where} wants a key and none is set{says} {_SET_KEY}")
        return KeyRejected(f"{where} does not accept the key ({status}){says} {_SET_KEY}")
    if status == 404:
        return RequestRejected(
            f"{where} does not know this address (404): see whether `base_url` is right; it "
            "usually ends in /v1."
        )
    if status in {408, 504}:
        return ProviderTimeout(f"{where} gave up waiting ({status}){says}")
    if status >= 500 or marks & _SERVER:
        return ProviderServerError(f"{where} failed ({status}){says}")
    if 300 <= status < 400:
        return RequestRejected(
            f"{where} redirects elsewhere ({status}), where neither the key nor the prompt is "
            "sent: set `base_url` to the server's own address."
        )
    return RequestRejected(f"{where} rejects the request ({status}){says}")


_SET_KEY: Final = "Set OPENAI_API_KEY, or run `llm-repl keys set openai`."


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


def _server_words(error: openai.APIError, secret: Secret | None) -> str:
    """Find what the server itself says, where that is a sentence."""
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body.get("error")
    if body is None and not isinstance(error, openai.APIStatusError):
        body = error.message
    if not isinstance(body, str) or body.lstrip().startswith("<"):  # a page of HTML says nothing
        return ""
    return _tidy(body, secret)


def _tidy(text: str, secret: Secret | None) -> str:
    """Make a text fit into one sentence, and take keys out of it."""
    text = " ".join(redact(text, secret).split())
    # Keys of which stars hide the middle: the rest is nobody's business, either.
    text = re.sub(r"\S*\*{3,}\S*", "[key]", text)
    if len(text) > _WORDS_LIMIT_CHARACTERS:
        text = text[:_WORDS_LIMIT_CHARACTERS] + "…"
    return text.rstrip(".")


def _inside(where: str) -> str:
    return where[:1].lower() + where[1:]
