from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from llm_repl_core import Application, Notebook, Session, Settings
from llm_repl_core.custom_providers import CustomProviders
from llm_repl_core.errors import Conflict, InvalidInput, InvalidSetting, NotFound, ProviderNotFound
from llm_repl_core.keys import Keys
from llm_repl_core.ledger.in_memory import MemoryLedger
from llm_repl_core.settings import CustomProvider, load_settings
from llm_repl_core.testing.openai_server import OpenAIServer, Reply

INSTALLED = {"openai": object, "mock": object}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "configuration" / "providers.json"


@pytest.fixture
def custom(path: Path) -> CustomProviders:
    return CustomProviders(path=path)


def application(path: Path, *, environ: dict[str, str] | None = None, **settings: object):
    made = Settings(**settings)
    keys = Keys(path.with_name("keys.json"), environ=environ or {})
    return Application(
        made, keys=keys, custom_providers=CustomProviders(made.custom_providers, path)
    )


def test_two_servers_side_by_side_are_asked_by_their_names(path, custom):
    with (
        OpenAIServer(reply=Reply(text="from the lab"), key="key-of-the-lab-1") as lab,
        OpenAIServer(reply=Reply(text="from here")) as here,
    ):
        custom.set("lab", CustomProvider(base_url=lab.base_url, model="big"), INSTALLED)
        settings = {"here": CustomProvider(base_url=here.base_url, model="small")}
        made = application(path, custom_providers=settings)
        assert made.providers.names() == ["mock", "openai", "lab", "here"]
        made.providers.set_key("lab", "key-of-the-lab-1")
        notebook = Notebook()
        notebook.add_prompt("One?", model="lab/larger", response_var="one")
        notebook.add_prompt("Two?", provider="here", response_var="two")
        ledger = MemoryLedger()
        with Session(notebook, application=made, ledger=ledger) as session:
            session.run()
            assert session.state["one"] == "from the lab"
            assert session.state["two"] == "from here"
        assert lab.requests[0].body["model"] == "larger"
        assert lab.requests[0].headers["authorization"] == "Bearer key-of-the-lab-1"
        assert here.requests[0].body["model"] == "small"
        assert "key-of-the-lab-1" not in str(here.requests[0].headers)
        assert {record.provider for record in ledger.records} == {"lab", "here"}


def test_a_key_stays_with_the_address_that_it_was_set_for(path, custom):
    custom.set("lab", CustomProvider(base_url="http://one.test/v1"), INSTALLED)
    made = application(path, environ={"OPENAI_API_KEY": "key-of-openai"})
    made.providers.set_key("lab", "key-of-one-12")
    assert made.providers.key_source("lab").base_url == "http://one.test/v1"
    made.providers.custom.set("lab", CustomProvider(base_url="http://two.test/v1"), INSTALLED)
    made.providers.reload()
    assert made.providers.key_source("lab") is None
    assert made.providers.get("lab").config.api_key is None
    assert made.providers.get("openai").config.base_url is None


def test_only_the_settings_name_a_variable_of_the_environment(path, custom):
    environ = {"LAB_KEY": "key-of-the-lab-1", "OTHER": "something-else-1"}
    custom.set(
        "sly", CustomProvider(base_url="http://sly.test/v1", key_variable="OTHER"), INSTALLED
    )
    lab = CustomProvider(base_url="http://lab.test/v1", key_variable="LAB_KEY")
    made = application(path, environ=environ, custom_providers={"lab": lab})
    assert made.providers.key_source("lab").variable == "LAB_KEY"
    assert made.providers.key_source("sly") is None
    assert "LAB_KEY" in made.kernel_options().withheld_variables
    assert made.providers.redactor.text("key-of-the-lab-1") == "[key]"
    path.write_text(json.dumps({"sly": {"base_url": "http://a.test", "key_variable": "OTHER"}}))
    made.providers.custom.refresh()
    made.providers.reload()
    assert made.providers.key_source("sly") is None


def test_the_file_holds_no_more_than_it_must_and_another_program_sees_it(path, custom):
    custom.set("lab", CustomProvider(base_url="http://lab.test/v1", model="m"), INSTALLED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = CustomProviders(path=path)
    assert other.get("lab").model == "m"
    custom.remove("lab")
    assert other.refresh()
    assert not other.refresh()
    assert other.get("lab") is None


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("openai", {}, "installed provider"),
        ("", {}, "cannot name a server"),
        ("a/b", {}, "cannot name a server"),
        ("Lab", {}, "small letters"),
        ("x" * 51, {}, "cannot name a server"),
        ("lab\n", {}, "cannot name a server"),
        ("lab", {"base_url": "file:///etc/passwd"}, "http"),
        ("lab", {"base_url": "http://me:secret@lab.test"}, "password"),
        ("lab", {"type": "nobody"}, "nobody"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_kept(custom, path, name, entry, words):
    provider = CustomProvider(**{"base_url": "http://lab.test/v1", **entry})
    with pytest.raises((InvalidInput, ProviderNotFound), match=words) as refused:
        custom.set(name, provider, INSTALLED)
    assert "secret" not in str(refused.value)
    assert not path.exists()


def test_what_the_settings_say_is_changed_there(path):
    settings = {"lab": CustomProvider(base_url="http://lab.test/v1")}
    custom = CustomProviders(settings, path)
    with pytest.raises(Conflict, match="settings"):
        custom.set("lab", CustomProvider(base_url="http://other.test/v1"), INSTALLED)
    with pytest.raises(Conflict, match="settings"):
        custom.remove("lab")
    with pytest.raises(NotFound, match="other"):
        custom.remove("other")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"a": 3}', b"\xff\xfe", b'{"a": {}}', b'{"A!": {"base_url": "http://a"}}'],
)
def test_a_damaged_file_gets_a_sentence_that_names_it(path, data):
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(InvalidSetting, match=r"providers\.json"):
        CustomProviders(path=path)


def test_settings_are_checked_and_say_where(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("custom_providers: {lab: {base_url: 'http://a:b@lab'}}")
    with pytest.raises(InvalidSetting, match="`lab`"):
        load_settings(Settings, file=file, environ={})
    file.write_text("custom_providers: {lab: {base_url: 'http://lab/v1', model: m}}")
    assert load_settings(Settings, file=file, environ={}).custom_providers["lab"].model == "m"
    with pytest.raises(InvalidSetting, match="mock"):
        application(
            tmp_path / "p.json", custom_providers={"mock": CustomProvider(base_url="http://a/v1")}
        )


def test_one_that_a_plugin_has_taken_is_passed_over(path, custom, caplog):
    custom.set("lab", CustomProvider(base_url="http://lab/v1", type="gone"), {"gone": object})
    assert "lab" not in application(path).providers.names()
    assert "passed over" in caplog.text
