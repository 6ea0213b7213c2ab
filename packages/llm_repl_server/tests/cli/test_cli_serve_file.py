"""``llm-repl serve FILE``: what cannot be opened is said before anything is served."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.llmn"], "There is no file none.llmn."),
        (["--root", "folder", "a.llmn"], "a.llmn is not in the root folder, "),
        (["a.txt"], "`a.txt` must end in one of "),
        (["broken.ipynb"], "broken.ipynb cannot be used: this is not a .ipynb file"),
    ],
)
def test_a_file_that_cannot_be_opened(llm_repl, tmp_path, arguments, said):
    (tmp_path / "folder").mkdir()
    for name in ("a.llmn", "a.txt", "broken.ipynb"):
        (tmp_path / name).write_text("{")
    ended = llm_repl("serve", "--port", "0", *arguments)
    assert ended.returncode not in (0, 1), ended
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "serves at" not in ended.stdout
