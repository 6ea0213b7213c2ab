from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_repl_core import Notebook, load_notebook, save_notebook

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    def make(*codes: str, name: str = "nb.llmn") -> Path:
        document = Notebook("Test")
        for code in codes:
            document.add_code(code)
        path = tmp_path / name
        save_notebook(document, path)
        return path

    return make


def test_outputs_go_to_stdout_and_progress_to_stderr(
    llm_repl: RunCommand, notebook: Callable[..., Path]
) -> None:
    ended = llm_repl("run", str(notebook("print('printed')", "6 * 7")))
    assert (ended.returncode, ended.stdout) == (0, "printed\n42\n")
    assert "[1/2] code" in ended.stderr
    assert "[2/2] code" in ended.stderr


def test_cells_are_named_by_number_and_variable_and_never_by_id(
    llm_repl: RunCommand, prompts: Callable[..., Path]
) -> None:
    path = prompts(
        {"content": "\nWhich?", "response_var": "city"}, "Then?", {"content": "{missing}"}
    )
    ended = llm_repl("run", "p.llmn")
    assert ended.returncode == 1
    titles = ["[1/3] prompt city: Which?", "[2/3] prompt: Then?", "[3/3] prompt: {missing}"]
    assert [one in ended.stderr for one in titles] == [True] * 3, ended.stderr
    replayed = llm_repl("run", "p.llmn", "--replay", "--keep-going")
    assert "Cell 1 cannot be replayed" in replayed.stderr
    ids = [cell.id for cell in load_notebook(path)]
    assert not [one for one in ids if one in ended.stderr + replayed.stderr]


def test_quiet_prints_outputs_only(llm_repl: RunCommand, notebook: Callable[..., Path]) -> None:
    ended = llm_repl("run", "-q", str(notebook("1 + 1")))
    assert (ended.stdout, ended.stderr) == ("2\n", "")


def test_a_failing_cell_is_named_and_ends_the_run_with_1(
    llm_repl: RunCommand, notebook: Callable[..., Path]
) -> None:
    ended = llm_repl("run", str(notebook("x = 1", "raise ValueError('no luck')", "print('never')")))
    assert ended.returncode == 1
    assert "ValueError: no luck" in ended.stderr
    assert "Failed: [2/3] code" in ended.stderr
    assert "never" not in ended.stdout


def test_keep_going_runs_the_rest_and_still_ends_with_1(
    llm_repl: RunCommand, notebook: Callable[..., Path]
) -> None:
    ended = llm_repl("run", "--keep-going", str(notebook("1 / 0", "print('still here')")))
    assert ended.returncode == 1
    assert ended.stdout == "still here\n"


def test_parameters_are_set_before_the_first_cell(
    llm_repl: RunCommand, notebook: Callable[..., Path]
) -> None:
    path = notebook("print(type(n).__name__, type(s).__name__, type(l).__name__, t)")
    ended = llm_repl("run", "-q", str(path), "-p", "n=3", "-p", "s=a=b", "-p", "l=[1]", "-p", "t=")
    assert ended.stdout == "int str list \n"


@pytest.mark.parametrize("parameter", ["n", "=1", "a-b=1", "1a=2"])
def test_a_parameter_that_is_none_gets_a_sentence(
    llm_repl: RunCommand, notebook: Callable[..., Path], parameter: str
) -> None:
    ended = llm_repl("run", str(notebook("1")), "-p", parameter)
    assert ended.returncode == 2
    assert "must be NAME=VALUE" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_output_file_has_what_came_also_where_a_cell_failed(
    llm_repl: RunCommand, notebook: Callable[..., Path], tmp_path: Path
) -> None:
    ended = llm_repl("run", str(notebook("print('kept')", "1 / 0")), "-o", "out.ipynb")
    assert ended.returncode == 1
    first, second = load_notebook(tmp_path / "out.ipynb").cells
    assert first.outputs[0].content == "kept\n"
    assert second.outputs[0].fields["ename"] == "ZeroDivisionError"
    json.loads((tmp_path / "out.ipynb").read_text())


def test_ctrl_c_ends_the_cell_saves_the_notebook_and_exits_with_130(
    interrupt_when: Callable[..., tuple[int, str]], notebook: Callable[..., Path], tmp_path: Path
) -> None:
    path = notebook("x = 1\nprint('begun', flush=True)\nimport time; time.sleep(100)", "print(2)")
    code, printed = interrupt_when("begun", "run", str(path), "-o", "out.llmn")
    assert code == 130, printed
    assert 'Traceback (most recent call last):\n  File "/' not in printed
    first, second = load_notebook(tmp_path / "out.llmn").cells
    assert (first.status, second.status) == ("interrupted", "idle")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.llmn"], "missing.llmn"),
        (["broken.llmn"], "is UTF-16 text: save it as UTF-8"),
        (["nb.txt"], "must end in one of .llmn, .ipynb"),
        (["good.llmn", "--kernel", "nope"], "There is no kernel `nope`"),
        (["good.llmn", "-o", "x.docx"], "must end in one of .llmn, .ipynb"),
        (["good.llmn", "-o", "no/such/folder.llmn"], "no/such"),
    ],
)
def test_what_cannot_be_run_gets_one_sentence(
    llm_repl: RunCommand,
    notebook: Callable[..., Path],
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
) -> None:
    notebook("1", name="good.llmn")
    (tmp_path / "broken.llmn").write_bytes(b"\xff\xfe{")
    ended = llm_repl("run", *arguments)
    assert ended.returncode in (1, 2)
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("output", ["no/such/o.llmn", "folder.llmn", "good.llmn/o.llmn"])
def test_an_output_that_cannot_be_written_is_told_before_the_work(
    llm_repl: RunCommand, notebook: Callable[..., Path], tmp_path: Path, output: str
) -> None:
    notebook("open('ran', 'w').close()", name="good.llmn")
    (tmp_path / "folder.llmn").mkdir()
    ended = llm_repl("run", "good.llmn", "-o", output)
    assert ended.returncode in (1, 2)
    assert f"{output} " in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "ran").exists()


def test_prompts_are_answered_by_the_mock(llm_repl: RunCommand, tmp_path: Path) -> None:
    document = Notebook("Prompts")
    document.add_code("who = 'Ada'")
    document.add_prompt("Greet {who}.", model="echo", response_var="greeting")
    document.add_code("print(greeting.upper())")
    save_notebook(document, tmp_path / "p.llmn")
    ended = llm_repl("run", "-q", "p.llmn")
    assert (ended.returncode, ended.stdout) == (0, "Greet Ada.\nGREET ADA.\n")
