from __future__ import annotations

import asyncio
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core import errors
from llm_repl_core.errors import ModelNotFound, ProviderError, RateLimited, RequestRejected
from llm_repl_core.providers.base import Message, Provider, ProviderConfig, Request, Tool, Usage
from llm_repl_core.providers.streaming import deltas
from llm_repl_core.testing.provider_suite import ProviderSuite
from llm_repl_providers.mock.behaviour import MODELS
from llm_repl_providers.mock.provider import MockProvider

CODES = sorted(
    value.code
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, ProviderError)
)


def _request(model="mock", text="Say hello.", **options):
    messages = (Message("system", "Be kind."), Message("user", text))
    return Request(model=model, messages=messages, options=options)


async def _pieces(request, provider=None):
    return [delta async for delta in deltas(provider or MockProvider(), request)]


def _answer(request, provider=None):
    return "".join(piece.text for piece in asyncio.run(_pieces(request, provider)))


class TestMockProvider(ProviderSuite):
    rejects_unknown_models = False

    def make_provider(self) -> Provider:
        return MockProvider()

    def expected_answer(self, text: str) -> str:
        return f"This is the mock model. You asked: {text}"

    def make_tool_request(self, tool: Tool) -> Request:
        request = self.make_request()
        return msgspec.structs.replace(
            request, model=f'call:{tool.name} {{"x": 1}}|{tool.name} {{"x": 2}}', tools=(tool,)
        )

    def make_reasoning_request(self, tool: Tool) -> Request:
        request = self.make_tool_request(tool)
        return msgspec.structs.replace(request, model=f"{request.model}+think=Let me see.")

    def make_refusal_request(self) -> Request:
        return _request("echo+refuse=I would rather not.")

    def make_cached_request(self) -> Request:
        return _request("echo+cache=1")

    def make_media_request(self) -> Request:
        return _request("echo+make=image/png")


class TestMockEcho(ProviderSuite):
    rejects_unknown_models = False

    def make_provider(self) -> Provider:
        return MockProvider()

    def make_request(self, text="A word or two.") -> Request:
        return _request("echo+per_token=0.001", text)


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_echo_gives_any_text_back_as_it_is(text):
    assert _answer(_request("echo", text)) == text


def test_the_last_message_of_the_user_counts():
    messages = (Message("user", "one"), Message("assistant", "two"), Message("user", "three"))
    assert _answer(Request(model="echo", messages=messages)) == "three"
    assert _answer(Request(model="echo", messages=())) == ""


def test_usage_counts_words_and_comes_with_the_end():
    *_, last = asyncio.run(_pieces(_request("echo", "one two  three")))
    assert last.usage == Usage(input_tokens=5, output_tokens=3)
    assert (last.finish_reason, last.model, last.text) == ("stop", "echo", "")


def test_a_list_is_gone_through_for_each_object():
    first, second = MockProvider(), MockProvider()
    request = _request("list:red|green 1+1=2|")
    assert [_answer(request, first) for _ in range(4)] == ["red", "green 1+1=2", "", "red"]
    assert _answer(request, second) == "red"


def test_answers_come_from_options_too():
    provider = MockProvider(ProviderConfig(options={"answers": ["configured"]}))
    assert _answer(_request(), provider) == "configured"
    assert _answer(_request(answers=["a", "b"]), provider) == "a"
    assert _answer(_request("echo", "the name goes first"), provider) == "the name goes first"


@pytest.mark.parametrize("code", CODES)
def test_every_provider_error_can_be_asked_for(code):
    for request in (_request(f"fail:{code}"), _request("echo", fail=code)):
        with pytest.raises(ProviderError) as caught:
            asyncio.run(_pieces(request))
        assert caught.value.code == code
        assert code in str(caught.value)


def test_there_are_errors_to_ask_for():
    assert {"rate_limited", "provider_timeout", "provider"} <= set(CODES)


@pytest.mark.parametrize(
    "request_",
    [
        _request("fail:rate_limited+after=2+retry_after=1.5"),
        _request("mock", fail="rate_limited", fail_after_tokens=2, retry_after_s=1.5),
    ],
)
def test_a_failure_can_come_in_the_middle(request_):
    came = []

    async def main():
        async for delta in deltas(MockProvider(), request_):
            came.append(delta.text)

    with pytest.raises(RateLimited) as caught:
        asyncio.run(main())
    assert came == ["This ", "is "]
    assert caught.value.retry_after_s == 1.5


@pytest.mark.parametrize(
    ("request_", "least_s"),
    [
        (_request("echo+delay=0.05", "a b"), 0.05),
        (_request("echo+delay=.05", "a b"), 0.05),
        (_request("echo+per_token=0.03", "a b"), 0.06),
        (_request("echo", "a b", delay_s=0.05, delay_per_token_s=0.01), 0.07),
    ],
)
def test_it_waits_as_it_is_told(request_, least_s):
    before = time.monotonic()
    assert _answer(request_) == "a b"
    assert time.monotonic() - before >= least_s * 0.95


@pytest.mark.parametrize("model", ["echo+delay=60", "echo+per_token=60"])
def test_it_can_be_cancelled_while_it_waits(model):
    async def main():
        call = asyncio.create_task(_pieces(_request(model)))
        await asyncio.sleep(0.01)
        call.cancel()
        before = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert time.monotonic() - before < 2

    asyncio.run(main())


def test_a_long_answer_lets_others_run():
    async def main():
        call = asyncio.create_task(_pieces(_request("echo", "word " * 50_000)))
        await asyncio.sleep(0.001)
        assert not call.done()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())


@pytest.mark.parametrize("model", ["gpt-4", "claude", "mock+", "list", "fail", "openai/o1"])
def test_the_name_of_a_real_model_is_answered_so_that_its_notebook_runs_offline(model):
    assert _answer(_request(model)) == _answer(_request("mock"))


def test_an_unknown_failure_is_told_what_there_is():
    with pytest.raises(ModelNotFound, match="rate_limited"):
        asyncio.run(_pieces(_request("fail:nope")))


@pytest.mark.parametrize(
    "request_",
    [
        _request("echo+delay=soon"),
        _request("echo+delay=-1"),
        _request("echo", delay_s=-1),
        _request("echo", delay_per_token_s="x"),
        _request("mock", answers=[]),
        _request("mock", answers=[1]),
        _request("fail:rate_limited+after=x"),
    ],
)
def test_an_unusable_value_is_one_sentence(request_):
    with pytest.raises(RequestRejected, match=r"^The mock provider does not understand .*\.$"):
        asyncio.run(_pieces(request_))


def test_an_unusable_value_is_named():
    with pytest.raises(
        RequestRejected, match=r"options: expected `float`, got `str` at `delay_s`\.$"
    ):
        asyncio.run(_pieces(_request("echo+delay=soon")))


def test_options_of_other_providers_are_passed_over():
    assert _answer(_request("echo", "hi", max_tokens=3, top_p=0.5, seed=1)) == "hi"


def test_every_model_that_is_listed_is_known():
    assert asyncio.run(MockProvider().models()) == list(MODELS)
    for model in MODELS:
        if not model.startswith(("fail:", "call")):
            assert _answer(_request(model))
