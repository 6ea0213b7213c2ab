"""Under a path of a proxy's: page, API, events, cookie, frames and the token's page; and no page at all."""

from __future__ import annotations

import json
import urllib.request

import pytest
from prefixing_proxy import PrefixingProxy

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

TOKEN = "a-token-for-the-test"  # nobody's


@pytest.mark.parametrize("strips", [True, False])
def test_a_notebook_runs_under_a_path(stage, window, port, strips):
    how = ["--trust-proxy"] if strips else ["--base-path", "/lab/notes"]
    command = ["llm-repl", "serve", "--port", str(port), *how]
    server = stage.start(*command, port=port, LLM_REPL_TOKEN=TOKEN)
    with PrefixingProxy(server.port, "/lab/notes", strips=strips) as proxy:
        window.goto(proxy.base)
        window.get_by_label("Token").fill("wrong")
        window.keyboard.press("Enter")
        window.get_by_text("This is not the server's token.").wait_for()
        window.get_by_label("Token").fill(TOKEN)
        window.keyboard.press("Enter")
        window.get_by_text("Open the example").click()
        window.get_by_role("button", name="Run all").click()
        # What comes by an event, over the websocket.
        window.get_by_text("You asked: A postcard in 20 words").wait_for()
        assert window.url.startswith(f"{proxy.base}/#/notebooks/")
        cookies = [one for one in window.context.cookies() if one["name"].startswith("llm")]
        assert [one["path"] for one in cookies] == ["/lab/notes"]
        assert TOKEN not in json.dumps(cookies)
        described = window.request.get(f"{proxy.base}/api/openapi.json").json()
        assert described["servers"] == [{"url": "/lab/notes"}]
        window.goto(f"{proxy.base}/api/docs/")
        window.get_by_text("/api/llm/providers", exact=True).first.wait_for()


def test_without_the_page_the_description_is_there(stage):
    server = stage.serve("--no-page")
    with urllib.request.urlopen(f"{server.base}/") as answer:
        assert answer.url.startswith(f"{server.base}/api/docs")
    assert server.ask("GET", "/static/page.js")[0] == 404
    assert server.ask("GET", "/api/health")[0] == 200
