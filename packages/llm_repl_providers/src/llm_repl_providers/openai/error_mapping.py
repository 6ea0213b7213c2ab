"""Which error of LLM-REPL's tree a server means, by its status, its codes and its words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from llm_repl_core.errors import (
    ContentRefused,
    ContextTooLong,
    KeyMissing,
    KeyRejected,
    ModelNotFound,
    ProviderError,
    ProviderServerError,
    ProviderTimeout,
    RateLimited,
    RequestRejected,
)

__all__ = ["SET_KEY", "ErrorReply", "status_of", "to_provider_error"]


class ErrorReply(Struct, frozen=True, kw_only=True):
    """What a server says in place of an answer.

    Attributes:
        status: The HTTP status, or what stands for it.
        message: One sentence without a key or a full stop; "": it says nothing.
        codes: Its words for programs.
        retry_after_s: How long it asks to wait; None: it does not say.
    """

    status: int
    message: str
    codes: frozenset[str]
    retry_after_s: float | None = None


def _pattern(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# Some servers put these codes under `code`, some under `type`, `status` or `reason`.
_NO_CREDIT_CODES: Final = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "Arrearage"}
)
_NO_CREDIT_PATTERN: Final = _pattern(
    r"insufficient[ _](?:balance|quota|credits?|funds)",
    r"credit balance",
    r"(?:out of|no|more|all available) credits",
    r"spending limit",
    r"payment required",
    r"account is in good standing",
    r"exceeded[ _](?:your )?current[ _]quota",
)
_TOO_LONG_CODES: Final = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
)
_TOO_LONG_PATTERN: Final = _pattern(
    r"(?:maximum|max|model'?s?|available|loaded with|exceeds?\w*|than) (?:the )?context",
    r"context[ _](?:length|size|window|limit)",
    r"(?:prompt|input|message|request|conversation|text|messages)s?(?: length)? (?:is|are) "
    r"too (?:long|large|big)",
    r"too many (?:input |prompt )?tokens",
    r"(?:reduce|shorten) (?:the length of )?(?:your |the )(?:message|prompt|input)",
    r"(?:input|prompt)[ _]?(?:token|length)\w*[^.]{0,60}exceed",
    r"(?:input|prompt) exceeds? (?:max|the)",
    r"exceed\w*[^.]{0,40}(?:maximum number of|max(?:imum)? (?:input|prompt|sequence|allowed)"
    r"|token limit|max_model_len|max_seq_len)",
    r"maximum (?:prompt|input|model|sequence) length",
    r"inputs?`? (?:tokens|must have less than)",
    r"tokens in request more than",
    r"range of input length",
    r"longer than the (?:maximum )?model",
    r"string too long",
)
_TOO_LARGE_PATTERN: Final = _pattern(r"request too large", r"reduce your message size")
"""Said with 429 of what is above a minute's allowance: no wait makes it smaller."""
_REFUSED_CODES: Final = frozenset(
    {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation",
     "data_inspection_failed", "moderation", "image_content_policy_violation", "bio_policy", "misalignment_policy_violation",
     "moderation_blocked"}
)  # fmt: skip
_REFUSED_PATTERN: Final = _pattern(
    r"content (?:management )?policy", r"content filter", r"flagged", r"inappropriate content"
)
_NO_MODEL_CODES: Final = frozenset(
    {"model_not_found", "invalid_model", "model_not_available", "model_not_supported",
     "DeploymentNotFound", "ModelNotFound", "model_not_exist"}
)  # fmt: skip
_NO_MODEL_PATTERN: Final = _pattern(
    r"\bmodels?\b[^.;]{0,80}?(?:\bnot (?:exist|found|deployed|loaded|a valid)|n't exist"
    r"|no access|\bis(?: currently)? not available|not have access)",
    r"\bno such model",
    r"(?:invalid|unknown|unrecognized|not found the|unable to access|no access to)"
    r" (?:the )?model\b(?! (?:input|output|parameter|response|request|config))",
    r"not a valid model",
    r"no models? (?:is |are )?loaded",
    r"not have access to (?:the )?model",
    r"model \S{1,80} is not supported by any",
    r"\bmodel\b[^.;]{0,80}? not found",
    r"no endpoints found for",
    r"deployment\b[^.;]{0,60}does not exist",
)
_NO_FEATURE_PATTERN: Final = _pattern(r"no endpoints found that", r"does(?: not|n't) support")
# A path such as /v1/models is not meant.
_MODEL_PATTERN: Final = re.compile(r"(?<![/\w])models?\b", re.IGNORECASE)
_RATE_LIMIT_CODES: Final = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "throttling_error",
     "ThrottlingException", "RateLimitReached", "too_many_requests", "TooManyRequests"}
)  # fmt: skip
_RATE_LIMIT_PATTERN: Final = _pattern(
    r"rate.?limit", r"too many requests", r"throttl", r"(?:tokens|requests) per (?:min|sec|day)"
)
_WAIT_PATTERN: Final = re.compile(
    r"(?:try again|retry|wait)(?: in| after| for)? (?:(\d+)m)?(\d+(?:\.\d+)?) ?(ms|s\b|sec)",
    re.IGNORECASE,
)
_BAD_KEY_CODES: Final = frozenset(
    {"invalid_api_key", "invalid_authentication_error", "API_KEY_INVALID", "UNAUTHENTICATED",
     "authentication_error", "incorrect_api_key", "InvalidApiKey", "invalid_key",
     "invalid_request_key"}
)  # fmt: skip
_BAD_KEY_PATTERN: Final = _pattern(
    r"(?:invalid|incorrect|missing|no|wrong|expired|bad|provide an?|valid) (?:\w+ )?api[ _-]?key",
    r"api[ _-]?key[^.]{0,40}(?:not valid|invalid|incorrect|missing|expired|not found|required)",
    r"(?:invalid|missing|failed|no) (?:authentication|authorization|credentials|bearer)",
    r"(?:authentication|authorization)[^.]{0,20}(?:failed|fails|required|error)",
    r"\bunauthorized\b|not authenticated",
)
_SERVER_CODES: Final = frozenset(
    {"server_error", "internal_server_error", "overloaded_error", "api_error", "INTERNAL",
     "UNAVAILABLE", "InternalServerError", "service_unavailable"}
)  # fmt: skip
_NOT_SUPPORTED_PATTERN: Final = _pattern(r"(?:not|n't|un)[ -]?(?:supported|implemented)\b")
_SERVER_PATTERN: Final = _pattern(r"overloaded", r"server (?:is )?(?:busy|error)", r"out of memory")


