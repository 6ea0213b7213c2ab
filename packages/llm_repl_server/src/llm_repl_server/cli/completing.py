"""Names that are known only when they are asked for: notebooks, providers, models, cells.

Nobody is asked over a network, and what fails offers nothing: a shell shows what is printed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from llm_repl_core import Application

__all__ = [
    "complete_cells",
    "complete_models",
    "complete_notebooks",
    "complete_providers",
    "complete_settings",
]

_MOST_FILES = 1000
_MOST_CELLS = 500
_MOST_BYTES = 20_000_000
_HELP_WIDTH = 60


def _quietly(
    complete: Callable[[click.Context, str], Iterable[CompletionItem]],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def completed(
        context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            return list(complete(context, incomplete))
        except Exception:  # noqa: BLE001  # a traceback would stand in the line that is typed
            return []

    return completed


@_quietly
def complete_notebooks(_context: click.Context, incomplete: str) -> Iterable[CompletionItem]:
    """Files of notebooks, and folders to look into."""
    head, tail = os.path.split(incomplete)
    endings = tuple(_application().readable_formats())
    folder = Path(head).expanduser() if head else Path()
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(tail) or (entry.name.startswith(".") and not tail):
                continue
            shown = os.path.join(head, entry.name)  # noqa: PTH118  # as it was typed: `./` stays
            if entry.is_dir():
                found.append(CompletionItem(shown + "/"))
            elif entry.name.lower().endswith(endings):
                found.append(CompletionItem(shown))
            if len(found) == _MOST_FILES:
                break
    return sorted(found, key=lambda item: str(item.value))


@_quietly
def complete_cells(context: click.Context, incomplete: str) -> Iterable[CompletionItem]:
    """The numbers of the cells of the notebook that is named before, with their first words."""
    # Behind an option that still wants its value, click has not told arguments apart.
    path = context.params.get("notebook") or next(iter(context.args), None)
    # `3,5-7`: what is typed up to the last comma stays.
    done = incomplete.rpartition(",")[0]
    head, begun = (f"{done},", incomplete[len(done) + 1 :]) if done else ("", incomplete)
    if path is None or Path(path).stat().st_size > _MOST_BYTES:
        return
    from llm_repl_server.cli.terminal_text import one_line

    for number, cell in enumerate(_application().load(Path(path)), start=1):
        if number > _MOST_CELLS:
            return
        if str(number).startswith(begun):
            words = f"{cell.type}: {one_line(cell.content, _HELP_WIDTH)}"
            yield CompletionItem(f"{head}{number}", help=words)


@_quietly
def complete_providers(_context: click.Context, incomplete: str) -> Iterable[CompletionItem]:
    """The providers that are installed, and servers under names of their own."""
    for name in _application().providers.names():
        if name.startswith(incomplete):
            yield CompletionItem(name)


@_quietly
def complete_models(context: click.Context, incomplete: str) -> Iterable[CompletionItem]:
    """Models whose prices are known or set, and defaults: of the provider that is named, or of all."""
    named = context.params.get("provider")
    application = _application()
    for provider in application.providers.names():
        for model in _models(application, provider):
            shown = model if named else f"{provider}/{model}"
            if named in (None, provider) and shown.startswith(incomplete):
                yield CompletionItem(shown)


@_quietly
def complete_settings(_context: click.Context, incomplete: str) -> Iterable[CompletionItem]:
    """The names of settings, with what they are for."""
    from llm_repl_core.settings import describe_settings
    from llm_repl_server.settings import ServerSettings

    for setting in describe_settings(ServerSettings):
        name = f"{setting.section}.{setting.name}" if setting.section else setting.name
        # Some know it by its last word alone, which is enough.
        shown = next((word for word in (name, setting.name) if word.startswith(incomplete)), None)
        if shown is not None:
            yield CompletionItem(shown, help=setting.description.partition(". ")[0])


def _application() -> Application:
    from llm_repl_core import Application, Settings, load_settings

    return Application(load_settings(Settings))


def _models(application: Application, provider: str) -> Iterable[str]:
    names: dict[str, Any] = dict.fromkeys(application.prices.models(provider))
    names[application.providers.require(provider).default_model] = None
    return filter(None, names)
