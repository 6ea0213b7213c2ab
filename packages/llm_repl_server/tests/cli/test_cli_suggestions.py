"""A mistyped command, option, provider, model, kernel or file is answered with what was meant."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, save_notebook

pytestmark = pytest.mark.one_python

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("runn n.llmn", "No such command 'runn'. Did you mean 'run'?"),
        ("calls lst", "No such command 'lst'. Did you mean 'list'?"),
        ("run n.llmn --keep-gong", "No such option '--keep-gong'. Did you mean '--keep-going'?"),
        ("run n.llmn --provider opnai", "Did you mean `openai`?"),
        ("run n.llmn --model opnai/gpt-5.4", "Did you mean `openai/gpt-5.4`?"),
        ("ask hi -m mokc/echo", "Did you mean `mock/echo`?"),
        ("run n.llmn --kernel workr", "Did you mean `worker`?"),
        ("run m.llmn", "Did you mean `n.llmn`?"),
        ("run n.llmn -p citi=Oslo", "Did you mean `city`?"),
    ],
)
def test_what_was_meant_is_suggested(
    forked_llm_repl: RunCommand, tmp_path: Path, line: str, sentence: str
) -> None:
    document = Notebook("Near")
    document.add_code("city = 'Rome'").metadata["tags"] = ["parameters"]
    document.add_code("open('ran', 'w').close()")
    save_notebook(document, tmp_path / "n.llmn")
    ended = forked_llm_repl(*line.split())
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert sentence in ended.stderr
    assert not (tmp_path / "ran").exists()


def test_a_model_with_a_slash_in_its_name_is_nobodys_provider(
    forked_llm_repl: RunCommand, tmp_path: Path
) -> None:
    document = Notebook("Slash")
    document.add_prompt("Hello")
    save_notebook(document, tmp_path / "s.llmn")
    for more in (["--model", "meta-llama/echo"], ["--model", "mokc/echo", "--provider", "mock"]):
        ended = forked_llm_repl("run", "-q", "--no-log", "s.llmn", *more)
        assert ended.returncode == 0, ended.stderr
