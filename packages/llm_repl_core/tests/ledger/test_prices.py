"""What calls cost."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.ledger.prices import Prices, load_prices
from llm_repl_core.ledger.token_counts import TokenCounts
from llm_repl_core.model.output import Output
from llm_repl_core.providers.base import Usage
from llm_repl_core.settings import ModelPrice

listed = Prices()
price_usd, estimate_price_usd = listed.price_usd, listed.estimate_usd

OWN = Prices(
    {
        "openai/gpt-4o": ModelPrice(input=1, output=2, cached_input=0.5),
        "mine": ModelPrice(input=3, output=4),
        "local/*": ModelPrice(input=0, output=0),
    }
)


def cached(tokens: Any) -> dict[str, Any]:
    return {"prompt_tokens_details": {"cached_tokens": tokens}}


def test_a_call_is_priced_by_its_tokens() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=100_000)
    assert price_usd("openai", "gpt-4o", usage) == pytest.approx(2.5 + 1.0)
    assert price_usd("openai", "gpt-4o-2024-08-06", usage) == pytest.approx(3.5)
    assert estimate_price_usd("openai", "gpt-4o", 1_000_000, 100_000) == pytest.approx(3.5)


def test_tokens_from_the_providers_cache_have_its_price() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0, raw=cached(400_000))
    assert price_usd("openai", "gpt-4o", usage) == pytest.approx(0.6 * 2.5 + 0.4 * 1.25)


@pytest.mark.parametrize("tokens", [0, -1, 2_000_000, "400", None, True, 1.5, [], {}])
def test_a_strange_count_of_cached_tokens_is_not_counted(tokens: Any) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0, raw=cached(tokens))
    assert price_usd("openai", "gpt-4o", usage) == pytest.approx(2.5)


def test_the_mock_is_free() -> None:
    assert price_usd("mock", "echo", Usage()) == 0.0
    assert estimate_price_usd("mock", "echo", 10, 10) == 0.0


def test_what_is_not_known_has_no_price() -> None:
    usage = Usage(input_tokens=1, output_tokens=1)
    assert price_usd("openai", "no-such-model", usage) is None
    assert price_usd("openai", "", usage) is None
    assert price_usd("no-such-provider", "gpt-4o", usage) is None
    assert price_usd("", "gpt-4o", usage) is None
    assert price_usd("openai", "gpt-4o", Usage()) is None
    assert price_usd("openai", "gpt-4o", Usage(input_tokens=1_000_000)) is None
    assert price_usd("openai", "gpt-4o", Usage(output_tokens=1)) is None
    assert price_usd("openai", "gpt-4o", Usage(input_tokens=-1, output_tokens=1)) is None


def test_an_answer_whose_model_has_a_price_for_messages_alone_has_none() -> None:
    assert (
        price_usd("openai", "text-embedding-3-small", Usage(input_tokens=1, output_tokens=1))
        is None
    )
    assert price_usd(
        "openai", "text-embedding-3-small", Usage(input_tokens=1_000_000, output_tokens=0)
    )


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-4o", 1 + 2),
        ("openai", "gpt-4o-mini", 0.15 + 0.6),
        ("openai", "mine", 3 + 4),
        ("anything", "mine", 3 + 4),
        ("local", "whatever", 0),
        ("other", "whatever", None),
        ("mock", "mine", 0),
    ],
)
def test_prices_of_ones_own_go_before_those_of_the_list(
    provider: str, model: str, expected: float | None
) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    assert OWN.price_usd(provider, model, usage) == (
        None if expected is None else pytest.approx(expected)
    )


def test_a_price_of_ones_own_for_cached_tokens() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0, raw=cached(400_000))
    assert OWN.price_usd("openai", "gpt-4o", usage) == pytest.approx(0.6 * 1 + 0.4 * 0.5)
    assert OWN.price_usd("openai", "mine", usage) == pytest.approx(3)
    assert OWN.price_usd("openai", "mine", Usage(input_tokens=-1, output_tokens=1)) is None


def usage_of(**counts: Any) -> Usage:
    return Usage(**{"input_tokens": 1_000_000, "output_tokens": 1_000_000} | counts)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, 1 + 10),
        ({"cached_input_tokens": 500_000}, 0.5 * 1 + 0.5 * 0.1 + 10),
        ({"cache_write_tokens": 500_000}, 0.5 * 1 + 0.5 * 1.25 + 10),
        ({"cached_input_tokens": 250_000, "cache_write_tokens": 250_000}, 0.5 + 0.3375 + 10),
        ({"reasoning_tokens": 500_000}, 1 + 0.5 * 10 + 0.5 * 4),
        ({"input_by_modality": {"audio": 500_000}}, 0.5 + 0.5 * 30 + 10),
        ({"output_by_modality": {"image": 500_000}}, 1 + 0.5 * 10 + 0.5 * 40),
        ({"input_by_modality": {"video": 500_000}}, 1 + 10),
        ({"service_tier": "flex"}, 5.5),
        ({"service_tier": "FLEX", "cached_input_tokens": 1_000_000}, (0.1 + 10) / 2),
        ({"service_tier": "default"}, 11),
        ({"service_tier": "priority"}, None),
        ({"cached_input_tokens": 2_000_000}, 11),
        ({"reasoning_tokens": -1}, 11),
        ({"input_tokens": None}, None),
    ],
)
def test_every_kind_of_token_has_its_price(counts: dict[str, Any], expected: float | None) -> None:
    prices = Prices(
        {
            "m": ModelPrice(
                input=1,
                output=10,
                cached_input=0.1,
                cache_write=1.25,
                reasoning=4,
                input_by_modality={"audio": 30},
                output_by_modality={"image": 40},
                service_tiers={"flex": 0.5},
            )
        }
    )
    assert prices.price_usd("openai", "m", usage_of(**counts)) == (
        None if expected is None else pytest.approx(expected)
    )


def test_the_list_knows_kinds_and_terms_too() -> None:
    usual = price_usd("openai", "gpt-5-mini", usage_of())
    assert usual == pytest.approx(0.25 + 2)
    cached_half = usage_of(cached_input_tokens=500_000)
    assert price_usd("openai", "gpt-5-mini", cached_half) == pytest.approx(0.1375 + 2)
    assert price_usd("openai", "gpt-5-mini", usage_of(service_tier="flex")) == usual / 2
    assert price_usd("openai", "gpt-5-mini", usage_of(service_tier="default")) == usual
    for terms in ("enormous", "batch-of-tomorrow"):
        assert price_usd("openai", "gpt-5-mini", usage_of(service_tier=terms)) is None
    written = usage_of(cache_write_tokens=1_000_000)
    assert price_usd("anthropic", "claude-sonnet-4-5", written) == pytest.approx(
        price_usd("anthropic", "claude-sonnet-4-5", usage_of()) * (7.5 + 22.5) / (6 + 22.5)
    )


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.none() | st.integers(-5, 10**9),
    st.none() | st.integers(-5, 10**9),
    st.none() | st.integers(-5, 10**9),
    st.dictionaries(st.sampled_from(["audio", "image", "fish"]), st.integers(-5, 10**9)),
)
def test_no_token_is_counted_twice(
    sent: int,
    received: int,
    cached: int | None,
    written: int | None,
    reasoning: int | None,
    kinds: dict[str, int],
) -> None:
    counts = TokenCounts.of(
        Usage(
            input_tokens=sent,
            output_tokens=received,
            cached_input_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=reasoning,
            input_by_modality=kinds,
            output_by_modality=kinds,
        )
    )
    assert counts is not None
    assert counts.plain_input >= 0 <= counts.plain_output
    flat = Prices({"m": ModelPrice(input=1, output=1)}).price_usd(
        "x",
        "m",
        Usage(
            input_tokens=sent,
            output_tokens=received,
            cached_input_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=reasoning,
            input_by_modality=kinds,
            output_by_modality=kinds,
        ),
    )
    assert flat == pytest.approx((sent + received) / 1_000_000)


def test_how_much_a_model_takes_is_known_from_the_list() -> None:
    assert listed.context_window("openai", "gpt-4o") == 128_000
    assert listed.context_window("mock", "echo") is None
    assert listed.context_window("openai", "no-such-model") is None


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["openai", "anthropic", "litellm", "x"]) | st.text(max_size=5),
    st.sampled_from(["gpt-4o", "claude-3-5-sonnet"]) | st.text(max_size=30),
    st.none() | st.integers(),
    st.none() | st.integers(),
)
def test_it_never_fails(
    provider: str, model: str, input_tokens: int | None, output_tokens: int | None
) -> None:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    price = price_usd(provider, model, usage)
    assert price is None or (math.isfinite(price) and price >= 0)


def test_the_list_is_read_when_it_is_needed_in_a_thread_and_without_the_network() -> None:
    code = """
