from __future__ import annotations

import json
import os
import re
from typing import Annotated, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from llm_repl_core.errors import InvalidSetting
from llm_repl_core.settings import (
    SettingInfo,
    Settings,
    config_folder,
    describe_settings,
    load_settings,
)


class OtherSettings(Settings, frozen=True, kw_only=True):
    """Settings of another package."""

    section: ClassVar[str | None] = "other"

    colour: Annotated[str, Meta(description="Of the page.")] = "red"
    hosts: Annotated[tuple[str, ...], Meta(description="Who may come.")] = ("a",)
    loud: Annotated[bool, Meta(description="Whether it is.")] = False


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The configuration folder, empty; and no setting in the environment."""
    for name in list(os.environ):
        if name.startswith("LLM_REPL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(tmp_path))
    return tmp_path


def write(folder, text, name="settings.yaml"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(settings_class=Settings, **arguments):
    with pytest.raises(InvalidSetting) as caught:
        load_settings(settings_class, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


# Where a value comes from ----------------------------------------------------------------------


def test_without_anything_the_defaults_hold(folder):
    assert load_settings(Settings) == Settings()


def test_flags_go_before_the_environment_before_the_file_before_defaults(folder):
    write(folder, "model: file\nprovider: file\nkernel: file\nbase_url: http://file/v1")
    environ = {"LLM_REPL_MODEL": "environment", "LLM_REPL_PROVIDER": "environment"}
    flags = {"model": "flag", "provider": None}
    defaults = {"kernel": "default", "kernelspec": "default"}
    found = load_settings(Settings, flags=flags, environ=environ, defaults=defaults)
    assert found.model == "flag"
    assert found.provider == "environment"
    assert found.kernel == "file"
    assert found.kernelspec == "default"
    assert found.cell_timeout_s == 0


@pytest.mark.parametrize(
    "address",
    [
        "http://host/v1?key=sk-4kQz81mXw7",
        "http://user:sk-4kQz81mXw7@host/v1",
        "http://host/v1#sk-4kQz81mXw7",
        "sk-4kQz81mXw7",
    ],
)
def test_an_address_that_holds_a_key_is_refused_and_not_repeated(folder, address):
    for source in (
        {"flags": {"base_url": address}},
        {"environ": {"LLM_REPL_BASE_URL": address}},
    ):
        with pytest.raises(InvalidSetting) as caught:
            load_settings(Settings, **source)
        assert "sk-4kQz81mXw7" not in str(caught.value)
    write(folder, f"base_url: '{address}'")
    with pytest.raises(InvalidSetting, match=r"`base_url` in .* must"):
        load_settings(Settings, environ={})


SOURCES = ("defaults", "file", "environ", "flags")


@given(st.sets(st.sampled_from(SOURCES)))
def test_the_last_source_that_says_it_wins(tmp_path_factory, said):
    path = tmp_path_factory.mktemp("settings") / "s.yaml"
    path.write_text("model: file\n" if "file" in said else "")
    found = load_settings(
        Settings,
        file=path,
        flags={"model": "flags" if "flags" in said else None},
        environ={"LLM_REPL_MODEL": "environ"} if "environ" in said else {},
        defaults={"model": "defaults"} if "defaults" in said else None,
    )
    expected = [source for source in SOURCES if source in said]
    assert found.model == (expected[-1] if expected else None)


def test_the_environment_of_the_process_is_read(folder, monkeypatch):
    monkeypatch.setenv("LLM_REPL_CELL_TIMEOUT_S", "2.5")
    assert load_settings(Settings).cell_timeout_s == 2.5


def test_an_empty_variable_is_as_good_as_none(folder):
    write(folder, "model: file\nkernel_preload: [json]")
    environ = {"LLM_REPL_MODEL": "", "LLM_REPL_CELL_TIMEOUT_S": "", "LLM_REPL_KERNEL_PRELOAD": ""}
    found = load_settings(Settings, environ=environ)
    assert (found.model, found.cell_timeout_s, found.kernel_preload) == ("file", 0, ("json",))


def test_other_variables_of_ours_are_no_settings(folder):
    load_settings(Settings, environ={"LLM_REPL_TOKEN": "x", "LLM_REPL_NO_SUCH": "x"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("numpy", ("numpy",)), ("numpy, pandas ,", ("numpy", "pandas")), (" , ", ())],
)
def test_a_list_in_the_environment_is_parted_by_commas(folder, text, expected):
    found = load_settings(Settings, environ={"LLM_REPL_KERNEL_PRELOAD": text})
    assert found.kernel_preload == expected
    assert load_settings(Settings, flags={"kernel_preload": text}).kernel_preload == expected


def test_a_list_in_the_file_is_a_list_or_parted_by_commas(folder):
    write(folder, "kernel_preload: [a, b]")
    assert load_settings(Settings).kernel_preload == ("a", "b")
    write(folder, "kernel_preload: a, b")
    assert load_settings(Settings).kernel_preload == ("a", "b")


def test_numbers_and_truths_are_read_from_text(folder):
    environ = {
        "LLM_REPL_KERNEL_MEMORY_LIMIT_BYTES": "1000",
        "LLM_REPL_LOUD": "true",
        "LLM_REPL_CELL_TIMEOUT_S": "1",
    }
    found = load_settings(OtherSettings, environ=environ)
    assert (found.kernel_memory_limit_bytes, found.loud, found.cell_timeout_s) == (1000, True, 1.0)


# Names and values that cannot be ---------------------------------------------------------------


def test_an_unknown_name_is_refused_with_a_suggestion(folder):
    path = write(folder, "modle: x")
    assert refused() == f"There is no setting `modle` ({path}); did you mean `model`?"
    write(folder, "zzz: x")
    assert "see `llm-repl settings`" in refused()
    write(folder, "5: x")
    assert "`5`" in refused()
    write(folder, "modle:")
    assert "did you mean `model`" in refused()


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"flags": {"cell_timeout_s": "soon"}}, "--cell-timeout-s"),
        ({"environ": {"LLM_REPL_CELL_TIMEOUT_S": "soon"}}, "LLM_REPL_CELL_TIMEOUT_S"),
        ({"environ": {"LLM_REPL_CELL_TIMEOUT_S": "-1"}}, "LLM_REPL_CELL_TIMEOUT_S"),
        ({"environ": {"LLM_REPL_CELL_TIMEOUT_S": "nan"}}, "LLM_REPL_CELL_TIMEOUT_S"),
        ({"environ": {"LLM_REPL_PROVIDER_TIMEOUT_S": "0"}}, "LLM_REPL_PROVIDER_TIMEOUT_S"),
        ({"environ": {"LLM_REPL_CELL_OUTPUT_LIMIT_BYTES": "1.5"}}, "LIMIT_BYTES"),
    ],
)
def test_a_wrong_value_names_its_place(folder, arguments, place):
    message = refused(**arguments)
    assert place in message
    assert "is not usable" in message


def test_a_wrong_value_in_the_file_names_the_line(folder):
    path = write(folder, "cell_timeout_s: soon")
    assert refused().startswith(f"`cell_timeout_s` in {path} is not usable: ")
    write(folder, "kernel: {a: 1}")
    assert refused().startswith("`kernel` in ")
    write(folder, "other:\n  loud: maybe")
    assert refused(OtherSettings).startswith("`other.loud` in ")


def test_a_flag_that_is_no_setting_is_refused(folder):
    assert "`no_such`" in refused(flags={"no_such": 1})


# Sections --------------------------------------------------------------------------------------


def test_a_package_has_its_section(folder):
    write(folder, "model: m\nother:\n  colour: blue\n  hosts: [x, y]")
    found = load_settings(OtherSettings)
    assert (found.model, found.colour, found.hosts) == ("m", "blue", ("x", "y"))
    assert load_settings(OtherSettings, environ={"LLM_REPL_COLOUR": "green"}).colour == "green"


def test_sections_of_other_packages_are_passed_over(folder):
    write(folder, "model: m\nother: {colour: blue}\nthird: {anything: [1]}\nempty:")
    assert load_settings(Settings).model == "m"
    assert load_settings(OtherSettings).colour == "blue"


def test_a_setting_in_the_wrong_place_is_told_the_right_one(folder):
    write(folder, "colour: blue")
    assert "did you mean `other.colour`?" in refused(OtherSettings)
    write(folder, "other: {model: m}")
    message = refused(OtherSettings)
    assert "`other.model`" in message
    assert "did you mean `model`?" in message
    write(folder, "other: {color: blue}")
    assert "did you mean `other.colour`?" in refused(OtherSettings)


# Files -----------------------------------------------------------------------------------------


def test_a_file_that_was_named_must_exist(folder):
    path = folder / "none.yaml"
    assert refused(file=path) == f"There is no settings file {path}."


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_fine(folder, text):
    write(folder, text)
    assert load_settings(Settings) == Settings()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a: b: c", "is not YAML"),
        ("model: [", "is not YAML"),
        ("model: !!python/object:os.system {}", "is not YAML"),
        ("model: 2024-99-99", "is not YAML"),
        ("[" * 5000, "too deeply nested"),
        ("model: \x00", "is not YAML"),
        (b"model: \xff\xfe", "is not UTF-8 at byte 7"),
        ("- a\n- b", "must hold `name: value` lines"),
        ("just text", "must hold `name: value` lines"),
    ],
)
def test_what_is_no_settings_file_is_refused(folder, data, words):
    path = write(folder, data)
    message = refused()
    assert words in message
    assert str(path) in message


def test_a_folder_is_no_settings_file(folder):
    (folder / "settings.yaml").mkdir()
    assert "settings.yaml is a folder; name a file." in refused()


@pytest.mark.parametrize("name", [None, "named.yaml"])
def test_a_pipe_to_which_nobody_writes_is_not_waited_for(folder, name):
    path = folder / (name or "settings.yaml")
    os.mkfifo(path)
    message = refused(file=path if name else None)
    assert f"{path} is a pipe to which nothing is written." in message


def test_a_configuration_folder_that_is_a_file_is_told(folder, monkeypatch):
    monkeypatch.setenv("LLM_REPL_CONFIG_DIR", str(write(folder, "")))
    assert "There is no settings file" in refused()


def test_a_name_that_stands_twice_is_told(folder):
    path = write(folder, "model: a\nkernel: worker\nmodel: b\n")
    assert f"{path} cannot be used: it names `model` twice (lines 1 and 3)" in refused()
    write(folder, "server:\n  port: 1\n  port: 2\n")
    assert "names `port` twice (lines 2 and 3)" in refused()
    write(folder, "")
    prices = '{"m": {"input": 1, "output": 1}, "m": {"input": 2, "output": 2}}'
    message = refused(environ={"LLM_REPL_PRICES": prices})
    assert "LLM_REPL_PRICES must be a JSON object: it names `m` twice" in message


def test_the_configuration_folder_is_the_platforms_or_the_variables(folder, monkeypatch):
    assert config_folder() == folder
    monkeypatch.delenv("LLM_REPL_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere")
    assert config_folder().name == "llm-repl"


# What is told about them -----------------------------------------------------------------------


def test_every_setting_is_described():
    found = describe_settings(Settings)
    assert [info.name for info in found] == list(Settings.__struct_fields__)
    for info in found:
        assert info.description.endswith("."), info.name
        assert info.type in {"string", "integer", "number", "array", "boolean", "object"}
        assert info.section is None
        assert info.variable == f"LLM_REPL_{info.name.upper()}"
        assert info.default == getattr(Settings(), info.name)
        unit = {
            "s": "seconds",
            "bytes": "bytes",
            "chars": "characters",
            "prices": "US dollars per million tokens",
        }.get(info.name.rpartition("_")[2])
        assert info.unit == unit, info.name


@pytest.mark.parametrize(
    "key", ["", " ", "*", "own*", "openai/", "/gpt", "/*", "*/*", "a/*/b", "m "]
)
@pytest.mark.usefixtures("folder")
def test_a_price_that_no_call_could_have_is_refused(key):
    prices = json.dumps({"gpt-4o": {"input": 1, "output": 2}, key: {"input": 1, "output": 2}})
    with pytest.raises(InvalidSetting, match=re.escape(f"has a price for `{key}`, which")):
        load_settings(Settings, environ={"LLM_REPL_PRICES": prices})


@pytest.mark.parametrize("key", ["gpt-4o", "openai/gpt-4o", "openai/*", "openai/meta/llama", "a:b"])
@pytest.mark.usefixtures("folder")
def test_each_form_of_a_price_is_taken(key):
    prices = json.dumps({key: {"input": 1, "output": 2}})
    assert list(load_settings(Settings, environ={"LLM_REPL_PRICES": prices}).prices) == [key]


@pytest.mark.parametrize("price", [{"input": 1}, {"input": -1, "output": 2}, 3, {"in": 1}])
@pytest.mark.usefixtures("folder")
def test_a_price_that_is_none_names_its_model(price):
    prices = json.dumps({"good": {"input": 1, "output": 2}, "own/bad": price})
    with pytest.raises(InvalidSetting, match="the price of `own/bad`: "):
        load_settings(Settings, environ={"LLM_REPL_PRICES": prices})


def test_a_subclass_is_described_with_its_section():
    found = {info.name: info for info in describe_settings(OtherSettings)}
    assert found["model"].section is None
    assert found["hosts"] == SettingInfo(
        "hosts", "other", "LLM_REPL_HOSTS", "array", ("a",), "Who may come.", None
    )


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        Settings().model = "x"  # type: ignore[misc]
    assert msgspec.structs.replace(Settings(), model="x").model == "x"
