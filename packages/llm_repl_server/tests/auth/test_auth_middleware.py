"""The access middleware as a client meets it: statuses, headers, bodies, and what gets through to the inside."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wrappers import Request

from llm_repl_core.providers.secret import Secret
from llm_repl_server.auth.middleware import ADMITTED_KEY, AccessMiddleware
from llm_repl_server.auth.policy import Policy

TOKEN = "tökèn&=;☃"
QUOTED = "t%C3%B6k%C3%A8n%26%3D%3B%E2%98%83"
BEARER = {"Authorization": "Bearer " + TOKEN.encode().decode("latin-1")}
POLICY = Policy("auto", Secret(TOKEN), ["https://app.example"])
PAGE = "http://localhost:3000"
REQUEST_KEYS = [
    *("HTTP_HOST", "HTTP_ORIGIN", "HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_SEC_FETCH_SITE"),
    *("QUERY_STRING", "PATH_INFO", "CONTENT_LENGTH", "CONTENT_TYPE", "REMOTE_ADDR"),
    "REQUEST_METHOD",
]


class Inside:
    """An application that remembers what came in."""

    def __init__(self) -> None:
        self.environ: dict | None = None
        self.body = b""

    def __call__(self, environ, start_response):
        self.environ = environ
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.body = environ["wsgi.input"].read(length)
        start_response(
            "404 Not Found",
            [
                ("Content-Type", "application/json"),
                ("Access-Control-Allow-Origin", "*"),
                ("Vary", "Accept"),
            ],
        )
        return [b"{}"]


@pytest.fixture
def inside():
    return Inside()


@pytest.fixture
def ask(inside):
    return lambda path="/api/x", **kwargs: send(inside, path, **kwargs)


def send(inside, path, *, method="GET", peer="127.0.0.1", host="localhost:5000", **kwargs):
    policy = kwargs.pop("policy", POLICY)
    environ = kwargs.pop("environ", {})
    base = {"REMOTE_ADDR": peer, "SERVER_PROTOCOL": "HTTP/1.1"}
    headers = {"Host": host, **kwargs.pop("headers", {})}
    middleware = AccessMiddleware(inside, policy, body_limit_bytes=100)
    path, _, query = path.partition("?")
    builder = EnvironBuilder(
        path=path, query_string=query, method=method, headers=headers, environ_base=base, **kwargs
    )
    request = builder.get_environ()
    request |= {"HTTP_HOST": host, **environ}
    builder.close()
    return TestResponse(*run_wsgi_app(middleware, request), Request(request))


def assert_error(response, status, code):
    assert response.status_code == status
    assert response.content_type == "application/json"
    assert set(response.json) == {"error", "code"}
    assert response.json["code"] == code
    assert response.json["error"].endswith(".")
    assert TOKEN not in response.text
    assert "Origin" in response.headers["Vary"]


def test_local_requests_pass(ask, inside):
    assert ask().status_code == 404
    assert inside.environ[ADMITTED_KEY] is True


@pytest.mark.parametrize("path", ["/", "/api/x", "/api/openapi.json", "/socket.io", "/socket.iox/"])
def test_strangers_are_asked_for_the_token(ask, inside, path):
    response = ask(path, peer="10.0.0.7", host="server:5000")
    assert_error(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert inside.environ is None


@pytest.mark.parametrize(
    "header",
    [
        *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"),
        *("Via", "X-Forwarded-Anything", "CF-Connecting-IP", "True-Client-IP", "X-Original-Host"),
    ],
)
def test_a_proxy_is_a_stranger(ask, header):
    assert_error(ask(headers={header: "127.0.0.1"}), 401, "unauthenticated")
    assert ask(headers={header: "127.0.0.1", **BEARER}).status_code == 404


@pytest.mark.parametrize("host", ["evil.example:5000", "server", "10.0.0.1"])
def test_a_name_server_that_points_here_gives_nobody_the_right(ask, host):
    origin = {"Origin": f"http://{host}"}
    assert_error(ask(host=host), 401, "unauthenticated")
    assert_error(ask(host=host, headers=origin, method="POST"), 401, "unauthenticated")


def test_a_malformed_host(ask):
    assert_error(ask(host="local host", headers=BEARER), 400, "invalid")


def test_the_token_by_header(ask, inside):
    assert ask(peer="10.0.0.7", headers=BEARER).status_code == 404
    assert inside.environ[ADMITTED_KEY] is True
    for value in ("Bearer wrong", "Bearer", "Basic " + TOKEN.encode().decode("latin-1"), "Bearer "):
        assert ask(peer="10.0.0.7", headers={"Authorization": value}).status_code == 401


def test_the_token_by_query_is_not_seen_inside(ask, inside):
    response = ask(f"/api/x?a=1&token={QUOTED}&b=2", peer="10.0.0.7")
    assert response.status_code == 404
    assert inside.environ["QUERY_STRING"] == "a=1&b=2"
    assert QUOTED not in str(inside.environ)
    assert_error(ask("/api/x?token=wrong", peer="10.0.0.7"), 401, "unauthenticated")


def test_a_page_is_sent_on_without_its_token_and_with_a_cookie(ask, inside):
    page = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
    response = ask(
        f"/notebooks/ü?a=1&token={QUOTED}", peer="10.0.0.7", host="server:5000", headers=page
    )
    assert response.status_code == 303
    assert response.headers["Location"] == "/notebooks/%C3%BC?a=1"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert inside.environ is None
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("llm_repl_5000=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    brought = {"Cookie": f"other=1; {cookie.partition(';')[0]}; more=2"}
    assert ask(peer="10.0.0.7", host="server:5000", headers=brought).status_code == 404
    # The cookie is this port's, and does not bring a foreign page in.
    assert ask(peer="10.0.0.7", host="server:6000", headers=brought).status_code == 401
    foreign = {**brought, "Origin": "https://evil.example"}
    for method in ("GET", "POST"):
        response = ask(method=method, peer="10.0.0.7", host="server:5000", headers=foreign)
        assert_error(response, 403, "forbidden")


def test_a_cookie_over_tls_is_for_tls_only(ask):
    response = ask(f"/?token={QUOTED}", environ={"wsgi.url_scheme": "https"})
    assert response.headers["Set-Cookie"].endswith("; Secure")


def test_a_wrong_token_gets_no_cookie_and_still_leaves_the_address(ask):
    response = ask("/?token=wrong", headers={"Accept": "text/html"})
    assert response.status_code == 303
    assert response.headers["Location"] == "/"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "/\\evil.example"])
def test_no_address_sends_a_browser_to_another_host(inside, path):
    environ = {"PATH_INFO": path}
    middleware = AccessMiddleware(inside, POLICY)
    builder = EnvironBuilder(query_string="token=wrong", headers={"Accept": "text/html"})
    request = builder.get_environ() | environ
    request |= {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost", "SERVER_PROTOCOL": "HTTP/1.1"}
    started = []
    middleware(request, lambda status, headers, *_: started.append((status, dict(headers))))
    status, headers = started[0]
    assert status.startswith("303")
    assert headers["Location"][0] == "/"
    assert headers["Location"][1] not in "/\\"


def test_answers_to_pages_that_may_read_them(ask):
    headers = ask(headers={"Origin": PAGE}).headers
    assert headers.getlist("Access-Control-Allow-Origin") == [PAGE]
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Expose-Headers"] == "ETag, Location"
    assert headers.getlist("Vary") == ["Accept, Origin"]
    headers = ask().headers
    assert "Access-Control-Allow-Origin" not in headers
    assert headers.getlist("Vary") == ["Accept, Origin"]


def test_errors_can_be_read_by_the_pages_that_may(ask):
    page = {"Origin": PAGE}
    text = {"Content-Type": "text/plain"}
    for response, status in (
        (ask(peer="10.0.0.7", headers=page), 401),
        (ask(method="POST", data=b"x" * 101, headers=page), 413),
        (ask(method="POST", data=b"{}", headers=page | text), 415),
    ):
        assert response.status_code == status
        assert response.headers.getlist("Access-Control-Allow-Origin") == [PAGE]
        assert response.headers.getlist("Vary") == ["Origin"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_foreign_pages_are_refused(ask, inside, method, origin):
    response = ask(method=method, headers={"Origin": origin, **BEARER})
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    assert inside.environ is None
    if method != "HEAD":
        assert_error(response, 403, "forbidden")


def test_other_sites_cannot_embed(ask):
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert_error(ask(headers=image), 403, "forbidden")
    link = image | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(headers=link).status_code == 404


@pytest.mark.parametrize("origin", [PAGE, "https://app.example"])
@pytest.mark.parametrize("path", ["/api/x", "/socket.io/"])
def test_preflight_needs_no_token(ask, inside, origin, path):
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    response = ask(path, method="OPTIONS", peer="10.0.0.7", host="server:5000", headers=headers)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert "PUT" in response.headers["Access-Control-Allow-Methods"]
    allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"content-type", "authorization", "if-match", "prefer"} <= set(allowed)
    assert inside.environ is None


def test_a_preflight_of_a_foreign_page(ask):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    assert_error(ask(method="OPTIONS", headers=headers), 403, "forbidden")


def test_sockets_may_bring_the_token_later(ask, inside):
    path = "/socket.io/?EIO=4"
    assert ask(path, peer="10.0.0.7", host="server").status_code == 404
    assert inside.environ[ADMITTED_KEY] is False
    ask(f"{path}&token={QUOTED}", peer="10.0.0.7", host="server")
    assert inside.environ[ADMITTED_KEY] is True
    assert inside.environ["QUERY_STRING"] == "EIO=4"
    ask(path, peer="10.0.0.7", host="server", headers=BEARER)
    assert inside.environ[ADMITTED_KEY] is True
    ask(f"{path}&token=wrong", peer="10.0.0.7", host="server")
    assert inside.environ[ADMITTED_KEY] is False
    inside.environ = None
    assert ask(path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert inside.environ is None


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_json_comes_in(ask, inside, method, kind):
    assert ask(method=method, data=b"{}", content_type=kind).status_code == 404
    assert inside.body == b"{}"


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "text/plain",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/jsonx",
        "text/plain; application/json",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_bodies_do_not(ask, inside, method, kind):
    response = ask(method=method, data=b"{}", content_type=kind)
    assert_error(response, 415, "not_json")
    assert inside.environ is None


def test_no_body_needs_no_type(ask):
    assert ask(method="POST").status_code == 404
    assert ask(method="DELETE", headers={"Content-Length": "0"}).status_code == 404


@pytest.mark.parametrize(("path", "status"), [("/api", 415), ("/apix", 404), ("/other", 404)])
def test_only_the_api_asks_for_json(ask, path, status):
    assert ask(path, method="POST", data=b"x", content_type="text/plain").status_code == status


def test_a_body_over_the_limit(ask, inside):
    json_type = {"content_type": "application/json"}
    assert ask(method="POST", data=b"1" * 100, **json_type).status_code == 404
    assert_error(ask(method="POST", data=b"1" * 101, **json_type), 413, "too_large")
    for length, status, code in (
        ("9" * 5000, 413, "too_large"),
        ("-1", 400, "invalid"),
        ("1e3", 400, "invalid"),
        ("٣", 400, "invalid"),
    ):
        response = ask(method="POST", environ={"CONTENT_LENGTH": length}, **json_type)
        assert_error(response, status, code)


@pytest.mark.parametrize(("size", "status"), [(0, 404), (100, 404), (101, 413), (10_000_000, 413)])
def test_a_body_that_does_not_say_its_length(inside, size, status):
    body = io.BytesIO(b"1" * size)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/x",
        "QUERY_STRING": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": "application/json",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
    }
    started = []
    answer = AccessMiddleware(inside, POLICY, body_limit_bytes=100)(
        environ, lambda *args: started.append(args)
    )
    assert started[0][0].startswith(str(status))
    assert body.tell() <= 64 * 1024  # it reads no further than it has to
    if status == 404:
        assert inside.body == b"1" * size
    else:
        assert json.loads(b"".join(answer))["code"] == "too_large"


def test_strangers_send_little_to_sockets(inside):
    for peer, status in (("10.0.0.7", "413"), ("127.0.0.1", "404")):
        environ = EnvironBuilder(path="/socket.io/", method="POST").get_environ()
        environ |= {"REMOTE_ADDR": peer, "CONTENT_LENGTH": "1000001"}
        started = []
        AccessMiddleware(inside, POLICY)(environ, lambda *args, to=started: to.append(args))
        assert started[0][0].startswith(status)


def test_nobody_is_asked_where_that_is_set(ask):
    never = Policy("none", None)
    assert ask(policy=never, peer="10.0.0.7", host="server").status_code == 404
    assert ask(policy=never, headers={"Origin": "https://evil.example"}).status_code == 403


@given(
    st.dictionaries(
        st.sampled_from(REQUEST_KEYS),
        st.text(st.characters(max_codepoint=255), max_size=30),
    )
)
def test_whatever_is_sent_is_answered(changes):
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api", "wsgi.input": io.BytesIO()} | changes
    started = []
    inside = Inside()
    middleware = AccessMiddleware(lambda environ, start: (start("200 OK", []), [])[1], POLICY)
    middleware(environ, lambda *args: started.append(args))
    assert len(started) == 1
    assert inside.environ is None