import socket, sys, threading

def refuse(*_, **__):
    raise AssertionError("the network was asked")

socket.socket.connect = socket.getaddrinfo = refuse
from llm_repl_core.ledger import prices
from llm_repl_core.providers.base import Usage

listed = prices.Prices()
assert listed.price_usd("mock", "echo", Usage()) == 0.0
listed.load("mock")
assert "genai_prices" not in sys.modules
assert threading.active_count() == 1
listed.load("openai")
listed.load("openai")
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(30)
assert "genai_prices" in sys.modules
assert listed.estimate_usd("openai", "gpt-4o", 1, 1) > 0
assert threading.active_count() == 1, threading.enumerate()
import genai_prices.data_snapshot
assert not genai_prices.data_snapshot.get_snapshot().from_auto_update
"""
    # Not measured: to trace the import of the list takes ten seconds.
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_threads_may_ask_at_once() -> None:
    found: list[float | None] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(estimate_price_usd("openai", "gpt-4o", 1_000_000, 0))
        )
        for _ in range(8)
    ]
    load_prices()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [pytest.approx(2.5)] * 8


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({"provider": "mine", "model": "any"}, None),
        ({"provider": "openai", "model": "gpt-4o", "usage": {"input_tokens": 2_000_000, "output_tokens": 0}}, 2.0),
        ({"provider": "mock", "model": "echo", "usage": {}}, 0.0),
        ({"provider": 7, "model": "gpt-4o", "usage": {}}, None),
        ({"provider": "openai", "usage": {}}, None),
        ({"provider": "openai", "model": "gpt-4o", "usage": "odd"}, None),
        ({"provider": "openai", "model": "gpt-4o", "usage": {"input_tokens": "many"}}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_an_answer_of_a_file_has_its_price_whatever_stands_there(
    fields: dict[str, Any], price: float | None
) -> None:
    assert OWN.answer_price_usd(Output("llm_response", "", fields)) == price


def test_the_models_of_a_provider_are_those_of_the_table_and_of_the_list() -> None:
    prices = Prices(
        {name: ModelPrice(input=1, output=1) for name in ("openai/own", "openai/*", "own/m")}
    )
    models = prices.models("openai")
    assert models[0] == "own"
    assert "*" not in models
    assert "gpt-4o" in models
    assert len(models) == len(set(models))
    assert prices.models("OpenAI") == models[1:]
    assert prices.models("own") == ["m"]
    assert prices.models("nobody") == []
