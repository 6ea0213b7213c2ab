"""The suite passes what is right, and each of its tests fails for what is wrong."""

from __future__ import annotations

import asyncio
import itertools
from typing import ClassVar

import msgspec
import pytest
from msgspec import structs

from llm_repl_core.errors import ModelNotFound, ProviderError, RequestRejected
from llm_repl_core.providers.base import Delta, Message, Provider, ProviderConfig, ToolCall, Usage
from llm_repl_core.providers.parts import Media, Reasoning, Refusal
from llm_repl_core.providers.secret import Secret
from llm_repl_core.testing.provider_suite import ProviderSuite

KEY = "sk-canary-0123456789"


class _Echo(Provider):
    name = "echo"
    default_model = "echo"
    key_variable = "ECHO_KEY"

    def __init__(self, config=None):
        super().__init__(config)
        self.calls = 0

    async def stream(self, request):
        self.require_key()
        self.calls += 1
        if request.model != "echo":
            raise ModelNotFound(f"There is no model {request.model}.")
        for word in request.messages[-1].content.split(" "):
            await asyncio.sleep(0)
            yield Delta(text=word)
        yield Delta(finish_reason="stop", usage=Usage(output_tokens=1))


def _suite(provider_class, **attributes):
    def make_provider(self):
        return provider_class(ProviderConfig(api_key=Secret(KEY)))

    def make_tool_request(self, tool):
        return msgspec.structs.replace(self.make_request(), tools=(tool,))

    def make(kind):
        def make_it(self, tool=None):
            request = msgspec.structs.replace(
                self.make_request(), messages=(Message("user", kind),)
            )
            return request if tool is None else msgspec.structs.replace(request, tools=(tool,))

        return make_it if issubclass(provider_class, _Thinks) else lambda self, tool=None: None

    methods = {
        "make_provider": make_provider,
        "make_tool_request": make_tool_request,
        "make_reasoning_request": make("think"),
        "make_refusal_request": make("refuse"),
        "make_cached_request": make("cache"),
        "make_media_request": make("make"),
    }
    return type("Suite", (ProviderSuite,), {**methods, **attributes})()


class TestEcho(ProviderSuite):
    def make_provider(self):
        return _Echo(ProviderConfig(api_key=Secret(KEY)))

    def expected_answer(self, text):
        return text.replace(" ", "")


class _Silent(_Echo):
    async def stream(self, request):
        return
        yield


class _EndsTwice(_Echo):
    async def stream(self, request):
        yield Delta(text="a", finish_reason="stop")
        yield Delta(text="b", finish_reason="stop")


class _EndsEarly(_Echo):
    async def stream(self, request):
        yield Delta(finish_reason="stop")
        yield Delta(text="b")


class _CountsTwice(_Echo):
    async def stream(self, request):
        yield Delta(text="a", usage=Usage())
        yield Delta(text="b", usage=Usage())


class _Changes(_Echo):
    async def stream(self, request):
        self.calls += 1
        yield Delta(text=str(self.calls))


class _Mixes(_Echo):
    async def stream(self, request):
        self.text = request.messages[-1].content
        await asyncio.sleep(0)
        yield Delta(text=self.text)


class _DiesOfLeaving(_Echo):
    dead = False

    async def stream(self, request):
        if self.dead:
            return
        self.dead = True
        yield Delta(text="a")
        self.dead = False


class _DiesOfCancelling(_Echo):
    dead = False

    async def stream(self, request):
        if self.dead:
            return
        self.dead = True
        await asyncio.sleep(0.001)
        self.dead = False
        yield Delta(text="a")


class _TakesAnyModel(_Echo):
    async def stream(self, request):
        self.require_key()
        yield Delta(text="a")


class _TellsTheKey(_Echo):
    async def stream(self, request):
        error = ModelNotFound("No.")
        error.request = {"key": self.require_key()}
        raise error
        yield


class _NamesNoVariable(_Echo):
    async def stream(self, request):
        raise ProviderError("No key.")
        yield


class _ListsOthers(_Echo):
    async def models(self):
        return ["other"]


class _ClosesOnce(_Echo):
    closed = False

    async def close(self):
        assert not self.closed, "closed already"
        self.closed = True


class _HoldsOn(_Echo):
    async def stream(self, request):
        try:
            yield Delta(text="a")
        finally:
            await asyncio.sleep(60)  # until the event loop ends


class _SendsItsKey(_Echo):
    def body(self, request):
        return {"key": self.config.api_key.reveal()}


class _SendsBytes(_Echo):
    def body(self, request):
        return {"messages": tuple(request.messages)}


class _SendsNoNumber(_Echo):
    def body(self, request):
        return {"temperature": float("nan")}


