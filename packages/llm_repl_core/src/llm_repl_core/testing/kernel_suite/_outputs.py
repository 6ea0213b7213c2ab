"""What code puts out."""

from __future__ import annotations

import base64
from contextlib import aclosing
from typing import Any

import pytest
from msgspec import UNSET

from llm_repl_core.kernels.base import Expression, Kernel, Value
from llm_repl_core.model.output import Output
from llm_repl_core.testing.kernel_suite._checks import KernelChecks, run_cell, text_in, text_of

__all__ = ["OutputTests"]


class OutputTests(KernelChecks):
    """Outputs: which, in which order, and how much."""

    def test_state_persists_from_cell_to_cell(self) -> None:
        """State persists from cell to cell."""

        async def check(kernel: Kernel) -> None:
            assert await run_cell(kernel, "persists = 20") == []
            assert await run_cell(kernel, "def twice(x):\n    return 2 * x") == []
            outputs = await run_cell(kernel, "print(twice(persists) + 2)")
            assert outputs == [Output.stdout("42\n")]

        self.run_shared(check)

    def test_the_last_expression_is_displayed(self) -> None:
        """The last expression is displayed."""

        async def check(kernel: Kernel) -> None:
            (output,) = await run_cell(kernel, "1\n6 * 7")
            assert (output.type, output.content) == ("display", "42")
            assert output.fields["data"] == {"text/plain": "42"}
            assert await run_cell(kernel, "None") == []
            assert await run_cell(kernel, "6 * 7;") == []

        self.run_shared(check)

    def test_empty_code_gives_nothing(self) -> None:
        """Empty code gives nothing."""

        async def check(kernel: Kernel) -> None:
            for code in ("", "   \n", "# only a comment"):
                assert await run_cell(kernel, code) == []

        self.run_shared(check)

    def test_stdout_and_stderr_are_apart_and_in_order(self) -> None:
        """Stdout and stderr are apart and in order."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import sys, time\n"
                "for i in range(3):\n"
                "    print('out', i); sys.stdout.flush()\n"
                "    time.sleep(0.05)\n"
                "    print('err', i, file=sys.stderr); sys.stderr.flush()\n"
                "    time.sleep(0.05)\n"
            )
            expected = [
                output
                for i in range(3)
                for output in (Output.stdout(f"out {i}\n"), Output.stderr(f"err {i}\n"))
            ]
            assert await run_cell(kernel, code) == expected

        self.run_shared(check)

    def test_output_comes_while_the_cell_runs(self, tmp_path: Any) -> None:
        """Output comes while the cell runs."""
        gate = tmp_path / "gate"
        code = (
            "import pathlib, time\n"
            "print('first')\n"
            f"while not pathlib.Path({str(gate)!r}).exists():\n"
            "    time.sleep(0.005)\n"
            "print('second')\n"
        )

        async def check(kernel: Kernel) -> None:
            texts: list[str] = []
            async with aclosing(kernel.execute(code)) as outputs:
                async for change in outputs:
                    texts.append(text_in(change))
                    # The cell can go on only if its first output has come before its end.
                    gate.touch()
            assert "".join(texts) == "first\nsecond\n"
            assert len(texts) > 1

        self.run_shared(check)

    def test_rich_display(self) -> None:
        """Objects are shown in the forms that they offer."""

        async def check(kernel: Kernel) -> None:
            code = (
                "class Rich:\n"
                "    def _repr_html_(self): return '<b>rich</b>'\n"
                "    def _repr_png_(self): return b'\\x89PNG bytes'\n"
                "    def __repr__(self): return 'Rich()'\n"
                "display(Rich())\n"
                "Rich()"
            )
            first, second = await run_cell(kernel, code)
            assert "result" not in first.fields
            assert second.fields == {**first.fields, "result": True}
            assert (second.type, second.content) == (first.type, first.content)
            data = first.fields["data"]
            assert isinstance(data, dict)
            assert data["text/html"] == "<b>rich</b>"
            assert base64.b64decode(str(data["image/png"]).strip()) == b"\x89PNG bytes"
            assert first.content == "Rich()"

        self.run_shared(check)

    def test_a_data_frame_is_shown_as_html(self) -> None:
        """A data frame is shown as html."""
        pytest.importorskip("pandas")

        async def check(kernel: Kernel) -> None:
            code = "import pandas\npandas.DataFrame({'a': [1, 2]})"
            (output,) = await run_cell(kernel, code)
            data = output.fields["data"]
            assert isinstance(data, dict)
            assert "<table" in str(data["text/html"])
            assert "a" in output.content

        self.run_shared(check)

    def test_a_figure_is_shown_inline(self) -> None:
        """A figure is shown inline."""
        pytest.importorskip("matplotlib")

        async def check(kernel: Kernel) -> None:
            code = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);"
            outputs = [o for o in await run_cell(kernel, code) if o.type == "display"]
            (data,) = [output.fields["data"] for output in outputs]
            assert isinstance(data, dict)
            assert base64.b64decode(str(data["image/png"])).startswith(b"\x89PNG")
            assert await run_cell(kernel, "1;") == []

        self.run_shared(check)

    @pytest.mark.parametrize(
        "code",
        [
            "plt.plot([1]); plt.show()",
            "figure = plt.figure(); plt.plot([1]); figure.savefig(io.BytesIO())",
            "plt.plot([1]); 1 / 0",
        ],
    )
    @pytest.mark.parametrize("backend", ["", "matplotlib.use('Agg')\n"])
    def test_figures_are_shown_once(self, backend: str, code: str) -> None:
        """A figure is shown once, however it ends, and with a backend that draws to files, too."""
        pytest.importorskip("matplotlib")
        if backend and not self.shows_agg_figures:
            pytest.skip("This kernel does not show what is drawn for files.")

        async def check(kernel: Kernel) -> None:
            source = f"import io, matplotlib\n{backend}import matplotlib.pyplot as plt\n{code};"
            outputs = [o for o in await run_cell(kernel, source) if o.type == "display"]
            (data,) = [output.fields["data"] for output in outputs]
            assert isinstance(data, dict)
            assert "image/png" in data

        self.run(check)

    def test_a_form_that_raises_does_not_fail_the_cell(self) -> None:
        """A method for one form of a value that raises does not fail the cell."""

        async def check(kernel: Kernel) -> None:
            code = (
                "class Odd:\n"
                "    def _ipython_display_(self): raise ValueError('no display')\n"
                "    def _repr_html_(self): raise TypeError('no html')\n"
                "    def _repr_mimebundle_(self, **options): raise KeyError('no bundle')\n"
                "    def __repr__(self): return 'Odd()'\n"
            )
            for way in ("Odd()", "display(Odd())"):
                outputs = await run_cell(kernel, f"{code}{way}")
                assert [o.content for o in outputs if o.type == "display"] == ["Odd()"]
                assert [o for o in outputs if o.type == "error"] == []

        self.run_shared(check)

    def test_a_plotly_figure_is_shown(self) -> None:
        """A figure of plotly is shown, as a value and by ``show()``, without nbformat."""
        pytest.importorskip("plotly")

        async def check(kernel: Kernel) -> None:
            code = (
                "import sys\n"
                "hidden = {'nbformat': None} | {n: None for n in sys.modules if n.startswith('nbformat.')}\n"
                "before = {name: sys.modules.get(name) for name in hidden}\n"
                "sys.modules.update(hidden)\n"
                "import plotly.graph_objects as go, plotly.io\n"
                "figure = go.Figure(go.Bar(y=[1, 2]), layout={'title': 'Two bars'})\n"
            )
            await run_cell(kernel, code)
            for way in ("figure", "figure.show()", "display(figure)"):
                (output,) = await run_cell(kernel, way)
                assert output.type == "display"
                data = output.fields["data"]
                assert isinstance(data, dict)
                assert {"application/vnd.plotly.v1+json", "text/html"} <= set(data)
                assert output.content == "<plotly figure: 1 trace (bar), 'Two bars'>"
            restore = "for name, module in before.items():\n    sys.modules.pop(name, None)\n"
            await run_cell(kernel, f"{restore}    if module: sys.modules[name] = module")

        self.run(check)

    def test_many_outputs_all_come(self) -> None:
        """Outputs that come faster than they are read all come, and in order."""

        async def check(kernel: Kernel) -> None:
            outputs = await run_cell(kernel, "for i in range(5000): display(i)")
            assert [output.content for output in outputs] == [str(i) for i in range(5000)]

        self.run_shared(check)

    def test_await_at_the_top_level(self) -> None:
        """Await at the top level."""

        async def check(kernel: Kernel) -> None:
            code = "import asyncio\nawait asyncio.sleep(0)\nawaited = 7\nawait asyncio.sleep(0, 8)"
            (output,) = await run_cell(kernel, code)
            assert output.content == "8"
            assert (await run_cell(kernel, "awaited"))[0].content == "7"

        self.run_shared(check)

    def test_magics(self) -> None:
        """IPython's magics work."""
        if not self.has_magics:
            pytest.skip("This kernel has no magics.")

        async def check(kernel: Kernel) -> None:
            outputs = await run_cell(kernel, "%%time\nprint('timed')")
            assert text_of(outputs, "stdout").startswith("timed\n")
            assert "Wall time" in text_of(outputs, "stdout")
            outputs = await run_cell(kernel, "!echo from a shell")
            assert "from a shell" in text_of(outputs, "stdout")

        self.run_shared(check)

    def test_output_of_programs(self) -> None:
        """What programs print is shown, valid UTF-8 or not."""
        if not self.captures_processes:
            pytest.skip("This kernel does not see what programs print.")

        async def check(kernel: Kernel) -> None:
            code = (
                "import os\n"
                "print('before', flush=True)\n"
                "os.system('echo program; printf \"\\\\377\\\\n\"')\n"
                "print('after', flush=True);"
            )
            outputs = await run_cell(kernel, code)
            text = text_of(outputs, "stdout")
            assert "before" in text
            assert "program\n\N{REPLACEMENT CHARACTER}\n" in text
            assert "after" in text

        self.run_shared(check)

    def test_text_that_is_not_utf_8_gets_through(self) -> None:
        """Text that is not UTF-8 gets through."""

        async def check(kernel: Kernel) -> None:
            outputs = await run_cell(kernel, "print('a\\udc80b')\nlone = 'x\\ud800'")
            text = text_of(outputs, "stdout")
            text.encode("utf-8")
            assert text.startswith("a")
            assert text.endswith("b\n")
            (value,) = await kernel.evaluate([Expression("lone")])
            assert isinstance(value, Value)
            assert value.text == "x\\ud800"
            assert value.json is UNSET

        self.run_shared(check)

    def test_output_is_bounded(self) -> None:
        """Output is bounded."""

        async def check(kernel: Kernel) -> None:
            code = "for i in range(20): print('x' * 1000)"
            outputs = await run_cell(kernel, code)
            assert len(text_of(outputs, "stdout")) <= 5000
            assert len(text_of(outputs, "stdout")) > 4000
            assert len([o for o in outputs if o.type == "warning"]) == 1
            assert "5,000 bytes" in text_of(outputs, "warning")
            # The next cell has the whole limit again.
            outputs = await run_cell(kernel, "print('y' * 1000)")
            assert outputs == [Output.stdout("y" * 1000 + "\n")]

        self.run(check, output_limit_bytes=5000)

    def test_input_fails_with_a_sentence(self) -> None:
        """Input fails with a sentence."""

        async def check(kernel: Kernel) -> None:
            (output,) = await run_cell(kernel, "input('name? ')")
            assert output.type == "error"
            assert "input" in output.content
            assert (await run_cell(kernel, "1"))[0].content == "1"

        self.run_shared(check)
