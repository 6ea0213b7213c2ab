"""All that LLM-REPL asks of a provider, and one line of the author's own."""

from __future__ import annotations

from llm_repl_reverse import ReverseProvider

from llm_repl_core import Provider
from llm_repl_core.testing.provider_suite import ProviderSuite


class TestReverseProvider(ProviderSuite):
    def make_provider(self) -> Provider:
        return ReverseProvider()

    def expected_answer(self, text: str) -> str:
        return text[::-1]
