"""What somebody may have meant: names that are nearly there."""

from __future__ import annotations

import pytest

from llm_repl_core import Application, CellExecutionError, Notebook, Session, Settings, hookimpl
from llm_repl_core.errors import ModelNotFound, ProviderUnreachable
from llm_repl_core.providers.base import Provider
from llm_repl_core.settings import ModelPrice
from llm_repl_core.suggestions import did_you_mean, nearest


def test_the_nearest_name_is_found_and_a_far_one_is_not():
    assert nearest("large-modle", ["small-model", "large-model"]) == "large-model"
    assert nearest("x" * 10_000, ["small-model"]) is None
    assert (did_you_mean("wrker", ["worker"]), did_you_mean("zzz", ["worker"])) == (
        " Did you mean `worker`?",
        "",
    )


class Picky(Provider):
    name = "picky"
    default_model = "large-model"

    async def stream(self, request):
        raise ModelNotFound("It has no such model.")
        yield


class Listing(Picky):
    async def models(self):
        return ["qwen", "llama", "large-model"]


class Unlisting(Picky):
    async def models(self):
        raise ProviderUnreachable("Not now.")


@pytest.mark.parametrize(
    ("provider", "model", "ending"),
    [
        (Picky, "large-modle", "no such model. Did you mean `large-model`?"),
        (Picky, "large-model", "no such model."),  # what it has not is not meant
        (Picky, "zzz", "no such model."),
        (Unlisting, "zzz", "no such model."),
        (Listing, "lama", "no such model. Did you mean `llama`?"),
        (Listing, "zzz", "no such model. It offers `qwen`, `llama`, `large-model`."),
        (Listing, "large-model", "no such model. It offers `qwen`, `llama`."),
    ],
)
def test_a_model_that_a_provider_does_not_have_is_answered_with_one_that_it_has(
    provider, model, ending
):

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [provider]

    prices = {
        "picky/large-model": ModelPrice(input=1, output=1),
        "picky/*": ModelPrice(input=1, output=1),
    }
    application = Application(Settings(prices=prices), entry_points=False)
    application.plugins.register(Plugin(), "picky")
    application = Application(application.settings, plugins=application.plugins, entry_points=False)
    notebook = Notebook()
    notebook.add_prompt("x", provider="picky", model=model)
    with (
        Session(notebook, application=application) as session,
        pytest.raises(CellExecutionError) as failed,
    ):
        session.run()
    assert str(failed.value).endswith(ending)
