from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import stat
import traceback

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_repl_core.errors import InvalidInput, InvalidSetting, NotFound, StorageError
from llm_repl_core.keys import Keys, KeySource
from llm_repl_core.providers.base import ProviderConfig
from llm_repl_core.providers.secret import Secret, redact

KEY = "sk-canary-0123456789"
OTHER = "sk-other-9876543210"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "configuration" / "keys.json"


@pytest.fixture
def keys(path):
    return Keys(path, environ={})


def find(keys, provider="acme", *, variable="ACME_API_KEY", base_url=None, trusted_url=True):
    found = keys.find(provider, variable, base_url=base_url, trusted_url=trusted_url)
    return None if found is None else found.reveal()


def write(path, data, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


# Where a key comes from ------------------------------------------------------------------------


def test_without_a_file_there_is_no_key(keys, path):
    assert find(keys) is None
    assert keys.sources({"acme": "ACME_API_KEY"}) == []
    assert not path.exists()


def test_the_environment_goes_before_the_file(path):
    environ = {"ACME_API_KEY": f" {KEY}\n"}
    keys = Keys(path, environ=environ)
    keys.set("acme", OTHER)
    assert find(keys) == KEY
    variables = {"acme": "ACME_API_KEY", "mock": None}
    in_file = KeySource(provider="acme")
    in_environment = KeySource(provider="acme", variable="ACME_API_KEY")
    assert keys.sources(variables) == [in_environment, in_file]
    environ["ACME_API_KEY"] = "  "
    assert find(keys) == OTHER
    assert keys.sources(variables) == [in_file]
    assert find(keys, variable=None) == OTHER


def test_the_environment_of_the_process_and_the_users_file_are_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("ACME_API_KEY", KEY)
    assert find(Keys()) == KEY
    assert Keys().path == tmp_path / "keys.json"


def test_keys_are_kept_side_by_side(keys):
    keys.set("acme", f" {KEY}\n")
    keys.set("other", OTHER, base_url="http://localhost:1")
    keys.set("acme", KEY)
    assert find(keys) == KEY
    assert find(keys, "other", base_url="http://localhost:1") == OTHER
    assert find(keys, "third") is None
    assert keys.sources({}) == [
        KeySource(provider="acme"),
        KeySource(provider="other", base_url="http://localhost:1"),
    ]


def test_a_provider_has_a_key_for_each_of_its_servers(keys, path):
    keys.set("acme", KEY)
    keys.set("acme", OTHER, base_url="http://a/v1")
    keys.set("acme", "third", base_url="http://b")
    keys.set("acme", "fourth", base_url="http://a/v1/")
    assert find(keys) == KEY
    assert find(keys, base_url="http://a/v1", trusted_url=False) == "fourth"
    assert find(keys, base_url="http://b") == "third"
    assert find(keys, base_url="http://c") == KEY
    assert find(keys, base_url="http://c", trusted_url=False) is None
    assert OTHER not in path.read_text()
    assert keys.remove("acme", base_url="http://b/") == ["http://b"]
    assert find(keys, base_url="http://b") == KEY
    assert set(keys.remove("acme")) == {None, "http://a/v1/"}
    assert keys.sources({}) == []
    with pytest.raises(NotFound, match="No key for `acme` is stored in"):
        keys.remove("acme")
    with pytest.raises(NotFound, match="for http://x"):
        keys.remove("acme", base_url="http://x")


def test_a_key_that_is_kept_for_an_address_goes_before_the_environments(path):
    keys = Keys(path, environ={"ACME_API_KEY": OTHER})
    keys.set("acme", KEY, base_url="http://a")
    assert find(keys, base_url="http://a") == KEY
    assert find(keys) == OTHER


def test_where_the_kept_keys_go_is_told(keys):
    assert keys.why_missing("acme") == ""
    keys.set("acme", KEY, base_url="http://a")
    assert keys.why_missing("acme") == "The key that is kept for it goes to http://a only."
    keys.set("acme", KEY)
    assert keys.why_missing("acme") == "The kept ones go to its own server and http://a only."


@pytest.mark.parametrize(
    "address",
    ["", "a", "ftp://a", "http://", "http://u:p@a", "http://a?key=k", "http://a#f", "http://a b"],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(keys, path, address):
    with pytest.raises(InvalidInput) as refused:
        keys.set("acme", KEY, base_url=address)
    assert "address of a key" in str(refused.value)
    assert "key=k" not in str(refused.value)
    assert not path.exists()


def test_a_file_of_an_earlier_version_is_read(keys, path):
    path.parent.mkdir()
    path.write_text('{"acme": {"key": "k", "base_url": "http://a"}, "other": {"key": "o"}}')
    path.chmod(0o600)
    assert find(keys, base_url="http://a") == "k"
    assert find(keys, "other") == "o"


# Which server a key is for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("set_for", "asked_for", "trusted_url", "given"),
    [
        (None, None, True, True),
        (None, None, False, True),  # the provider's own server, whoever asks
        (None, "http://a", True, True),  # the operator's choice
        (None, "http://a", False, False),  # a client's: it could be anybody's
        ("http://a", "http://a", True, True),
        ("http://a", "http://a", False, True),
        ("http://a", "http://a/", False, True),
        ("http://a", "http://b", True, False),
        ("http://a", "http://b", False, False),
        ("http://a", None, True, False),
        ("http://a", None, False, False),
    ],
)
def test_a_key_goes_only_to_its_server(keys, set_for, asked_for, trusted_url, given):
    keys.set("acme", KEY, base_url=set_for)
    assert find(keys, base_url=asked_for, trusted_url=trusted_url) == (KEY if given else None)


URLS = st.none() | st.sampled_from(
    ["http://a", "http://a/", "http://b", "https://a", "http://a/v1"]
)


@given(URLS, URLS, st.booleans(), st.booleans())
def test_no_key_goes_to_a_server_that_a_client_chose(
    tmp_path_factory, set_for, asked_for, in_file, in_environment
):
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    keys = Keys(path, environ={"ACME_API_KEY": OTHER} if in_environment else {})
    if in_file:
        keys.set("acme", KEY, base_url=set_for)
    found = find(keys, base_url=asked_for, trusted_url=False)
    if asked_for is not None:
        same = set_for is not None and set_for.rstrip("/") == asked_for.rstrip("/")
        assert found == (KEY if in_file and same else None)


# The file --------------------------------------------------------------------------------------


def test_the_file_is_its_owners_from_the_first_byte(keys, path, monkeypatch):
    modes = []
    real = os.open

    def spy(file, flags, mode=0o777, **more):
        descriptor = real(file, flags, mode, **more)
        if flags & os.O_CREAT:
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", spy)
    before = os.umask(0)
    try:
        keys.set("acme", KEY)
        keys.set("other", OTHER)
    finally:
        os.umask(before)
    assert modes == [0o600, 0o600]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_file_that_others_can_read_is_refused(keys, path, mode):
    keys.set("acme", KEY)
    path.chmod(mode)
    for use in (lambda: find(keys), lambda: keys.sources({}), lambda: keys.set("acme", OTHER)):
        with pytest.raises(InvalidSetting) as caught:
            use()
        assert str(caught.value) == (
            f"The keys file {path} can be read by others: run `chmod 600 {path}`."
        )
    path.chmod(0o600)
    assert find(keys) == KEY


@pytest.mark.parametrize(
    "data",
    [
        b"",
        KEY.encode(),
        json.dumps({"acme": KEY}).encode(),
        json.dumps({"acme": {"key": [KEY]}}).encode(),
        json.dumps({KEY: {"kye": KEY}}).encode(),
        json.dumps({"acme": {"key": KEY}}).encode()[:-1],
        b'{"acme": {"key": "' + KEY.encode() + b'\xff"}}',
        b"[" * 100_000,
        b"null",
    ],
)
def test_a_damaged_file_is_refused_without_showing_a_key(keys, path, data, caplog):
    write(path, data)
    with pytest.raises(InvalidSetting) as caught, caplog.at_level(logging.DEBUG):
        find(keys)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert KEY not in shown
    assert str(path) in str(caught.value)
    assert "damaged" in str(caught.value)


def test_a_provider_that_stands_twice_is_told(keys, path):
    twice = f'{{"acme": {{"key": "{KEY}"}}, "acme": {{"key": "{OTHER}"}}}}'
    write(path, twice.encode())
    with pytest.raises(InvalidSetting, match=r"keys\.json has two entries with the same name"):
        find(keys)


def test_a_damaged_file_is_not_overwritten(keys, path):
    write(path, b"{")
    with pytest.raises(InvalidSetting):
        keys.set("acme", KEY)
    assert path.read_bytes() == b"{"


def test_a_folder_or_a_pipe_is_no_keys_file(keys, path):
    path.mkdir(parents=True)
    with pytest.raises(InvalidSetting, match="folder"):
        find(keys)
    path.rmdir()
    os.mkfifo(path, 0o600)
    with pytest.raises(InvalidSetting, match="pipe"):
        find(keys)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    keys = Keys(tmp_path / "file" / "keys.json", environ={})
    assert find(keys) is None
    with pytest.raises(StorageError, match="file"):
        keys.set("acme", KEY)


@pytest.mark.parametrize("key", ["", "  ", "two\nlines", "ключ", "nul\x00", "tab\tbed"])
def test_what_no_header_can_carry_is_no_key(keys, path, key):
    with pytest.raises(InvalidInput) as caught:
        keys.set("acme", key)
    assert str(caught.value) == (
        "The key for `acme` must be one line of printable ASCII characters."
    )
    assert not path.exists()


# A key does not show ---------------------------------------------------------------------------


def test_a_secret_shows_nowhere():
    secret = Secret(KEY)
    config = ProviderConfig(api_key=secret)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}", repr(config)]
    assert not [text for text in shown if KEY in text]
    assert secret.reveal() == KEY


@pytest.mark.parametrize(
    "write_out",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        lambda secret: pickle.dumps(ProviderConfig(api_key=secret)),
        vars,
    ],
)
def test_a_secret_is_not_written_anywhere(write_out):
    with pytest.raises(TypeError) as caught:
        write_out(Secret(KEY))
    assert KEY not in str(caught.value)


def test_secrets_are_compared_by_their_text():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_key_is_taken_out_of_a_text():
    assert redact(f"bad key {KEY}!", Secret(f" {KEY}\n")) == "bad key [key]!"
    assert redact("text", None) == "text"
    assert redact("text", Secret("")) == "text"


def test_keys_do_not_show_in_what_is_read(keys, path):
    keys.set("acme", KEY)
    assert KEY not in repr(keys._read())
    assert KEY not in repr(keys)
    assert KEY in path.read_text()
