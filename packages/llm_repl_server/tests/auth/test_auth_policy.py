"""Who comes in: the table of all cases, and laws that no request breaks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_repl_core.errors import InvalidSetting
from llm_repl_core.providers.secret import Secret
from llm_repl_server.auth.policy import Policy, RequestView, Verdict

TOKEN = "tökèn-☃"
ALLOWED = "https://app.example"
AUTO = Policy("auto", Secret(TOKEN), [ALLOWED])
ALWAYS = Policy("token", Secret(TOKEN), [ALLOWED])
NEVER = Policy("none", None, [ALLOWED])

LOCAL_PEERS = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]
OTHER_PEERS = ["", "10.0.0.7", "::", "fe80::1", "nonsense"]
LOCAL_HOSTS = ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "x.localhost"]
OTHER_HOSTS = [
    None,
    "",
    "evil.example",
    "192.168.1.2:5000",
    "0.0.0.0:5000",
    "localhost.evil.example",
]
BAD_HOSTS = ["a b", "localhost:port", "user@localhost", "localhost,evil.example"]
LOCAL_ORIGINS = [None, "http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"]
FOREIGN_ORIGINS = ["null", "", "https://evil.example", "http://localhost.evil.example", "file://x"]
SITES = [None, "none", "same-origin", "same-site", "cross-site", "anything"]

views = st.builds(
    RequestView,
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"]),
    peer=st.sampled_from(LOCAL_PEERS + OTHER_PEERS),
    host=st.sampled_from(LOCAL_HOSTS + OTHER_HOSTS + BAD_HOSTS) | st.none() | st.text(max_size=10),
    protocol=st.sampled_from(["HTTP/1.1", "HTTP/1.0"]),
    origin=st.sampled_from([*LOCAL_ORIGINS, *FOREIGN_ORIGINS, ALLOWED]) | st.text(max_size=10),
    forwarded=st.booleans(),
    fetch_site=st.sampled_from(SITES),
    fetch_mode=st.sampled_from([None, "navigate", "cors", "no-cors", "websocket"]),
    fetch_dest=st.sampled_from([None, "document", "iframe", "image", "empty"]),
    tokens=st.lists(st.binary(max_size=8), max_size=2).map(tuple),
    cookies=st.lists(st.binary(max_size=8), max_size=2).map(tuple),
)


def view(**changes) -> RequestView:
    local = {"method": "GET", "peer": "127.0.0.1", "host": "localhost:5000"}
    return RequestView(**local | changes)


def with_token(request: RequestView, token: str = TOKEN) -> RequestView:
    return RequestView(**{**_fields(request), "tokens": (token.encode(),)})


def _fields(request: RequestView) -> dict[str, object]:
    return {name: getattr(request, name) for name in request.__struct_fields__}


def test_this_machine_comes_in_freely():
    for peer, host, origin in itertools.product(LOCAL_PEERS, LOCAL_HOSTS, LOCAL_ORIGINS):
        for method in ("GET", "POST", "DELETE"):
            request = view(peer=peer, host=host, origin=origin, method=method)
            assert AUTO.evaluate(request) is Verdict.ADMITTED
            assert ALWAYS.evaluate(request) is Verdict.TOKEN_MISSING
            assert ALWAYS.evaluate(with_token(request)) is Verdict.ADMITTED


@pytest.mark.parametrize(
    "foreign",
    [
        *({"peer": peer} for peer in OTHER_PEERS),
        *({"host": host} for host in OTHER_HOSTS),
        {"origin": ALLOWED},
        {"forwarded": True},
        {"protocol": "HTTP/1.0"},
        {"host": "evil.example:5000", "origin": "http://evil.example:5000"},
    ],
)
def test_one_foreign_element_needs_the_token(foreign):
    request = view(**foreign)
    assert AUTO.evaluate(request) is Verdict.TOKEN_MISSING
    assert AUTO.evaluate(with_token(request, "wrong")) is Verdict.TOKEN_WRONG
    assert AUTO.evaluate(with_token(request)) is Verdict.ADMITTED
    assert NEVER.evaluate(request) is Verdict.ADMITTED


@pytest.mark.parametrize("policy", [AUTO, ALWAYS, NEVER])
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_foreign_pages_are_refused_whatever_they_bring(policy, origin):
    cookie = (policy.cookie_value.encode(),)
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        request = view(origin=origin, method=method, cookies=cookie)
        assert policy.evaluate(request) is Verdict.ORIGIN_REFUSED
        assert policy.evaluate(with_token(request)) is Verdict.ORIGIN_REFUSED


@pytest.mark.parametrize("policy", [AUTO, ALWAYS, NEVER])
@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_malformed_host_is_refused(policy, host):
    assert policy.evaluate(with_token(view(host=host))) is Verdict.HOST_MALFORMED


def test_pages_of_the_server_itself_may_ask_it_wherever_it_is():
    own = view(peer="10.0.0.7", host="server:5000", origin="http://server:5000", method="POST")
    assert AUTO.evaluate(with_token(own)) is Verdict.ADMITTED
    assert AUTO.evaluate(own) is Verdict.TOKEN_MISSING
    other_port = view(host="server:5000", origin="http://server:6000")
    assert AUTO.evaluate(with_token(other_port)) is Verdict.ORIGIN_REFUSED


def test_other_sites_may_only_link():
    cookie = (AUTO.cookie_value.encode(),)
    link = {"fetch_site": "cross-site", "fetch_mode": "navigate", "fetch_dest": "document"}
    assert AUTO.evaluate(view(**link)) is Verdict.ADMITTED
    for change in (
        {"method": "POST"},
        {"method": "HEAD"},
        {"fetch_mode": "no-cors"},
        {"fetch_dest": "iframe"},
        {"fetch_dest": "image", "fetch_mode": "no-cors"},
        {"fetch_dest": None},
    ):
        request = view(**link | change, cookies=cookie)
        assert AUTO.evaluate(request) is Verdict.SITE_REFUSED
        assert AUTO.evaluate(with_token(request)) is Verdict.SITE_REFUSED
    # http://127.0.0.1:3000 and http://localhost:5000 are different sites to a browser.
    allowed = view(fetch_site="cross-site", fetch_mode="cors", origin="http://127.0.0.1:3000")
    assert AUTO.evaluate(allowed) is Verdict.ADMITTED


def test_the_cookie_opens_and_is_not_the_token():
    request = {"peer": "10.0.0.7", "host": "server:5000"}
    cookie = AUTO.cookie_value.encode()
    assert AUTO.evaluate(view(**request, cookies=(b"old", cookie))) is Verdict.ADMITTED
    assert AUTO.evaluate(view(**request, cookies=(TOKEN.encode(),))) is Verdict.TOKEN_WRONG
    assert AUTO.evaluate(view(**request, tokens=(cookie,))) is Verdict.TOKEN_WRONG
    assert AUTO.cookie_value != Policy("auto", Secret("other")).cookie_value


@given(views, st.sampled_from(["auto", "token"]))
@settings(max_examples=1000)
def test_nothing_foreign_comes_in_without_the_token(request, mode):
    verdict = Policy(mode, Secret("long enough to be no guess"), [ALLOWED]).evaluate(request)
    local = (
        mode == "auto"
        and request.peer in LOCAL_PEERS
        and request.host in LOCAL_HOSTS
        and (request.origin in LOCAL_ORIGINS)
        and not request.forwarded
        and request.protocol == "HTTP/1.1"
    )
    if not local:
        assert verdict is not Verdict.ADMITTED


@given(views)
def test_a_token_never_overrules_a_refusal(request):
    refusals = (Verdict.HOST_MALFORMED, Verdict.ORIGIN_REFUSED, Verdict.SITE_REFUSED)
    for policy in (AUTO, ALWAYS, NEVER):
        verdict = policy.evaluate(request)
        assert policy.evaluate(with_token(request)) is (
            verdict if verdict in refusals else Verdict.ADMITTED
        )


@pytest.mark.parametrize(
    "candidate",
    [
        None,
        "",
        b"",
        1,
        True,
        [TOKEN],
        {"token": TOKEN},
        "\ud800",
        TOKEN + " ",
        TOKEN[:-1],
        "x" * 9999,
    ],
)
def test_what_is_not_the_token(candidate):
    assert not AUTO.token_matches(candidate)
    assert not NEVER.token_matches(candidate)


def test_the_token_matches_as_text_and_as_bytes():
    assert AUTO.token_matches(TOKEN)
    assert AUTO.token_matches(TOKEN.encode())


@pytest.mark.parametrize("token", [None, Secret("")])
@pytest.mark.parametrize("mode", ["auto", "token"])
def test_no_mode_that_asks_goes_without_a_token(mode, token):
    with pytest.raises(InvalidSetting, match="needs a token"):
        Policy(mode, token)


def test_allowed_origins_are_exact():
    policy = Policy("auto", Secret("t"), ["https://App.Example:443/", "http://10.0.0.7:3000"])
    assert policy.origin_allowed("https://app.example")
    assert policy.origin_allowed("http://10.0.0.7:3000")
    for origin in ("http://app.example", "https://x.app.example", "http://10.0.0.7", "null"):
        assert not policy.origin_allowed(origin)


@pytest.mark.parametrize(
    "value", ["*", "null", "", "example.org", "https://*.example.org", "https://a/b"]
)
def test_what_is_no_origin_cannot_be_allowed(value):
    with pytest.raises(InvalidSetting, match="is not an origin"):
        Policy("auto", Secret("t"), [value])
