"""An in-process kernel in a program that runs IPython: what its cells show is theirs alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("IPython")

LIMIT_S = 120.0

PROGRAM = """
import asyncio, json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display as outer_display, publish_display_data

shell = InteractiveShell.instance()
published = []
plain = shell.display_pub
plain.publish = lambda data, **_: published.append(data["text/plain"])
plain.clear_output = lambda wait=False: published.append("cleared")

from llm_repl_core.kernels.in_process import InProcessKernel
from llm_repl_core.testing.kernel_suite import run_cell

async def main():
    kernel = InProcessKernel()
    await kernel.start()
    shown = []
    for code in json.loads(sys.argv[1]):
        outputs = await run_cell(kernel, code)
        shown.append([
            [output.type, sorted(output.fields.get("data", {})) or output.content]
            for output in outputs
        ])
    outer_display("outer")
    shell.display_pub.clear_output()
    shown.append(published)
    shown.append(shell.display_pub is plain)
    await kernel.shutdown()
    print(json.dumps(shown))

asyncio.run(main())
"""


def shown(*codes: str) -> list:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(codes)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_cells_show_is_theirs_and_the_outer_program_keeps_its_own():
    html = ["display", ["text/html", "text/plain"]]
    plain = ["display", ["text/plain"]]
    first, second, third, fourth, published, is_put_back = shown(
        "from IPython.display import HTML, clear_output, display, update_display\n"
        "print('gone'); clear_output()\n"
        "display(HTML('<b>bold</b>'), display_id='mine')\n"
        "update_display(HTML('<i>new</i>'), display_id='mine')",
        # Of functions that were imported before, and of the shell itself.
        "from IPython import get_ipython\n"
        "get_ipython().display_pub.publish({'text/plain': 'by the shell'})\n"
        "get_ipython().display_pub.clear_output(wait=True)\n"
        "get_ipython().display_pub.publish({'text/plain': 'last'})\n"
        "assert get_ipython().display_pub.shell is get_ipython()",
        "class Own:\n    def _repr_html_(self): return '<b>'\nOwn()",
        "display('a', 'b')",
    )
    assert first == [html]
    assert second == [plain]
    assert third == [html]
    assert fourth == [plain, plain]
    assert published == ["'outer'", "cleared"]
    assert is_put_back
