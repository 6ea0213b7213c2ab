"""Who is asked where recordings say who answered, without a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_repl_core import Application, Notebook, PromptCell, Settings
from llm_repl_core.reasoning_effort import ReasoningEffort
from llm_repl_server.cli.run_ledgers import RunLedgers

pytestmark = pytest.mark.one_python

HEAD = '{"format": "llm-repl recordings", "version": 1, "defaults": %s}\n'
OPENAI = '{"provider": "openai", "model": "recorded"}'
ADDRESS = "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("defaults", "settings", "flags", "name", "model", "address"),
    [
        (OPENAI, {}, {}, "openai", "recorded", None),
        (OPENAI, {"model": "other"}, {}, "openai", "recorded", None),
        (OPENAI, {"model": "flag"}, {"model": "flag"}, "openai", "flag", None),
        (OPENAI, {"provider": "mock"}, {"provider": "mock"}, "mock", None, None),
        (OPENAI, {"provider": "openai"}, {"provider": "openai"}, "openai", "recorded", None),
        ('{"provider": "openai"}', {"model": "other"}, {}, "openai", None, None),
        ("{}", {"model": "other"}, {}, "mock", "other", None),
        # The address of the provider that is recorded stays, as does one that is for no other.
        (OPENAI, {"provider": "openai", "base_url": ADDRESS}, {}, "openai", "recorded", ADDRESS),
        (OPENAI, {"base_url": ADDRESS}, {}, "openai", "recorded", ADDRESS),
        # That of another provider must not get the recorded one's key.
        (
            '{"provider": "mock"}',
            {"provider": "openai", "base_url": ADDRESS},
            {},
            "mock",
            None,
            None,
        ),
    ],
)
@pytest.mark.parametrize("mode", ["reuse", "replay"])
def test_flags_go_before_recordings_and_those_before_settings(
    tmp_path: Path,
    mode: str,
    defaults: str,
    settings: dict[str, str],
    flags: dict[str, str],
    name: str,
    model: str | None,
    address: str | None,
) -> None:
    (tmp_path / "n.calls.jsonl").write_text(HEAD % defaults)
    application = Application(Settings(**settings))
    record = RunLedgers(
        tmp_path / "n.llmn", Notebook(cells=[PromptCell()]), mode=mode, use_log=False
    )
    said = {"provider": None, "model": None} | flags
    record.choose_provider(application, **said)
    choice = application.providers.choice
    assert (choice.name, choice.model, choice.base_url) == (name, model, address)


def test_a_live_run_heeds_the_settings(tmp_path: Path) -> None:
    (tmp_path / "n.calls.jsonl").write_text(HEAD % OPENAI)
    application = Application(Settings())
    notebook = Notebook(cells=[PromptCell()])
    record = RunLedgers(tmp_path / "n.llmn", notebook, mode="live", use_log=False)
    record.choose_provider(application, provider=None, model=None)
    assert application.providers.choice.name == "mock"


@pytest.mark.parametrize(
    ("recorded", "setting", "effort"),
    [('"reasoning_effort": "low", ', "high", "low"), ("", "high", None), ("", None, None)],
)
def test_models_think_as_much_as_when_they_were_recorded(
    tmp_path: Path, recorded: str, setting: ReasoningEffort | None, effort: str | None
) -> None:
    (tmp_path / "n.calls.jsonl").write_text(HEAD % ("{" + recorded + '"provider": "mock"}'))
    application = Application(Settings(reasoning_effort=setting))
    record = RunLedgers(
        tmp_path / "n.llmn", Notebook(cells=[PromptCell()]), mode="replay", use_log=False
    )
    record.choose_provider(application, provider=None, model=None)
    assert application.providers.choice.reasoning_effort == effort
