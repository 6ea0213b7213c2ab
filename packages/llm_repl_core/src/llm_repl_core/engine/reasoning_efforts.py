"""How much the model of a prompt is to think: who says it, and whether the provider can be told."""

from __future__ import annotations

from llm_repl_core.engine.notebook_preferences import preferred_effort
from llm_repl_core.engine.routing import ProviderChoice
from llm_repl_core.errors import RequestRejected
from llm_repl_core.model.cell import PromptCell
from llm_repl_core.model.notebook import Notebook
from llm_repl_core.providers.base import Provider, Request
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = ["chosen_effort", "refuse_unknown_effort"]


def chosen_effort(
    cell: PromptCell, notebook: Notebook, choice: ProviderChoice
) -> ReasoningEffort | None:
    """What the cell says, else the notebook, else the settings; None: nobody does.

    Args:
        cell: The prompt.
        notebook: Its notebook.
        choice: What the settings say.

    Raises:
        InvalidInput: What the notebook says is none.
    """
    return (
        cell.reasoning_effort or preferred_effort(notebook.own_metadata) or choice.reasoning_effort
    )


def refuse_unknown_effort(request: Request, provider: Provider) -> None:
    """Refuse an effort that the provider would leave out, silently.

    Args:
        request: What is to be sent.
        provider: Who would answer.

    Raises:
        RequestRejected: It does not translate this effort.
    """
    effort, known = request.reasoning_effort, provider.reasoning_efforts
    if effort is None or effort in known:
        return
    if known:
        takes = f"takes only {', '.join(sorted(known))}"
    else:
        takes = "does not say how much a model is to think"
    raise RequestRejected(
        f"`reasoning_effort` is `{effort}`, and the provider `{provider.name}` {takes}: change it on "
        "the cell, in the notebook's `metadata.llm_repl` or in the settings, whichever sets it, or "
        "ask another provider."
    )
