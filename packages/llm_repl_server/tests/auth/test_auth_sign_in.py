"""The page that takes the token of a browser."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from llm_repl_core.providers.secret import Secret
from llm_repl_server.auth.middleware import AccessMiddleware
from llm_repl_server.auth.policy import Policy
from llm_repl_server.auth.sign_in import SIGN_IN_PATH

TOKEN = "a token&=%+é"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Host": "repl.example.org"}
ORIGIN = {"Origin": "https://repl.example.org", "Host": "repl.example.org"}


@pytest.fixture
def client():
    inside = Response("inside", mimetype="text/plain")
    return Client(AccessMiddleware(inside, Policy("token", Secret(TOKEN))), use_cookies=False)


def sign_in(client, token=TOKEN, **options):
    options = {"headers": ORIGIN, "data": {"token": token}} | options
    return client.post(SIGN_IN_PATH, **options)


@pytest.mark.parametrize(
    "path", ["/", "/api/notebooks", "/api/docs/", "/sign-in", "//evil.example"]
)
def test_a_browser_gets_a_page_that_loads_and_leaks_nothing(client, path):
    answer = client.get(path, headers=PAGE)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    text = answer.get_data(as_text=True)
    assert re.search(r'<form method="post" action="/sign-in">', text)
    assert "http" not in text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Referrer-Policy"] == "same-origin"  # the form has to say its origin
    assert "Set-Cookie" not in answer.headers


def test_programs_get_json(client):
    for headers in ({"Accept": "*/*"}, {}, {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}):
        answer = client.get("/api/notebooks", headers={"Host": "repl.example.org"} | headers)
        assert (answer.status_code, answer.mimetype) == (401, "application/json")


@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
def test_the_token_gives_a_cookie_that_lets_in(client, scheme, is_secure):
    answer = sign_in(client, base_url=f"{scheme}://repl.example.org")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert (bool(cookie["httponly"]), cookie["samesite"]) == (True, "Lax")
    assert bool(cookie["secure"]) is is_secure
    assert TOKEN not in answer.headers["Set-Cookie"]
    headers = PAGE | {"Cookie": f"{cookie.key}={cookie.value}"}
    assert client.get("/", headers=headers).get_data() == b"inside"


@pytest.mark.parametrize("token", ["", "wrong", "a token", "é", "x" * 100_000])
def test_a_wrong_token_gets_the_page_again(client, token):
    answer = sign_in(client, token)
    assert answer.status_code == 401
    assert "not the server" in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Host": "repl.example.org", "Origin": "https://evil.example"}},
        {"headers": {"Host": "repl.example.org", "Origin": "null"}},
        {"headers": {"Host": "repl.example.org", "Sec-Fetch-Site": "cross-site"}},
    ],
)
def test_pages_of_others_cannot_send_it(client, options):
    answer = sign_in(client, **options)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"token=a+token", "content_type": "text/plain"},
        {"data": b"", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"&" * 5000, "content_type": "application/x-www-form-urlencoded"},
        {"data": b"token=%ff%zz", "content_type": "application/x-www-form-urlencoded"},
        {"data": b'{"token": "x"}', "content_type": "application/json"},
    ],
)
def test_what_is_no_form_gets_the_page(client, options):
    assert sign_in(client, **options).status_code == 401


def test_where_it_leads_is_never_elsewhere(client):
    prefix = {"SCRIPT_NAME": "//evil.example"}
    answer = sign_in(client, environ_overrides=prefix)
    assert answer.headers["Location"] == "/evil.example/"
