"""What somebody may have meant: names that are nearly there."""

from __future__ import annotations

import pytest

from llm_repl_core import Application, CellExecutionError, Notebook, Session, Settings, hookimpl
from llm_repl_core.errors import ModelNotFound
from llm_repl_core.ledger.prices import Prices
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


@pytest.mark.parametrize(
    ("model", "ending"),
    [("large-modle", "Did you mean `large-model`?"), ("zzz", "no such model.")],
)
def test_a_model_that_a_provider_does_not_have_is_answered_with_one_that_it_has(model, ending):
    class Picky(Provider):
        name = "picky"
        default_model = "large-model"

        async def stream(self, request):
            raise ModelNotFound("It has no such model.")
            yield

    class Plugin:
        @hookimpl
        def llm_repl_providers(self):
            return [Picky]

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


def test_models_with_a_price_are_listed_and_those_that_nobody_pays_are_not():
    assert "gpt-4o-mini" in Prices().listed_models("openai")
    assert Prices().listed_models("mock") == []
    assert Prices().listed_models("nobody") == []
