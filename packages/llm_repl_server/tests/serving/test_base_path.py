from __future__ import annotations

import pytest

from llm_repl_core.errors import InvalidSetting
from llm_repl_server.serving.base_path import BasePathMiddleware, check_base_path


def ask(path, *, base_path="/lab", trust_proxy=False, **environ):
    """What the application behind sees, or where the client is sent."""
    seen = []

    def application(environ, _start_response):
        seen.append((environ.get("SCRIPT_NAME", ""), environ["PATH_INFO"]))
        return []

    def start_response(status, headers):
        seen.append((status[:3], dict(headers)["Location"]))

    middleware = BasePathMiddleware(application, base_path, trust_proxy=trust_proxy)
    middleware({"PATH_INFO": path, **environ}, start_response)
    [found] = seen
    return found


def test_the_path_is_taken_off_whether_or_not_the_proxy_has_done_it():
    assert ask("/lab/api/calls") == ("/lab", "/api/calls")
    assert ask("/api/calls") == ("/lab", "/api/calls")
    assert ask("/lab/") == ("/lab", "/")
    assert ask("/laboratory/x") == ("/lab", "/laboratory/x")
    assert ask("/lab/x", SCRIPT_NAME="/outer") == ("/outer/lab", "/x")


def test_without_its_slash_the_page_would_look_for_its_parts_elsewhere():
    assert ask("/lab", QUERY_STRING="token=a") == ("308", "/lab/?token=a")


def test_the_header_is_believed_only_where_the_proxy_is_trusted():
    told = {"HTTP_X_FORWARDED_PREFIX": "/other/"}
    assert ask("/lab/x", **told) == ("/lab", "/x")
    assert ask("/x", trust_proxy=True, **told) == ("/other", "/x")
    assert ask("/x", base_path="", trust_proxy=True) == ("", "/x")
    assert ask("/x", trust_proxy=True, HTTP_X_FORWARDED_PREFIX="/a, /b") == ("/a", "/x")


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "/a/../b", "/a b", '/"><script>', "/a\r\nX: y", "/" + "a/" * 99]
)
def test_a_header_that_is_no_path_is_not_heeded(prefix):
    found = ask("/x", trust_proxy=True, HTTP_X_FORWARDED_PREFIX=prefix)
    assert found == ("/lab", "/x") or (
        prefix == "//evil.example" and found == ("/evil.example", "/x")
    )


@pytest.mark.parametrize(
    ("given", "path"),
    [(None, ""), ("", ""), ("/", ""), ("lab", "/lab"), ("/lab/", "/lab"), (" /a/b ", "/a/b")],
)
def test_a_base_path_is_written_as_one_likes(given, path):
    assert check_base_path(given) == path


@pytest.mark.parametrize(
    "given", ["/a b", "http://a/b", "/..", "/a/../b", "/é", "/api", "/static/x"]
)
def test_what_is_no_base_path_is_refused(given):
    with pytest.raises(InvalidSetting, match="base-path"):
        check_base_path(given)
