"""A notebook of the terminal that lives in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_repl_core import (
    Application,
    Conflict,
    InvalidInput,
    Notebook,
    StorageError,
    load_notebook,
)
from llm_repl_server.repl.local_target import LocalTarget
from llm_repl_server.repl.notebook_file import NotebookFile
from llm_repl_server.repl.target import RunChoice

_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "change", "move", "delete", "prefer"]), st.integers(0, 9)),
    max_size=12,
)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[LocalTarget]:
    application = Application()
    file = NotebookFile(application, tmp_path / "a.llmn")
    opened = LocalTarget(application, Notebook("A"), file, kernel="in_process", use_log=False)
    yield opened
    opened.close()


def run(target: LocalTarget, *cell_ids: str) -> None:
    for _ in target.run(RunChoice(cell_ids=cell_ids)):
        pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(_STEPS)
def test_what_was_done_is_taken_back_step_by_step(
    target: LocalTarget, steps: list[tuple[str, int]]
) -> None:
    before = [cell.content for cell in target.cells()], dict(target.notebook.own_metadata)
    for do, number in steps:
        cells = target.cells()
        if do == "add" or not cells:
            target.add("code", f"x = {number}")
        elif do == "prefer":
            target.prefer("system", f"Be number {number}.")
        else:
            cell_id = cells[number % len(cells)].id
            if do == "change":
                target.change(cell_id, content=f"y = {number}")
            elif do == "move":
                target.move(cell_id, (number * 7) % len(cells))
            else:
                target.delete(cell_id)
    for _ in steps:
        assert target.undo() is not None
    assert target.undo() is None
    assert ([cell.content for cell in target.cells()], dict(target.notebook.own_metadata)) == before


def test_a_prompt_that_is_only_looked_at_leaves_no_trace(target: LocalTarget) -> None:
    code = target.add("code", "total = 17")
    run(target, code.id)
    found = target.preview_line("why {total}", context="above", model="mock/echo")
    assert found is not None
    assert found.messages[-1].content == "why 17"
    assert found.price_usd == 0
    assert [cell.id for cell in target.cells()] == [code.id]
    with pytest.raises(InvalidInput):
        target.preview_line("x", temperature=9)
    assert len(target.cells()) == 1


def test_answers_have_a_price_and_are_remembered(target: LocalTarget) -> None:
    prompt = target.add("prompt", "say it", model="mock/echo")
    run(target, prompt.id)
    [answer] = [output for output in prompt.outputs if output.type == "llm_response"]
    assert target.price_of(answer) == 0
    target.remember(prompt.id)
    code = target.add("code", "said = _")
    run(target, code.id)
    assert target.session.state["said"] == "say it"
    assert [variable.name for variable in target.variables().variables if variable.name == "said"]
    completions = target.complete("sai", 3)
    assert completions is not None
    assert "said" in [match.text for match in completions.matches]


def test_a_notebook_is_kept_under_another_name_and_never_over_a_file(
    target: LocalTarget, tmp_path: Path
) -> None:
    target.add("markdown", "# A")
    target.save()
    assert len(load_notebook(tmp_path / "a.llmn")) == 1
    (tmp_path / "there.llmn").write_text("something")
    with pytest.raises(InvalidInput, match="is there already"):
        target.save(str(tmp_path / "there.llmn"))
    with pytest.raises(InvalidInput, match="must end in"):
        target.save(str(tmp_path / "a.nothing"))
    assert target.save(str(tmp_path / "b.ipynb")) == str(tmp_path / "b.ipynb")
    (tmp_path / "b.ipynb").write_text("{}")
    target.add("code", "x = 1")
    with pytest.raises(Conflict):
        target.save()
    assert (tmp_path / "b.ipynb").read_text() == "{}"


def test_where_nothing_can_be_kept_all_is_said_and_another_place_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LLM_REPL_DATA_DIR", str(tmp_path / "file" / "data"))
    application = Application()
    scratch = NotebookFile(application, tmp_path / "file" / "a.llmn", is_scratch=True)
    target = LocalTarget(application, Notebook("A"), scratch, kernel="in_process")
    try:
        prompt = target.add("prompt", "say it", model="mock/echo")
        run(target, prompt.id)
        assert prompt.status == "completed"
        [warning] = target.take_warnings()
        assert "are not written to the call log" in warning
        assert target.take_warnings() == []
        with pytest.raises(StorageError, match="cannot be written"):
            target.save()
        assert target.save(str(tmp_path / "b.llmn")) == str(tmp_path / "b.llmn")
    finally:
        target.close()
    # It is for the terminal to say, when it draws nothing.
    assert capfd.readouterr() == ("", "")
