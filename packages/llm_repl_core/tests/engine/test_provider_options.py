"""Options of providers in the settings: defaults, which a cell's parameters override."""

from __future__ import annotations

import pytest

from llm_repl_core import Application, InvalidSetting, Notebook, Session, Settings
from llm_repl_core.settings import load_settings
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

OPTIONS = {"openai": {"api": "responses", "stream": False, "max_tokens": 50}}


def test_they_are_defaults_for_that_provider_and_no_other(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "only-for-tests")
    notebook = Notebook("Example")
    notebook.add_prompt("First?", response_var="a")
    notebook.add_prompt("Second?", response_var="b", parameters={"max_tokens": 7, "api": "chat"})
    notebook.add_prompt("Third?", response_var="c", model="mock/echo")
    with OpenAIServer(reply=Reply(text="ok")) as server:
        settings = Settings(
            provider="openai", model="m", base_url=server.base_url, provider_options=OPTIONS
        )
        with Session(notebook, application=Application(settings)) as session:
            session.run()
            assert (session.state["a"], session.state["c"]) == ("ok", "Third?")
        by_path = {request.path: request.body for request in server.requests}
    first, second = by_path["/v1/responses"], by_path["/v1/chat/completions"]
    assert (first["stream"], first["max_output_tokens"]) == (False, 50)
    assert (second["stream"], second["max_tokens"]) == (False, 7)


def test_the_environment_has_them_as_json():
    environ = {"LLM_REPL_PROVIDER_OPTIONS": '{"openai": {"stream": false}}'}
    settings = load_settings(Settings, environ=environ)
    assert settings.provider_options == {"openai": {"stream": False}}


def test_a_provider_that_there_is_not_is_told_with_those_that_there_are():
    settings = Settings(provider_options={"opnai": {}})
    with pytest.raises(InvalidSetting, match=r"`opnai`, which is no provider.*mock, openai.*\.$"):
        Application(settings)


@pytest.mark.parametrize("value", ['{"openai": 3}', "[1]", '{"openai": [1]}'])
def test_what_is_no_mapping_is_told(value):
    with pytest.raises(InvalidSetting, match=r"PROVIDER_OPTIONS is not usable: .*\.$"):
        load_settings(Settings, environ={"LLM_REPL_PROVIDER_OPTIONS": value})
