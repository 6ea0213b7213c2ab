from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core import Application, Notebook, PromptCell, Session, Settings
from llm_repl_core.engine.routing import ProviderChoice, Route, route

KNOWN = ("mock", "openai", "local")
NAMES = st.sampled_from(KNOWN)
MODELS = st.sampled_from(["small", "large", "meta-llama/x", "a/b/c", "/x", "x/", ""])
MAYBE_MODELS = st.none() | MODELS | st.builds("{}/{}".format, NAMES, MODELS)
CHOICES = st.builds(ProviderChoice, name=NAMES, model=st.none() | MODELS)


def routed(cell=None, noted=None, choice=None):
    notebook = Notebook(metadata={} if noted is None else {"llm_repl": noted})
    return route(PromptCell(**(cell or {})), notebook, choice or ProviderChoice(), KNOWN)


def test_nobody_says_anything():
    assert routed() == Route("mock", None)
    assert routed(choice=ProviderChoice(name="openai", model="m")) == Route("openai", "m")


def test_the_cell_goes_first():
    noted = {"provider": "openai", "model": "of-notebook"}
    assert routed({"provider": "local"}, noted) == Route("local", None)
    assert routed({"provider": "local", "model": "m"}, noted) == Route("local", "m")
    assert routed({"model": "m"}, noted) == Route("openai", "m")
    assert routed({"model": "local/m"}, noted) == Route("local", "m")
    assert routed({}, noted) == Route("openai", "of-notebook")


def test_the_notebook_goes_before_the_choice():
    choice = ProviderChoice(name="local", model="chosen")
    assert routed({}, {"model": "m"}, choice) == Route("local", "m")
    assert routed({}, {"provider": "openai"}, choice) == Route("openai", None)
    assert routed({}, {"provider": "local"}, choice) == Route("local", "chosen")
    assert routed({}, {"model": "openai/m"}, choice) == Route("openai", "m")


def test_only_a_providers_name_is_a_prefix():
    assert routed({"model": "meta-llama/x"}) == Route("mock", "meta-llama/x")
    assert routed({"model": "openai/meta-llama/x"}) == Route("openai", "meta-llama/x")
    assert routed({"provider": "local", "model": "openai/x"}) == Route("local", "openai/x")
    assert routed({"provider": "openai", "model": "openai/x"}) == Route("openai", "x")


def test_a_providers_name_alone_is_its_default_model():
    assert routed({"model": "openai"}) == Route("openai", None)
    assert routed({}, {"model": "openai"}) == Route("openai", None)
    choice = ProviderChoice(name="openai", model="m")
    assert routed({"model": "openai"}, {"model": "local/x"}, choice) == Route("openai", None)
    assert routed({"model": "openai"}, choice=choice) == Route("openai", None)
    # A provider that is named beside it may have a model of that name.
    assert routed({"provider": "local", "model": "openai"}) == Route("local", "openai")


def test_what_a_notebook_notes_may_be_anything():
    for noted in (5, "x", [], {"provider": 5, "model": []}, {"provider": "", "model": ""}):
        assert routed({}, noted) == Route("mock", None)


@given(NAMES, MAYBE_MODELS, CHOICES)
def test_a_provider_that_a_cell_names_is_the_one(provider, model, choice):
    found = routed({"provider": provider, "model": model}, choice=choice)
    assert found.provider == provider
    if not model and provider != choice.name:
        assert not found.model  # nobody else's model


@given(NAMES, st.text(min_size=1), CHOICES)
def test_a_prefix_chooses_and_is_taken_off_once(provider, model, choice):
    assert routed({"model": f"{provider}/{model}"}, choice=choice) == Route(provider, model)


@given(MAYBE_MODELS, MAYBE_MODELS, CHOICES)
def test_what_a_notebook_notes_is_like_what_its_cell_says(model, noted, choice):
    by_notebook = routed({}, {"model": model}, choice)
    assert by_notebook == routed({"model": model or None}, None, choice)
    if model and model not in KNOWN:
        assert routed({"model": model}, {"model": noted}, choice).model is not None


def test_the_settings_choose(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(tmp_path))
    application = Application(Settings(provider="mock", model="echo"))
    notebook = Notebook()
    notebook.add_prompt("hello")
    with Session(notebook, application=application) as session:
        session.run()
        assert session.state["response_0"] == "hello"