class _SendsWhatChanges(_Echo):
    numbers = itertools.count()

    def body(self, request):
        return {"number": next(self.numbers), "model": request.model}


class _Calls(_Echo):
    asks = (ToolCall(id="1", name="add", arguments='{"x": 1}'),)

    async def stream(self, request):
        if request.messages[-1].role == "tool":
            assert [call.id for call in request.messages[-2].tool_calls] == ["1"]
            assert request.messages[-1].tool_call_id == "1"
            yield Delta(text=request.messages[-1].content)
        elif request.tools:
            yield Delta(tool_calls=self.asks)
        else:
            async for delta in super().stream(request):
                yield delta
            return
        yield Delta(finish_reason="stop")


class _CallsNothing(_Calls):
    asks = ()


class _CallsWithoutAnId(_Calls):
    asks = (ToolCall(id="", name="add", arguments="{}"),)


class _CallsInPieces(_Calls):
    asks = (ToolCall(id="1", name="add", arguments='{"x": '),)


class _CallsTwiceTheSame(_Calls):
    asks = _Calls.asks * 2


class _CallsAnother(_Calls):
    asks = (ToolCall(id="1", name="subtract", arguments="{}"),)


class _CallsAfterTheEnd(_Calls):
    async def stream(self, request):
        yield Delta(finish_reason="stop")
        yield Delta(tool_calls=self.asks)


class _FailsOfResults(_Calls):
    async def stream(self, request):
        if request.messages[-1].role == "tool":
            raise ProviderError("What is that?")
        async for delta in super().stream(request):
            yield delta


class _FailsOfAttachments(_Echo):
    async def stream(self, request):
        if request.messages[-1].attachments:
            raise ProviderError("What is that?")
        yield Delta(text="a")


class _RejectsSilently(_Echo):
    async def stream(self, request):
        if request.messages[-1].attachments:
            raise RequestRejected("")
        yield Delta(text="a")


class _Counts(_Echo):
    counted = 1

    async def count_tokens(self, request):
        return self.counted

    async def stream(self, request):
        yield Delta(text="a", usage=Usage(input_tokens=1))


class _Guesses(_Counts):
    counted = 2


class _HasASlash(_Echo):
    name = "a/b"


class _Thinks(_Calls):
    """Thinks in signed reasoning, refuses, caches, makes a picture, as the text says."""

    reasoning_efforts = frozenset({"low"})
    signature: ClassVar = {"signature": "s"}
    finish = "refusal"
    cached = 3
    made: ClassVar = (Media(media_type="image/png", data=b"PNG"),)

    async def stream(self, request):
        kind = request.messages[0].content
        self.calls += 1
        if kind == "think" and request.messages[-1].role == "user":
            yield Delta(reasoning="Hm.")
            yield Delta(parts=(Reasoning(provider_data=self.signature),))
            yield Delta(tool_calls=self.asks)
        elif kind == "refuse":
            yield Delta(parts=(Refusal(text="No."),), finish_reason=self.finish)
            return
        elif kind == "make":
            yield Delta(parts=self.made)
        else:
            yield Delta(text="a")
        usage = Usage(input_tokens=3, cached_input_tokens=self.cached if self.calls > 1 else 0)
        yield Delta(usage=usage, finish_reason="stop")


class _ForgetsToSendBack(_Thinks):
    def body(self, request):
        bare = [structs.replace(one, parts=()) for one in request.messages]
        return super().body(structs.replace(request, messages=tuple(bare)))


class _ThinksAloud(_Thinks):
    async def stream(self, request):
        async for delta in super().stream(request):
            yield structs.replace(delta, text=delta.reasoning or delta.text)


class _HidesThatItThinks(_Thinks):
    async def stream(self, request):
        async for delta in super().stream(request):
            yield structs.replace(delta, reasoning="", parts=())


class _RefusesInOtherWords(_Thinks):
    finish = "stop"


class _CachesNothing(_Thinks):
    cached = None


class _CachesMoreThanThereIs(_Thinks):
    cached = 4


class _MakesNothing(_Thinks):
    made = ()


class _MakesWithoutBytes(_Thinks):
    made: ClassVar = (Media(media_type="image/png", data=b""),)


class _ClaimsAnEffort(_Thinks):
    def body(self, request):
        return super().body(structs.replace(request, reasoning_effort=None))


class _ClaimsWhatThereIsNot(_Thinks):
    reasoning_efforts = frozenset({"enormous"})


class _RejectsAnEffortWithoutNamingIt(_Thinks):
    def body(self, request):
        if request.reasoning_effort is not None:
            raise RequestRejected("No.")
        return super().body(request)


