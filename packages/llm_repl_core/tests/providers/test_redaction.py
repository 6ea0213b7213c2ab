"""Keys in texts: found however they are written, and nothing else is."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.providers.base import Message, Request
from llm_repl_core.providers.secret import Redactor, Secret, redact

KEY = 'sk-proj-Zq7/x+"W4\\Kd=93mLtB0'
SECRET = Secret(KEY)

WRITTEN = [
    KEY,
    json.dumps(KEY)[1:-1],
    json.dumps(KEY)[1:-1].replace("/", "\\/"),
    quote(KEY, safe=""),
    quote(KEY, safe="").lower().replace("sk-proj-zq7", "sk-proj-Zq7") if False else quote_plus(KEY),
    "".join(f"%{byte:02X}" for byte in KEY.encode()),
    "".join(f"\\u{ord(letter):04x}" for letter in KEY),
    base64.b64encode(KEY.encode()).decode(),
    base64.urlsafe_b64encode(KEY.encode()).decode(),
    base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    base64.b64encode(f"user:{KEY} and more".encode()).decode(),
    base64.b64encode(f"us:{KEY}.".encode()).decode(),
]


@pytest.mark.parametrize("written", WRITTEN)
def test_a_key_is_found_however_it_is_written(written: str) -> None:
    for text in (
        redact(f"got {written}, no", SECRET),
        Redactor([SECRET]).text(f"got {written}, no"),
    ):
        assert "[key]" in text
        for start in range(len(KEY) - 6):
            assert KEY[start : start + 6] not in text
        assert text.startswith("got ")
        assert text.endswith(", no")


@given(st.data())
def test_a_key_is_found_whichever_of_its_letters_json_escapes(data: st.DataObject) -> None:
    def write(letter: str) -> str:
        forms = [json.dumps(letter)[1:-1], f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"]
        return data.draw(st.sampled_from([*forms, "\\/"] if letter == "/" else forms))

    key = data.draw(st.sampled_from([KEY.replace("\\", "_"), "sk-proj-Zq7_x-W4Kd93mLtB0"]))
    secret = Secret(key)
    written = f'["got {"".join(map(write, key))}, no"]'
    assert json.loads(written) == [f"got {key}, no"]
    within = [json.dumps(written), json.dumps({"a": json.dumps(written)})]
    for text in (written, *(within if '"' not in key and "\\u" in written else [])):
        for cleaned in (
            redact(text, secret),
            Redactor([secret]).text(text),
            Redactor([Secret("another-key-0"), secret]).data(text.encode()).decode(),
        ):
            innermost = json.loads(cleaned)
            while not isinstance(innermost, list):
                innermost = json.loads(innermost["a"] if isinstance(innermost, dict) else innermost)
            assert innermost == ["got [key], no"]


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        json.dumps(KEY)[1:-1].replace("/", "\\/"),
        quote(KEY, safe=""),
        "".join(f"%{byte:02X}" for byte in KEY.encode()),
        base64.b64encode(KEY.encode()).decode().rstrip("="),
    ],
)
def test_what_may_be_the_start_of_a_key_is_held_back(written: str) -> None:
    redactor = Redactor([SECRET, Secret("another-key-0")])
    for cut in range(1, len(written) - 2):
        assert redactor.split(f"got {written[:cut]}") == ("got ", written[:cut])
        assert redactor.split(f"{written[:cut]} or not") == (f"{written[:cut]} or not", "")


def test_escapes_that_are_no_key_take_no_time_and_stay() -> None:
    redactor = Redactor([SECRET])
    for text in ("\\" * 1_000_000 + "\\u0041", "\\u0073k-proj" * 200_000):
        assert redactor.text(text) == text


@pytest.mark.parametrize(
    "cut",
    [
        "sk-proj-Zq7/…",
        "sk-proj-Zq7/...",
        "sk-p***LtB0",
        "sk-proj-Zq******************mLtB0",
        "…mLtB0",
        "***mLtB0",
        "sk-proj-Zq7/x",
    ],
)
def test_a_key_that_is_cut_is_found(cut: str) -> None:
    assert redact(f"The key {cut} is wrong", SECRET) == "The key [key] is wrong"


@pytest.mark.parametrize(
    "text",
    [
        "The key is wrong...",
        "Wait… and then ask again.",
        "2 ** 8 and **bold** and ***",
        "sk-proj- is how keys begin",
        "sk-other-1234…",
        "",
    ],
)
def test_what_is_no_part_of_the_key_stays(text: str) -> None:
    assert redact(text, SECRET) == text


@pytest.mark.parametrize("placeholder", ["none", "EMPTY", "ollama", "unneeded", "x", " "])
def test_placeholders_are_no_secret_in_what_is_said(placeholder: str) -> None:
    redactor = Redactor([Secret(placeholder)])
    assert not redactor
    assert redactor.text(f"say {placeholder}") == f"say {placeholder}"


def test_values_of_any_depth_are_cleaned_and_others_are_the_same() -> None:
    redactor = Redactor([SECRET])
    request = Request(
        model="m", messages=(Message("user", f"a {KEY}"),), options={KEY: [{"a": KEY}, 1, None]}
    )
    assert redactor.value(request) == Request(
        model="m",
        messages=(Message("user", "a [key]"),),
        options={"[key]": [{"a": "[key]"}, 1, None]},
    )
    clean = Request(model="m", messages=(Message("user", "a"),), options={"a": [1]})
    assert redactor.value(clean) is clean


@given(st.text(alphabet='ab sk-"', max_size=30), st.text(max_size=5), st.data())
def test_a_text_in_pieces_is_cleaned_as_the_whole(
    before: str, after: str, data: st.DataObject
) -> None:
    redactor = Redactor([SECRET])
    whole = before + KEY + after
    told, held, rest = "", "", whole
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        text, held = redactor.split(held + rest[:size])
        told, rest = told + text, rest[size:]
    assert told + held == redactor.text(whole)
    assert KEY not in told + held
