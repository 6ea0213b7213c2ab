"""What the mock provider does, read from a model's name and from options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from llm_repl_core import errors
from llm_repl_core.errors import ModelNotFound, ProviderError, RateLimited, RequestRejected
from llm_repl_core.misfit import misfit
from llm_repl_providers.mock.asked_calls import AskedCall, read_calls

__all__ = ["MODELS", "Behaviour", "failures", "read_behaviour"]

MODELS: Final = (
    "mock",
    "echo",
    "list:yes|no",
    "fail:rate_limited",
    "call:tool",
    "call-forever:tool",
)
"""One example of every form that a name can have."""

_SETTINGS: Final = {
    "delay": "delay_s",
    "per_token": "delay_per_token_s",
    "after": "fail_after_tokens",
    "retry_after": "retry_after_s",
    "think": "reasoning_text",
    "refuse": "refusal_text",
    "cite": "citation_url",
    "make": "made_media_type",
    "search": "server_search",
    "finish": "finish_word",
    "cache": "counts_cache",
}
_NAME = re.compile(
    rf"(?P<model>.*?)(?P<settings>(?:\+(?:{'|'.join(_SETTINGS)})=[^+|=]*)*)", re.DOTALL
)


_SHORT_FRACTION = re.compile(r"\.\d+")
"""As people write half a second."""


class Behaviour(Struct, frozen=True, kw_only=True):
    """How a request is answered. The fields are the options of the same names.

    Attributes:
        echo: Whether the answer is the last user message as it is.
        answers: What is answered, one after the other, again from the first after the last.
        calls: Tools that are asked for, once, where the request offers any.
        calls_forever: Whether they are asked for again after every result.
        fail: The code of the error that is raised.
        fail_after_tokens: How many pieces of the answer come before it.
        retry_after_s: What `RateLimited` asks for.
        delay_s: Before the first piece.
        delay_per_token_s: Before each piece.
        reasoning_text: What the model thinks first; it is signed, and the signature is checked
            where the turn comes back.
        refusal_text: What the model says in place of an answer.
        citation_url: Where the answer is from.
        made_media_type: What the model makes beside its answer: ``image/png`` or ``audio/wav``.
        server_search: What the server searches for before the answer.
        finish_word: The server's word for why the answer ended.
        counts_cache: Whether usage says how many words came from the cache, which one provider
            object fills with the messages of its calls, and how many were written to it.
        logprobs: Whether each piece comes with its log probability.
        top_logprobs: How many likeliest pieces come with it.
    """

    echo: bool = False
    answers: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    calls: tuple[AskedCall, ...] = ()
    calls_forever: bool = False
    fail: str | None = None
    fail_after_tokens: Annotated[int, Meta(ge=0)] = 0
    retry_after_s: Annotated[float, Meta(ge=0)] | None = None
    delay_s: Annotated[float, Meta(ge=0)] = 0.0
    delay_per_token_s: Annotated[float, Meta(ge=0)] = 0.0
    reasoning_text: str | None = None
    refusal_text: str | None = None
    citation_url: str | None = None
    made_media_type: str | None = None
    server_search: str | None = None
    finish_word: str | None = None
    counts_cache: bool = False
    logprobs: bool | int = False
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] = 0

    def failure(self) -> ProviderError | None:
        """The error that is to be raised, or None."""
        if self.fail is None:
            return None
        message = f"The mock provider was asked to fail: {self.fail}."
        error_class = failures()[self.fail]
        if issubclass(error_class, RateLimited):
            return error_class(message, retry_after_s=self.retry_after_s)
        return error_class(message)


def failures() -> dict[str, type[ProviderError]]:
    """Every error of a provider, by its code."""
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return {known.code: known for known in classes if issubclass(known, ProviderError)}


def read_behaviour(model: str, options: Mapping[str, Any]) -> Behaviour:
    """Read a model's name, which goes before options.

    Raises:
        ModelNotFound: The failure that is asked for does not exist.
        RequestRejected: A setting or an option has an unusable value.
    """
    match = _NAME.fullmatch(model)
    assert match is not None  # it fits any text
    # What a name alone can say, no option can.
    free = {name: value for name, value in options.items() if not name.startswith("calls")}
    fields = {**free, **_fields(match["model"])}
    for setting in match["settings"].split("+")[1:]:
        word, _, value = setting.partition("=")
        fields[_SETTINGS[word]] = f"0{value}" if _SHORT_FRACTION.fullmatch(value) else value
    try:
        # Not strict: the settings of a name are texts. Options of other providers are passed over.
        behaviour = msgspec.convert(fields, Behaviour, strict=False)
    except msgspec.ValidationError as error:
        path, reason = misfit(error, Behaviour, {})
        raise RequestRejected(
            f"The mock provider does not understand `{model}` and its options: {reason} at `{path}`."
        ) from None
    if behaviour.fail is not None and behaviour.fail not in failures():
        raise ModelNotFound(
            f"The mock provider has no failure `{behaviour.fail}`; "
            f"there are {', '.join(sorted(failures()))}."
        )
    return behaviour


def _fields(word: str) -> dict[str, Any]:
    kind, colon, argument = word.partition(":")
    if word == "echo":
        return {"echo": True, "answers": None}
    if kind == "list" and colon:
        return {"answers": argument.split("|")}
    if kind == "fail" and colon:
        return {"fail": argument}
    if kind in {"call", "call-forever"} and colon:
        return {"calls": read_calls(argument), "calls_forever": kind == "call-forever"}
    return {}  # a notebook that was written for a real model runs offline, too
