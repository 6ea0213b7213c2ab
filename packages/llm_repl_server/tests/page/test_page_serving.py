"""The page's files over HTTP: policies, compression, validators."""

from __future__ import annotations

import gzip
import re

import pytest


def test_the_page_has_a_policy_with_a_nonce_of_its_own(api):
    first, second = (api.get("/") for _ in range(2))
    assert first.status_code == 200
    assert first.mimetype == "text/html"
    policy = first.headers["Content-Security-Policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self';",
        "frame-ancestors 'none'",
        "connect-src 'self'",
        "worker-src 'self'",
    ):
        assert part in policy
    (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
    assert f'content="{nonce}"' in first.text
    assert "{nonce}" not in first.text
    assert nonce not in second.text


def test_what_an_output_brings_is_kept_in_a_sandbox(api):
    answer = api.get("/frame")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    for part in ("default-src 'none'", "form-action 'none'", "base-uri 'none'"):
        assert part in policy
    assert "connect-src" not in policy
    assert answer.headers["X-DNS-Prefetch-Control"] == "off"


def test_what_has_come_from_elsewhere_runs_no_script_in_its_frame(api):
    first, second = (api.get("/frame/still") for _ in range(2))
    policy = first.headers["Content-Security-Policy"]
    (nonce,) = re.findall(r"script-src 'nonce-([^']+)';", policy)
    assert "script-src 'nonce-" in policy
    assert "unsafe-eval" not in policy
    assert f'<script nonce="{nonce}">' in first.text
    assert nonce not in second.text


@pytest.mark.parametrize(
    "name",
    [
        "page.js",
        "editor.js",
        "formulas.js",
        "find-worker.js",
        "chunk.js",
        "panels.js",
        "page.css",
        "icon.svg",
    ],
)
def test_files_are_compressed_and_have_validators(api, name):
    plain = api.get(f"/static/{name}")
    packed = api.get(f"/static/{name}", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    tag = plain.headers["ETag"]
    again = api.get(f"/static/{name}", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert plain.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.js", "..%2f__init__.py", "__init__.py", "."])
def test_nothing_else_is_served(api, name):
    assert api.get(f"/static/{name}").status_code == 404
