from __future__ import annotations

import subprocess
import sys


def test_a_process_that_serves_lets_its_threads_come_soon():
    code = (
        "import gc, sys\n"
        "from llm_repl_server.serving.responsiveness import make_responsive\n"
        "make_responsive()\n"
        "assert sys.getswitchinterval() <= 0.001\n"
        "assert gc.isenabled()\n"
        "assert gc.get_threshold()[0] > 2_000\n"
        "assert gc.get_freeze_count() > 0\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr.decode()
