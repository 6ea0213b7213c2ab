"""What an object shows of itself: every form it has, whatever the others do."""

from __future__ import annotations

import pytest

from llm_repl_core.kernels.mime import clean_bundle, mime_bundle


class Shows:
    def __init__(self, **forms):
        self.forms = forms

    def __repr__(self):
        return "Shows()"

    def _repr_html_(self):
        return self.forms.get("html")

    def _repr_png_(self):
        return self.forms.get("png")

    def _repr_latex_(self):
        raise ValueError("no formula today")


class Bundles:
    def __init__(self, bundle):
        self.bundle = bundle

    def __repr__(self):
        return "Bundles()"

    def _repr_mimebundle_(self, include=None, exclude=None):
        if isinstance(self.bundle, Exception):
            raise self.bundle
        return self.bundle

    def _repr_html_(self):
        return "<i>own</i>"


class AnswersAll:
    def __repr__(self):
        return "AnswersAll()"

    def __getattr__(self, name):
        return lambda *_, **__: "anything"


def test_the_forms_that_a_class_has():
    assert mime_bundle(Shows(html="<b>"), 100) == (
        {"text/html": "<b>", "text/plain": "Shows()"},
        {},
    )
    # With a note on the form.
    assert mime_bundle(Shows(png=(b"\x89PNG", {"width": 7})), 100) == (
        {"image/png": b"\x89PNG", "text/plain": "Shows()"},
        {"image/png": {"width": 7}},
    )


@pytest.mark.parametrize("value", [AnswersAll(), Shows, 7])
def test_what_has_none_has_its_text(value):
    assert mime_bundle(value, 100) == ({"text/plain": repr(value)}, {})


def test_a_text_is_shown_as_python_writes_it_and_cut():
    assert mime_bundle("a\n", 100) == ({"text/plain": r"'a\n'"}, {})
    text = mime_bundle("a" * 500, 100)[0]["text/plain"]
    assert text.startswith("'aaa")
    assert len(text) <= 100
    assert len(mime_bundle(list(range(10_000)), 100)[0]["text/plain"]) == 100


@pytest.mark.parametrize(
    ("bundle", "data", "metadata"),
    [
        ({"text/html": "<b>", "text/plain": "b"}, {"text/html": "<b>", "text/plain": "b"}, {}),
        (
            ({"image/svg+xml": "<svg/>"}, {"image/svg+xml": {"width": 1}}),
            {"image/svg+xml": "<svg/>", "text/html": "<i>own</i>", "text/plain": "Bundles()"},
            {"image/svg+xml": {"width": 1}},
        ),
        (({}, None), {"text/html": "<i>own</i>", "text/plain": "Bundles()"}, {}),
        (None, {"text/html": "<i>own</i>", "text/plain": "Bundles()"}, {}),
        ("no bundle", {"text/html": "<i>own</i>", "text/plain": "Bundles()"}, {}),
        (ValueError("no"), {"text/html": "<i>own</i>", "text/plain": "Bundles()"}, {}),
    ],
)
def test_a_whole_bundle_comes_first_and_the_forms_complete_it(bundle, data, metadata):
    assert mime_bundle(Bundles(bundle), 100) == (data, metadata)


def test_a_bundle_becomes_json():
    bundle, size = clean_bundle(
        {
            "image/png": b"abc",
            "image/jpeg": memoryview(b"abc"),
            "text/plain": "half \ud800",
            "text/html": "é",
            "application/json": {"a": [1, (2.5, None)]},
            "application/x": {1: 2},
            7: "seven",
        },
        100,
    )
    assert bundle == {
        "image/png": "YWJj",
        "image/jpeg": "YWJj",
        "text/plain": r"half \ud800",
        "text/html": "é",
        "application/json": {"a": [1, [2.5, None]]},
        "application/x": "{1: 2}",
        "7": "seven",
    }
    assert size == 4 + 4 + len(r"half \ud800") + 2 + len("{'a': [1, [2.5, None]]}") + 6 + 5


def test_json_that_is_shown_has_null_where_json_has_no_number():
    value = {1: float("nan"), None: (float("inf"), 0.5), False: {2.5: "a"}, "b": "NaN"}
    shown = {"1": None, "null": [None, 0.5], "false": {"2.5": "a"}, "b": "NaN"}
    for name in ("application/json", "application/geo+json"):
        assert clean_bundle({name: value}, 1000)[0] == {name: shown}
    assert clean_bundle({"application/x": value}, 1000)[0] == {"application/x": str(value)}
    pairs = {(1, 2): 3}
    assert clean_bundle({"application/json": pairs}, 99)[0] == {"application/json": str(pairs)}


def test_what_is_too_large_for_json_is_a_text_that_is_cut():
    bundle, size = clean_bundle({"application/json": list(range(1000))}, 50)
    assert bundle == {"application/json": str(list(range(1000)))[:50]}
    assert size == 50
