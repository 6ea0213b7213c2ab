"""Two terminals and a server, in real terminals: what one does is told in the other."""

from __future__ import annotations

import pytest

pexpect = pytest.importorskip("pexpect", reason="real terminals need pexpect")

from repl_terminal import Terminal  # noqa: E402  needs pexpect


def said(text):
    """Whether a document has a text, however its lines are broken."""
    return lambda document: text in " ".join(document.split())


def test_two_terminals_share_a_notebook_until_its_server_dies(stage, tmp_path):
    server = stage.serve()
    notebook, _ = server.new_notebook("x = [3, 4]")
    address = f"{server.base}/#/notebooks/{notebook.rpartition('/')[2]}"
    here = Terminal(tmp_path, "repl", "--attach", address)
    there = Terminal(tmp_path, "repl", "--attach", address, columns=40, variables={"NO_COLOR": "1"})
    with here, there:
        for terminal in (here, there):
            terminal.wait_for("[2] py>")
        here.line("/run 1")
        there.wait_for(said("Somebody has run cell 1"))
        there.line("?Say {x}")
        there.wait_for(said("You asked: Say [3, 4]"))
        seen = here.wait_for("Somebody has run cell 2: Say {x}")
        assert "Somebody has run cell 1" not in seen
        here.wait_for("[3] py>")
        here.line("/delete 2")
        there.wait_for(said("Somebody has deleted a cell."))
        here.line("/undo")
        here.wait_for("Taken back: cell 2 was deleted")
        there.wait_for(said("Somebody has added cell 2"))
        _, shown = server.ask("GET", notebook)
        assert [cell["content"] for cell in shown["cells"]] == ["x = [3, 4]", "Say {x}"]

        # Ctrl-C stops what runs in the server, and nothing else.
        here.line("import time; print('begun', flush=True); time.sleep(100)")
        here.wait_for("\nbegun")
        here.interrupt()
        here.wait_for("stopped")
        there.wait_for(said("Somebody has run cell 3"))

        server.kill()
        for terminal in (here, there):
            terminal.wait_for(said("does not answer"))
        here.line("x")
        here.wait_for(lambda text: text.count("does not answer") >= 2)
        here.type("\x04")
        assert here.end() == 0
        assert "Traceback" not in here.document()
        stage.start("llm-repl", "serve", "--port", str(server.port), port=server.port)
        there.wait_for(said("The server is back"))
        there.line("/cells")
        there.wait_for("[3] code")
        there.type("\x04")
        assert there.end() == 0
    assert max(map(len, there.document().splitlines())) <= 40
