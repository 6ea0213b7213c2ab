"""Where the token comes from, and that no log gets it."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_server.auth.redaction import RedactingFilter, redact_tokens
from llm_repl_server.auth.token import load_token


def test_the_settings_win_over_the_environment(monkeypatch):
    monkeypatch.setenv("LLM_REPL_TOKEN", "from the environment")
    loaded = load_token("from the settings\n")
    assert (loaded.secret.reveal(), loaded.generated) == ("from the settings", False)
    loaded = load_token()
    assert (loaded.secret.reveal(), loaded.generated) == ("from the environment", False)


@pytest.mark.parametrize("environ", [{}, {"LLM_REPL_TOKEN": ""}, {"LLM_REPL_TOKEN": " \n"}])
def test_without_one_it_is_made(environ):
    loaded, other = load_token(environ=environ), load_token("", environ)
    assert loaded.generated
    assert len(loaded.secret.reveal()) >= 43
    assert loaded.secret != other.secret
    assert loaded.secret.reveal() not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("GET /?token=abc HTTP/1.1", "GET /?token=[token] HTTP/1.1"),
        ("GET /?a=1&token=abc&b=2 HTTP/1.1", "GET /?a=1&token=[token]&b=2 HTTP/1.1"),
        ('"http://h/?token=abc#x"', '"http://h/?token=[token]#x"'),
        ("/?next=%2F%3Ftoken%3Dabc%26b%3D2", "/?next=%2F%3Ftoken%3D[token]%26b%3D2"),
        ("Authorization: Bearer abc", "Authorization: Bearer [token]"),
        ("/?TOKEN=abc&Token=def", "/?TOKEN=[token]&Token=[token]"),
        ("/?max_token=5&tokens=3", "/?max_token=5&tokens=3"),
    ],
)
def test_redaction(text, redacted):
    assert redact_tokens(text) == redacted
    assert redact_tokens(redacted) == redacted


@given(
    st.text(st.characters(whitelist_categories=("L", "N"), whitelist_characters="%-_~"), min_size=6)
)
def test_no_value_survives(value):
    value = value.replace("%", "%25")
    assert value not in redact_tokens(f"GET /path?x=1&token={value}&y=2 HTTP/1.1")


def test_the_filter_redacts_what_is_formatted_and_leaves_the_rest(caplog):
    logger = logging.getLogger("test-redaction")
    logger.addFilter(RedactingFilter())
    with caplog.at_level(logging.INFO, logger.name):
        logger.info("%s %s", "GET", "/?token=abc")
        logger.info("%d%% of %s", 5, "it")
    assert caplog.messages == ["GET /?token=[token]", "5% of it"]
