"""The entry point `mock`."""

from __future__ import annotations

from collections.abc import Iterable

from llm_repl_core.plugins.markers import hookimpl
from llm_repl_core.providers.base import Provider
from llm_repl_providers.mock.provider import MockProvider

__all__ = ["llm_repl_providers"]


@hookimpl
def llm_repl_providers() -> Iterable[type[Provider]]:
    """Bring the mock provider."""
    return [MockProvider]