WRONG = {
    "test_reasoning_is_no_text_and_goes_back": [
        _ForgetsToSendBack,
        _ThinksAloud,
        _HidesThatItThinks,
    ],
    "test_a_refusal_is_told_as_one": [_RefusesInOtherWords],
    "test_what_was_cached_is_counted": [_CachesNothing, _CachesMoreThanThereIs],
    "test_what_it_makes_comes_whole": [_MakesNothing, _MakesWithoutBytes],
    "test_an_effort_that_it_claims_is_sent": [
        _ClaimsAnEffort,
        _ClaimsWhatThereIsNot,
        _RejectsAnEffortWithoutNamingIt,
    ],
    "test_the_class_says_who_it_is": [_HasASlash],
    "test_an_answer_comes_in_deltas": [_Silent],
    "test_the_end_is_told_once": [_EndsTwice, _EndsEarly, _CountsTwice],
    "test_the_same_request_gets_the_same_answer": [_Changes],
    "test_calls_at_the_same_time_do_not_mix": [_Mixes, _Silent],
    "test_leaving_early_leaves_it_usable": [_DiesOfLeaving],
    "test_cancelling_leaves_it_usable": [_DiesOfCancelling],
    "test_an_unknown_model_is_reported": [_NamesNoVariable, _TakesAnyModel],
    "test_no_error_holds_the_key": [_TellsTheKey],
    "test_a_missing_key_names_its_variable": [_NamesNoVariable],
    "test_models_names_the_default": [_ListsOthers],
    "test_closing_twice_does_no_harm": [_ClosesOnce],
    "test_cancelling_closes": [_HoldsOn],
    "test_the_body_is_json_and_holds_no_key": [_SendsItsKey, _SendsBytes, _SendsNoNumber],
    "test_the_same_request_has_the_same_body": [_SendsWhatChanges],
    "test_tool_calls_come_whole": [
        _CallsNothing,
        _CallsWithoutAnId,
        _CallsInPieces,
        _CallsTwiceTheSame,
        _CallsAnother,
        _CallsAfterTheEnd,
        _FailsOfResults,
    ],
    "test_attachments_work_or_are_rejected": [_FailsOfAttachments, _RejectsSilently],
    "test_tokens_are_counted_exactly_or_not_at_all": [_Guesses],
}


RIGHT = {
    "test_reasoning_is_no_text_and_goes_back": _Thinks,
    "test_a_refusal_is_told_as_one": _Thinks,
    "test_what_was_cached_is_counted": _Thinks,
    "test_what_it_makes_comes_whole": _Thinks,
    "test_an_effort_that_it_claims_is_sent": _Thinks,
    "test_tool_calls_come_whole": _Calls,
    "test_tokens_are_counted_exactly_or_not_at_all": _Counts,
}
"""What passes where the echo would be passed over."""


def test_every_test_of_the_suite_is_shown_to_fail():
    assert {name for name in dir(ProviderSuite) if name.startswith("test_")} == set(WRONG)


@pytest.mark.parametrize(
    ("test", "provider_class"),
    [(test, wrong) for test, classes in WRONG.items() for wrong in classes],
)
def test_what_is_wrong_fails(test, provider_class):
    # pytest.raises within the suite fails with an exception of pytest's own.
    with pytest.raises(
        (AssertionError, pytest.fail.Exception, ProviderError, TypeError, ValueError)
    ):
        getattr(_suite(provider_class), test)()
    getattr(_suite(RIGHT.get(test, _Echo)), test)()


def test_a_capability_that_is_lacking_is_skipped():
    suite = _suite(
        _TakesAnyModel,
        rejects_unknown_models=False,
        deterministic=False,
        lists_default_model=False,
    )
    for name in (
        "test_an_unknown_model_is_reported",
        "test_no_error_holds_the_key",
        "test_the_same_request_gets_the_same_answer",
        "test_models_names_the_default",
    ):
        with pytest.raises(pytest.skip.Exception):
            getattr(suite, name)()


def test_a_connection_that_stays_open_fails():
    suite = _suite(_Echo, open_connections=lambda self: 1)
    with pytest.raises(AssertionError, match="stays open"):
        suite.test_cancelling_closes()
    _suite(_Echo, open_connections=lambda self: 0).test_cancelling_closes()


def test_without_tools_and_counts_nothing_is_claimed():
    class Nothing(ProviderSuite):
        def make_provider(self):
            return _Echo(ProviderConfig(api_key=Secret(KEY)))

    for name in ("test_tool_calls_come_whole", "test_tokens_are_counted_exactly_or_not_at_all"):
        with pytest.raises(pytest.skip.Exception):
            getattr(Nothing(), name)()


def test_a_provider_that_hangs_is_cut_off():
    class Hangs(_Echo):
        async def stream(self, request):
            await asyncio.Event().wait()
            yield Delta(text="late")

    with pytest.raises(TimeoutError):
        _suite(Hangs, limit_s=0.05).test_an_answer_comes_in_deltas()
