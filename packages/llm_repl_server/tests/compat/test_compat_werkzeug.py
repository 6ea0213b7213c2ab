"""Werkzeug's rules, without what it compiles to build addresses."""

from __future__ import annotations

import pytest
from flask import url_for
from werkzeug.routing import Rule

from llm_repl_server.compat.werkzeug import MatchingRule


def test_an_application_is_made_without_compiling_how_addresses_are_built(
    make_api, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[object] = []
    monkeypatch.setattr(Rule, "_get_func_code", lambda *arguments: compiled.append(arguments))
    api = make_api()
    path = api.new_notebook("x = 1")
    assert api.get(f"{path}/cells").status_code == 200
    assert {type(rule) for rule in api.app.url_map.iter_rules()} == {MatchingRule}
    assert compiled == []


def test_addresses_can_be_built_all_the_same(make_api) -> None:
    app = make_api().app
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values = {name: name for name in rule.arguments}
            address = url_for(rule.endpoint, **values, more="x y")
            assert address.endswith("?more=x+y")
