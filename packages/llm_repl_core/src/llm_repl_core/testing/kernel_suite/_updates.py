"""What code changes of what it has put out before."""

from __future__ import annotations

import pytest

from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputList
from llm_repl_core.testing.kernel_suite._checks import KernelChecks, run_cell, run_cell_in

__all__ = ["UpdateTests"]


class UpdateTests(KernelChecks):
    """Displays that are updated, outputs that are cleared, text that goes back."""

    def test_a_display_is_updated_in_place(self) -> None:
        """A display that is updated often stays one output, with the latest state."""

        async def check(kernel: Kernel) -> None:
            code = (
                "handle = display('first', display_id=True)\n"
                "display('another')\n"
                "for i in range(200): handle.update(i)"
            )
            first, second = await run_cell(kernel, code)
            assert (first.type, first.content) == ("display", "199")
            assert first.fields["data"] == {"text/plain": "199"}
            assert second.content == "'another'"
            assert first.display_id
            assert second.display_id is None

        self.run_shared(check)

    def test_display_itself_updates_where_it_is_told_to(self) -> None:
        """``display(…, update=True)``, as IPython's progress bars call it, adds no output."""

        async def check(kernel: Kernel) -> None:
            code = (
                "from IPython.display import ProgressBar\n"
                "bar = ProgressBar(3)\n"
                "bar.display()\n"
                "bar.progress = 1\n"
                "bar.progress = 2\n"
            )
            (output,) = await run_cell(kernel, code)
            assert "2/3" in output.content

        self.run_shared(check)

    def test_an_update_of_no_display_is_shown_and_what_follows_too(self) -> None:
        """A bundle that is published as an update without saying of what is an output."""

        async def check(kernel: Kernel) -> None:
            code = (
                "from IPython.display import publish_display_data\n"
                "publish_display_data({'text/plain': 'bundle'}, update=True)\n"
                "print('behind')"
            )
            outputs = await run_cell(kernel, code)
            assert [output.content for output in outputs] == ["bundle", "behind\n"]
            (failure,) = await run_cell(kernel, "display('text', update=True)")
            assert failure.fields["ename"] == "TypeError"
            assert [output.content for output in await run_cell(kernel, "print(1)")] == ["1\n"]

        self.run_shared(check)

    def test_a_display_of_an_earlier_cell_is_updated_there(self) -> None:
        """A display of an earlier cell is updated where it stands, and is no new output."""

        async def check(kernel: Kernel) -> None:
            earlier = OutputList()
            code = "display('before', display_id='mine'); display('stays', display_id='other');"
            await run_cell_in(earlier, kernel, code)
            later = OutputList()
            code = (
                "from IPython.display import update_display\n"
                "update_display('after', display_id='mine')\n"
                "print('done')"
            )
            async for change in kernel.execute(code):
                if not earlier.apply(change) or isinstance(change, Output):
                    later.apply(change)
            texts = [output.content for output in earlier.outputs if output.type == "display"]
            assert texts == ["'after'", "'stays'"]
            assert [output.content for output in later.outputs] == ["done\n"]

        self.run_shared(check)

    def test_an_unknown_display_is_not_updated(self) -> None:
        """Updating what nobody has displayed shows nothing."""

        async def check(kernel: Kernel) -> None:
            code = "from IPython.display import update_display\nupdate_display(1, display_id='no')"
            assert await run_cell(kernel, code) == []

        self.run_shared(check)

    @pytest.mark.parametrize("wait", [False, True])
    def test_outputs_are_cleared(self, wait: bool) -> None:
        """What is cleared is gone, and what comes then stays."""

        async def check(kernel: Kernel) -> None:
            code = (
                "from IPython.display import clear_output\n"
                "for i in range(200):\n"
                "    print('text', i); display(i)\n"
                f"    clear_output(wait={wait})\n"
                "print('last')"
            )
            assert await run_cell(kernel, code) == [Output.stdout("last\n")]

        self.run_shared(check)

    def test_clearing_waits_for_the_next_output(self) -> None:
        """What is to be cleared when the next output comes stays where none comes."""

        async def check(kernel: Kernel) -> None:
            code = (
                "from IPython.display import clear_output\nprint('stays')\nclear_output(wait=True)"
            )
            assert await run_cell(kernel, code) == [Output.stdout("stays\n")]
            assert await run_cell(kernel, "print('next')") == [Output.stdout("next\n")]

        self.run_shared(check)

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            (r"10%\r20%\n", "20%\n"),
            (r"long line\rab\n", "abng line\n"),
            (r"long line\r\x1b[Kab\n", "ab\n"),
            (r"long line\x1b[2K\rab\n", "ab\n"),
            (r"abc\b\bX\n", "aXc\n"),
            (r"one\r\ntwo\r\n", "one\ntwo\n"),
            (r"bar 1\nbar 2\x1b[A\rBAR\n\n", "BAR 1\nbar 2\n"),
            (r"\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
            (r"bar\r   \r", ""),
        ],
    )
    def test_text_that_goes_back(self, text: str, shown: str) -> None:
        """Text that goes back leaves what a terminal would show, whether it comes at once or not."""

        async def check(kernel: Kernel) -> None:
            expected = [Output.stdout(shown)] if shown else []
            assert await run_cell(kernel, f"print('{text}', end='')") == expected
            code = (
                "import sys, time\n"
                f"for character in '{text}':\n"
                "    sys.stdout.write(character); sys.stdout.flush()\n"
                "    time.sleep(0.005)"
            )
            assert await run_cell(kernel, code) == expected

        self.run_shared(check)

    def test_many_steps_of_a_bar_count_once(self) -> None:
        """A bar of many steps takes the room of one, within a small limit of output."""

        async def check(kernel: Kernel) -> None:
            code = (
                "import sys\n"
                "for i in range(20001):\n"
                "    sys.stderr.write(f'\\r{i} of 20000')\n"
                "handle = display('', display_id=True)\n"
                "for i in range(2000): handle.update('x' * 100)\n"
                "None"
            )
            bar, last = await run_cell(kernel, code)
            assert bar == Output.stderr("20000 of 20000")
            assert last.content == repr("x" * 100)

        self.run(check, output_limit_bytes=5000)

    def test_tqdm(self) -> None:
        """A bar of tqdm leaves its last state, and a nested one nothing."""
        pytest.importorskip("tqdm")

        async def check(kernel: Kernel) -> None:
            code = (
                "from tqdm import tqdm\n"
                "import time\n"
                "for _ in tqdm(range(3), desc='outer', ncols=60):\n"
                "    for _ in tqdm(range(4), desc='inner', leave=False, ncols=60, mininterval=0):\n"
                "        time.sleep(0.001)"
            )
            (bar,) = await run_cell(kernel, code)
            assert bar.type == "stderr"
            assert bar.content.startswith("outer: 100%")
            assert "3/3" in bar.content
            assert "inner" not in bar.content
            assert bar.content.count("\n") == 1

        self.run_shared(check)

    def test_tqdm_for_notebooks(self) -> None:
        """A bar that would be a widget is text: there is nobody to move the widget."""
        pytest.importorskip("tqdm")

        async def check(kernel: Kernel) -> None:
            code = (
                "from tqdm.notebook import tqdm, trange\n"
                "for _ in tqdm('ab', desc='letters', display=True): pass\n"
                "bar = trange(3, leave=False)\n"
                "for _ in bar: pass"
            )
            (bar,) = await run_cell(kernel, code)
            assert bar.type == "stdout"
            assert bar.content.startswith("letters: 100%")
            assert "2/2" in bar.content
            assert "3/3" not in bar.content

        self.run_shared(check)
