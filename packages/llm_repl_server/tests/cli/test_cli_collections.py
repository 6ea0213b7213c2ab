"""`llm-repl new`, `list`, `models`, `settings` and the totals of `calls`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from llm_repl_core import Application, Notebook, load_notebook, save_notebook
from llm_repl_server.cli.setting_file import set_line
from llm_repl_server.storage.changes import CreateNotebook
from llm_repl_server.storage.store import Store

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def llm_repl(forked_llm_repl: RunCommand) -> RunCommand:
    return forked_llm_repl


@pytest.mark.parametrize("template", ["blank", "question", "table", "items"])
def test_a_new_notebook(llm_repl: RunCommand, tmp_path: Path, template: str) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    ended = llm_repl("new", "my_trip", "--template", template)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert load_notebook(tmp_path / "my_trip.llmn").name == "my trip"
    if template in ("question", "items"):
        ran = llm_repl(
            "run", "my_trip.llmn", "-q", "--kernel", "in_process", "--model", "mock/mock"
        )
        assert ran.returncode == 0, ran.stderr
    assert "my_trip.llmn exists" in llm_repl("new", "my_trip").stderr
    assert llm_repl("new", "my_trip", "--force", "--name", "N").returncode == 0


def test_a_new_notebook_of_another(llm_repl: RunCommand, tmp_path: Path) -> None:
    first = Notebook("First", metadata={"llm_repl": {"mode": "reuse"}})
    code = first.add_code("1")
    first.add_prompt("A", context=[code.id])
    save_notebook(first, tmp_path / "first.llmn")
    llm_repl("run", "first.llmn", "-q", "-o", "first.llmn", "--kernel", "in_process")
    assert llm_repl("new", "second.ipynb", "--template", "first.llmn").returncode == 0
    second = load_notebook(tmp_path / "second.ipynb")
    assert [cell.outputs for cell in second] == [[], []]
    assert second.cells[1].options()["context"] == [second.cells[0].id] != [code.id]
    assert second.id != first.id
    assert second.own_metadata["mode"] == "reuse"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a", "--template", "nope"], "There is no template `nope`: there are blank,"),
        (["a", "--template", "nope.llmn"], "There is no file nope.llmn"),
        (["a.docx"], "must end in one of"),
        (["a.html"], "could not be opened again"),
    ],
)
def test_no_new_notebook(
    llm_repl: RunCommand, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    ended = llm_repl("new", *arguments)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert sentence in ended.stderr
    assert not list(tmp_path.glob("a*"))


def test_the_notebooks_of_a_folder(llm_repl: RunCommand, tmp_path: Path) -> None:
    assert llm_repl("list").stderr == "There are no notebooks.\n"
    assert not (tmp_path / "data" / "notebooks.db").exists()
    for folder in ("a", ".hidden", "node_modules"):
        (tmp_path / folder).mkdir()
        save_notebook(Notebook("In it"), tmp_path / folder / "in_it.ipynb")
    llm_repl("new", "trip")
    (tmp_path / "broken.llmn").write_text("{")
    llm_repl("run", "trip.llmn", "-q", "--kernel", "in_process")
    listed = json.loads(llm_repl("list", "--json").stdout)
    assert [one["path"] for one in listed] == ["broken.llmn", "trip.llmn", "a/in_it.ipynb"]
    assert "cannot be used" in listed[0]["problem"]
    assert (listed[1]["cells"], listed[1]["prompts"], listed[1]["price_usd"]) == (3, 1, 0.0)
    assert listed[1]["last_call_at"] is not None
    assert listed[2]["last_call_at"] is None
    shown = llm_repl("list", "a", COLUMNS="40").stdout
    assert "In it; 0 cells" in shown
    assert max(map(len, shown.splitlines())) <= 40


def test_the_notebooks_of_the_server(llm_repl: RunCommand, tmp_path: Path) -> None:
    assert llm_repl("list", "--server").stderr == "There are no notebooks.\n"
    assert llm_repl("list", "--server", ".").returncode == 2
    database = tmp_path / "server.db"
    stored = Notebook("Stored")
    stored.add_prompt("A")
    with Store(f"sqlite:///{database}") as store:
        store.submit(CreateNotebook(stored)).result(30)
    settings = tmp_path / "config" / "settings.yaml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f"server:\n  database_url: sqlite:///{database}\n")
    listed = json.loads(llm_repl("list", "--server", "--json").stdout)
    assert [(one["name"], one["cells"], one["prompts"]) for one in listed] == [("Stored", 1, 1)]


def test_models_with_their_prices(llm_repl: RunCommand, tmp_path: Path) -> None:
    shown = llm_repl("models", "mock")
    assert shown.stdout.startswith("mock/mock (default)\n    free\n")
    listed = json.loads(llm_repl("models", "--json").stdout)
    assert {model["provider"] for model in listed} == {"mock"}  # who has no key is not asked
    refused = llm_repl("models", "openai")
    assert refused.returncode == 1
    assert "key" in refused.stderr
    assert llm_repl("models", "nope").returncode == 2


def test_prices_of_models() -> None:
    prices = Application(entry_points=False).prices
    assert "gpt-5.4-mini" in prices.models("openai")
    assert prices.models("nobody") == []


def test_settings_are_set_and_told(llm_repl: RunCommand, tmp_path: Path) -> None:
    path = Path(llm_repl("settings", "path").stdout.strip())
    path.parent.mkdir(exist_ok=True)
    path.write_text("# mine\nmodel: a  # why\n\nserver:\n    # a port\n    port: 1\n")
    assert llm_repl("settings", "set", "model", "b").returncode == 0
    assert llm_repl("settings", "set", "server.port", "7000").returncode == 0
    assert llm_repl("settings", "set", "run_concurrency", "3").returncode == 0
    assert path.read_text() == (
        '# mine\nmodel: "b"  # why\n\nserver:\n    # a port\n    port: 7000\nrun_concurrency: 3\n'
    )
    assert llm_repl("settings", "get", "port").stdout == "7000\n"
    assert llm_repl("settings", "get", "run_concurrency", "--json").stdout == "3\n"
    told = llm_repl("settings").stdout
    assert "run_concurrency: 3" in told
    assert not re.search(r"\bNone\b|\bTrue\b|\bFalse\b|\(\)", told)
    assert "speculate: true\n" in told
    assert "kernelspec: not set\n" in told
    told = llm_repl("settings", "set", "model", "d", LLM_REPL_MODEL="c")
    assert "The environment variable LLM_REPL_MODEL is set" in told.stderr
    assert llm_repl("settings", "get", "model", LLM_REPL_MODEL="c").stdout == "c\n"
    llm_repl("settings", "set", "token", "secret-of-16-letters-and-more")
    assert llm_repl("settings", "get", "token").stdout == "…\n"
    assert "secret" not in llm_repl("settings", "get", "token", "--json").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["set", "run_concurrency", "0"], "`run_concurrency` is not usable"),
        (["set", "run_concurency", "1"], "Did you mean `run_concurrency`?"),
        (["get", "nothing_like_it"], "See `llm-repl settings`."),
        (["set", "model", ""], "needs a value"),
        (["set", "prices", "{"], "must be a JSON object"),
    ],
)
def test_settings_that_are_not_set(
    llm_repl: RunCommand, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    ended = llm_repl("settings", *arguments)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert sentence in ended.stderr


@pytest.mark.parametrize(
    ("before", "section", "after"),
    [
        ("", None, "a: 1\n"),
        ("b: 2", None, "b: 2\na: 1\n"),
        ("a: 0\nb: 2\n", None, "a: 1\nb: 2\n"),
        ("", "s", "s:\n  a: 1\n"),
        ("s:\n\nb: 2\n", "s", "s:\n  a: 1\n\nb: 2\n"),
        ("s:\n    x: 1\n\nb: 2\n", "s", "s:\n    x: 1\n    a: 1\n\nb: 2\n"),
        ("a: 5\ns:\n  # a: 2\n  'a': 3 # c\n", "s", "a: 5\ns:\n  # a: 2\n  a: 1 # c\n"),
    ],
)
def test_a_line_of_the_settings_file(before: str, section: str | None, after: str) -> None:
    assert set_line(before, section, "a", 1) == after
    document = yaml.safe_load(after)
    assert (document if section is None else document[section])["a"] == 1


@pytest.mark.parametrize(
    ("before", "section"),
    [("a:\n  - 1\n", None), ("a: 1\na: 2\n", None), ("s: {a: 1}\n", "s"), ("a: |\n  x\n", None)],
)
def test_a_line_that_only_a_person_can_change(before: str, section: str | None) -> None:
    with pytest.raises(ValueError, match=r"has `"):
        set_line(before, section, "a", 1)


def test_the_sums_of_calls(llm_repl: RunCommand, tmp_path: Path) -> None:
    llm_repl("new", "trip")
    for _ in range(2):
        llm_repl("run", "trip.llmn", "-q", "--kernel", "in_process")
    shown = llm_repl("calls", "totals", "--notebook", "trip.llmn").stdout
    assert "By cell\n  3 What is worth seeing" in shown
    assert "By model\n  mock/mock\n      $0, 2 calls, " in shown
    assert shown.count("2 calls") == 4
    assert "          [3] What is worth seeing" in (
        llm_repl("calls", "list", "--notebook", "trip.llmn").stdout
    )
    # Of all notebooks, a cell goes by what it asked: no id is printed for people.
    assert "By cell\n  What is worth seeing" in llm_repl("calls", "totals").stdout
    sums = json.loads(llm_repl("calls", "totals", "--by", "model", "--json").stdout)
    assert sorted(sums) == ["by_model", "total"]
    assert sums["total"]["calls"] == 2
    assert llm_repl("calls", "totals", "--model", "nope").stderr == "No recorded call matches.\n"