_REQUEST_CODES: Final = _pattern(
    r"^(?:invalid|unsupported|unknown|missing|image|empty_image|failed_to_download_image"
    r"|data_residency)_",
    r"_policy\b|policy_violation|bad_request",
)


SET_KEY: Final = "Set OPENAI_API_KEY, or run `llm-repl keys set openai`."
"""How the key of OpenAI's own server is set."""


def status_of(codes: Iterable[str]) -> int:
    """The HTTP status for an error that came without one, by its codes; the server's fault, if any.

    Args:
        codes: Its words for programs.
    """
    codes = list(codes)
    if any("timeout" in code for code in codes):
        return 504
    return 400 if any(_REQUEST_CODES.search(code) for code in codes) else 500


def to_provider_error(
    reply: ErrorReply, *, where: str, has_key: bool, set_key: str = SET_KEY
) -> ProviderError:
    """The error that a reply means, with one sentence.

    Args:
        reply: What the server says.
        where: How messages name the server.
        has_key: Whether a key was sent.
        set_key: How a key is set, in a sentence.
    """
    status, message, codes = reply.status, reply.message, reply.codes
    inside = where[:1].lower() + where[1:]
    says = f": {message}." if message else "."
    if _is_out_of_credit(reply):
        # Not RateLimited: to wait does not help.
        return KeyRejected(f"The account of this key has no credit left at {inside}{says}")
    if _is_too_long(reply):
        return ContextTooLong(f"The prompt is too long for the model at {inside}{says}")
    if codes & _REFUSED_CODES or (status in {400, 403} and _REFUSED_PATTERN.search(message)):
        return ContentRefused(f"{where} refused the content{says}")
    if _has_no_model(reply):
        return ModelNotFound(f"{where} has no such model{says}")
    if codes & _RATE_LIMIT_CODES or status == 429 or _mentions(_RATE_LIMIT_PATTERN, reply):
        wait_s = _stated_wait_s(reply)
        return RateLimited(f"{where} limits the rate of requests{says}", retry_after_s=wait_s)
    if status in {401, 403} or codes & _BAD_KEY_CODES or _mentions(_BAD_KEY_PATTERN, reply):
        if not has_key:
            return KeyMissing(f"{where} wants a key and none is set{says} {set_key}")
        return KeyRejected(f"{where} does not accept the key ({status}){says} {set_key}")
    return _by_status(reply, where, says)


