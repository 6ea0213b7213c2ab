"""What calls cost."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.ledger.prices import estimate_price_usd, load_prices, price_usd
from llm_repl_core.providers.base import Usage


def cached(tokens: Any) -> dict[str, Any]:
    return {"prompt_tokens_details": {"cached_tokens": tokens}}


def test_a_call_is_priced_by_its_tokens() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=100_000)
    assert price_usd("openai", "gpt-4o", usage) == pytest.approx(2.5 + 1.0)
    assert price_usd("openai", "gpt-4o-2024-08-06", usage) == pytest.approx(3.5)
    assert estimate_price_usd("openai", "gpt-4o", 1_000_000, 100_000) == pytest.approx(3.5)
    only_input = Usage(input_tokens=1_000_000)
    assert price_usd("openai", "gpt-4o", only_input) == pytest.approx(2.5)


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
    assert price_usd("openai", "gpt-4o", Usage(input_tokens=-1, output_tokens=1)) is None


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

assert prices.price_usd("mock", "echo", Usage()) == 0.0
prices.load_prices("mock")
assert "genai_prices" not in sys.modules
assert threading.active_count() == 1
prices.load_prices("openai")
prices.load_prices("openai")
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(30)
assert "genai_prices" in sys.modules
assert prices.estimate_price_usd("openai", "gpt-4o", 1, 1) > 0
assert threading.active_count() == 1, threading.enumerate()
import genai_prices.data_snapshot
assert not genai_prices.data_snapshot.get_snapshot().from_auto_update
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_threads_may_ask_at_once() -> None:
    found: list[float | None] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(estimate_price_usd("openai", "gpt-4o", 1_000_000, 0))
        )
        for _ in range(8)
    ]
    load_prices("openai")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [pytest.approx(2.5)] * 8
