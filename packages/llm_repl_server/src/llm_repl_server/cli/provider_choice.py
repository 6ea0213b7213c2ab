"""Who answers the prompts of a command's run, settled before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_repl_core import Application, Notebook
    from llm_repl_core.ledger.record import Mode

__all__ = ["application_for", "check_providers", "choose_by_model", "provider_meant"]

_NEAR_MISS = 0.75
"""From when on a provider's name is taken for a slip of the pen."""


def application_for(
    *, provider: str | None, model: str | None, base_url: str | None
) -> tuple[Application, str | None, str | None]:
    """An application with the user's settings and what the command line says of them.

    Args:
        provider: Of the command line.
        model: Of the command line.
        base_url: Of the command line.

    Returns:
        The application, and the provider and the model of the command line.

    Raises:
        InvalidSetting: A setting cannot be used.
        ProviderNotFound: There is no provider of that name.
        InvalidInput: There is an address, and nobody who could use it.
    """
    from llm_repl_core import Application, Settings, load_settings

    flags = {"provider": provider, "model": model, "base_url": base_url}
    application = Application(load_settings(Settings, flags=flags))
    provider, model = choose_by_model(
        application, provider=provider, model=model, base_url=base_url
    )
    return application, provider, model


def choose_by_model(
    application: Application, *, provider: str | None, model: str | None, base_url: str | None
) -> tuple[str | None, str | None]:
    """Take ``--model openai/gpt-4o`` for the provider's name and the model's, and ``--model openai``
    for its default model, as a cell does.

    Args:
        application: Whose choice is made.
        provider: Of the command line.
        model: Of the command line.
        base_url: Of the command line.

    Returns:
        The provider and the model of the command line.

    Raises:
        ProviderNotFound: There is no provider of that name.
        InvalidInput: There is an address, and nobody who could use it.
    """
    from llm_repl_core import InvalidInput, Settings
    from llm_repl_core.engine.routing import ProviderChoice

    providers = application.providers
    if provider is not None:
        providers.require(provider)
    prefix, slash, rest = (model or "").partition("/")
    if rest and provider is None:
        _refuse_near_miss(prefix, rest, application)
    names_provider = prefix in providers.names() and provider in (None, prefix)
    if names_provider and provider is None and not slash and prefix != providers.choice.name:
        rest = providers.require(prefix).default_model
    if not names_provider or not rest:
        if base_url is not None and providers.choice.name == Settings().provider:
            raise InvalidInput(
                f"--base-url says where a provider's server is, and `{providers.choice.name}` has "
                "none: name the provider too, as in --provider openai."
            )
        return provider, model
    # The address of the settings is that of their provider.
    address = base_url or (providers.choice.base_url if providers.choice.name == prefix else None)
    effort = providers.choice.reasoning_effort
    providers.choose(
        ProviderChoice(name=prefix, model=rest, base_url=address, reasoning_effort=effort)
    )
    return prefix, rest


def provider_meant(prefix: str, names: Collection[str]) -> str | None:
    """The provider whose name was written with a slip of the pen; None: it is none, or nobody's.

    Models of some have slashes in their names, so that most of what is no provider's name is right.
    """
    from llm_repl_core.suggestions import nearest

    return None if prefix in names else nearest(prefix, names, likeness=_NEAR_MISS)


def _refuse_near_miss(prefix: str, model: str, application: Application) -> None:
    """Refuse a provider's name with a slip of the pen: another one would answer in its place.

    Raises:
        ProviderNotFound: It is nearly a provider's name. Models of some have slashes in their names.
    """
    from llm_repl_core import ProviderNotFound

    providers = application.providers
    meant = provider_meant(prefix, providers.names())
    if meant is not None:
        raise ProviderNotFound(
            f"There is no provider `{prefix}`. Did you mean `{meant}/{model}`? If this is the name of "
            f"a model, name its provider, too, as in --provider {providers.choice.name}."
        )


def check_providers(
    application: Application,
    notebook: Notebook,
    mode: Mode,
    cell_ids: Container[str] | None = None,
) -> None:
    """Refuse a run whose prompts name a provider that is not there, or that wants a missing key.

    Args:
        application: Has the providers.
        notebook: What is to run.
        mode: Of the run: only where all prompts are sent, all need a key.
        cell_ids: The cells that run; None: all.

    Raises:
        ProviderNotFound: A provider is not installed.
        ProviderError: It could not answer, as its key is missing.
        InvalidSetting: Its address is none.
    """
    from llm_repl_core import PromptCell, ProviderNotFound
    from llm_repl_core.engine.routing import route

    providers = application.providers
    checked: set[str] = set()
    for number, cell in enumerate(notebook, start=1):
        if not isinstance(cell, PromptCell) or not (cell_ids is None or cell.id in cell_ids):
            continue
        name = route(cell, notebook, providers.choice, providers.names()).provider
        try:
            providers.require(name)
        except ProviderNotFound as error:
            if name == providers.choice.name:
                raise
            raise ProviderNotFound(f"Cell {number} cannot be answered: {error}") from None
        if mode == "live" and name not in checked:
            checked.add(name)
            providers.check(name)
