from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """\
import sys
print([name for name in sys.modules if name.startswith("llm_repl_core")])
import coverage
collector = coverage.Coverage.current()._collector
for _ in range(2):
    collector.lock_data()  # as where an interrupt came before it was given back
print("free")
"""


def test_the_lock_of_coverage_is_never_taken(tmp_path):
    (tmp_path / "rc").write_text(
        "[run]\nplugins = llm_repl_core.testing.interruptible_coverage\nbranch = true\n"
    )
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }
    ended = subprocess.run(
        [sys.executable, "-m", "coverage", "run", "--rcfile=rc", "program.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ended.stdout, ended.stderr) == ("[]\nfree\n", "")