def _by_status(reply: ErrorReply, where: str, says: str) -> ProviderError:
    status = reply.status
    if status == 404:
        return RequestRejected(
            f"{where} does not know this address (404){says} See whether `base_url` is right; it "
            "usually ends in /v1."
        )
    if status in {408, 504}:
        return ProviderTimeout(f"{where} gave up waiting ({status}){says}")
    if status in {500, 501} and _NOT_SUPPORTED_PATTERN.search(reply.message):
        # It would be so the next time.
        return RequestRejected(f"{where} rejects the request ({status}){says}")
    if (
        status >= 500
        or reply.codes & _SERVER_CODES
        or (status in {400, 403} and _SERVER_PATTERN.search(reply.message))
    ):
        return ProviderServerError(f"{where} failed ({status}){says}")
    if 300 <= status < 400:
        return RequestRejected(
            f"{where} redirects elsewhere ({status}), where neither the key nor the prompt is "
            "sent: set `base_url` to the server's own address."
        )
    return RequestRejected(f"{where} rejects the request ({status}){says}")


def _is_out_of_credit(reply: ErrorReply) -> bool:
    if reply.status == 402 or reply.codes & _NO_CREDIT_CODES:
        return True
    # Of what comes back within the minute, some servers say that the quota is exceeded.
    comes_back = reply.status == 429 and _stated_wait_s(reply) is not None
    is_of_request = reply.status in {400, 401, 403, 429}
    return is_of_request and not comes_back and bool(_NO_CREDIT_PATTERN.search(reply.message))


def _is_too_long(reply: ErrorReply) -> bool:
    if reply.codes & _TOO_LONG_CODES:
        return True
    if _TOO_LARGE_PATTERN.search(reply.message):
        return reply.status in {400, 413, 422, 429}
    # Tokens are also what there are too many of in a minute.
    is_of_request = reply.status in {400, 413, 422, 500} and not reply.codes & _RATE_LIMIT_CODES
    return is_of_request and bool(_TOO_LONG_PATTERN.search(reply.message))


def _has_no_model(reply: ErrorReply) -> bool:
    if reply.codes & _NO_MODEL_CODES:
        return True
    if _NO_FEATURE_PATTERN.search(reply.message):
        return False
    if reply.status == 404 and _MODEL_PATTERN.search(reply.message):
        return True
    is_of_request = reply.status in {400, 401, 403, 404, 422, 500}
    return is_of_request and bool(_NO_MODEL_PATTERN.search(reply.message))


def _mentions(pattern: re.Pattern[str], reply: ErrorReply) -> bool:
    return reply.status in {400, 403, 404, 422, 500} and bool(pattern.search(reply.message))


def _stated_wait_s(reply: ErrorReply) -> float | None:
    """How long it asks to wait: in a header, or in its words."""
    if reply.retry_after_s is not None:
        return reply.retry_after_s
    told = _WAIT_PATTERN.search(reply.message)
    if told is None:
        return None
    seconds = float(told[2]) * (0.001 if told[3].lower() == "ms" else 1.0)
    return 60.0 * int(told[1] or 0) + seconds
