"""Which provider and which model answer a cell."""

from __future__ import annotations

from collections.abc import Container

from msgspec import Struct

from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = ["ProviderChoice", "Route", "route"]


class ProviderChoice(Struct, frozen=True, kw_only=True):
    """Who answers where neither cell nor notebook says it.

    Attributes:
        name: The provider's name.
        model: Its model; None: the provider's default.
        base_url: Where its server is; None: its own.
        trusted_url: Whether the operator chose ``base_url`` (settings), not a client.
        reasoning_effort: How much models are to think where neither cell nor notebook says it.
    """

    name: str = "mock"
    model: str | None = None
    base_url: str | None = None
    trusted_url: bool = True
    reasoning_effort: ReasoningEffort | None = None


class Route(Struct, frozen=True):
    """Where a call goes.

    Attributes:
        provider: The provider's name.
        model: The model's name without the provider's; None: the provider's default.
    """

    provider: str
    model: str | None


def route(
    cell: PromptCell, notebook: Notebook, choice: ProviderChoice, known: Container[str]
) -> Route:
    """Find who answers a cell.

    The provider is the cell's, else the prefix of its model where that names a provider
    (``openai/gpt-4o``; not ``meta-llama/…``), else the notebook's, else ``choice``. A model that
    stands behind a provider is used with that provider only. A provider's name alone (``openai``)
    is its default model.

    Args:
        cell: The prompt.
        notebook: Its notebook, which says its own under ``metadata.llm_repl``.
        choice: Who answers otherwise.
        known: The names of the providers that there are.
    """
    noted_provider, noted_model = notebook.preference("provider"), notebook.preference("model")
    default = Route(choice.name, choice.model)
    if noted_provider is not None or noted_model is not None:
        default = _resolve(noted_provider, noted_model, default, known)
    return _resolve(cell.provider, cell.model, default, known)


def _resolve(
    provider: str | None, model: str | None, default: Route, known: Container[str]
) -> Route:
    if model is not None:
        prefix, slash, rest = model.partition("/")
        if slash and rest and prefix in known and provider in (None, prefix):
            provider, model = prefix, rest
        elif provider is None and model in known:
            return Route(model, None)
    if provider is None or provider == default.provider:
        return Route(default.provider, model or default.model)
    return Route(provider, model)
