"""Variables that get their values later."""

from __future__ import annotations

import pytest

from llm_repl_core.kernels.base import Expression, Failed, Kernel
from llm_repl_core.testing.kernel_suite._checks import Check, KernelChecks, run_cell, text_of

__all__ = ["PendingTests"]

_WHY = "`answer` waits for the prompt in cell 3."


class PendingTests(KernelChecks):
    """Pending variables: out of reach, resolved, given up."""

    def test_a_pending_variable_is_out_of_reach(self) -> None:
        """An older value is not seen, and who reads the variable is told what it waits for."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "answer = 'old'\nother = 1")
            await kernel.set_pending(["answer", "new"], "a", _WHY)
            assert "answer" not in await kernel.names()
            assert "answer" not in await kernel.snapshot()
            for code in ("answer", "globals()['answer']", "def f(): return answer\nf()"):
                (error,) = await run_cell(kernel, code)
                assert error.type == "error"
                assert _WHY in error.content, code
                assert _WHY in str(error.fields["traceback"])
            (other,) = await run_cell(kernel, "othr")
            assert _WHY not in other.content
            for restricted in (False, True):
                values = await kernel.evaluate(
                    [Expression(source) for source in ("answer", "[f()]", "othr")],
                    restricted=restricted,
                )
                for value in values:
                    assert isinstance(value, Failed)
                    assert value.ename == "NameError"
                    assert value.is_explained == value.evalue.endswith(_WHY)
                    assert bool(value.names) != value.is_explained
                explained = [value.is_explained for value in values if isinstance(value, Failed)]
                assert explained == [True, True, False]
            await kernel.resolve_pending({"a": {"answer": ["new"], "new": ["new"]}})
            (shown,) = await run_cell(kernel, "answer.append(1); print(answer, new)")
            assert shown.content == "['new', 1] ['new']\n"

        self._run(check)

    def test_what_was_there_comes_back_where_there_is_no_value(self) -> None:
        """A prompt that fails leaves what was there before, the very object."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "answer = []\nknown = answer")
            await kernel.set_pending(["answer", "absent"], "a", _WHY)
            await kernel.resolve_pending({"a": None})
            (shown,) = await run_cell(kernel, "print(answer is known, 'absent' in globals())")
            assert shown.content == "True False\n"
            (error,) = await run_cell(kernel, "absent")
            assert _WHY not in error.content

        self._run(check)

    def test_the_lowest_cell_has_the_last_word(self) -> None:
        """Values come in any order; what stands is that of the lowest cell that has one."""

        async def check(kernel: Kernel) -> None:
            await kernel.set_pending(["a", "b", "c"], "1", _WHY)
            await kernel.set_pending(["a", "b", "c"], "2", _WHY)
            await kernel.resolve_pending({"1": {"a": 1, "b": 1, "c": 1}})
            assert await kernel.names() == []
            await run_cell(kernel, "c = 3")
            await kernel.resolve_pending({"2": {"a": 2, "b": 2, "c": 2}, "unknown": {"d": 1}})
            (shown,) = await run_cell(kernel, "print(a, b, c, 'd' in globals())")
            assert shown.content == "2 2 3 False\n"
            await kernel.set_pending(["a"], "3", _WHY)
            await kernel.set_pending(["a"], "4", _WHY)
            await kernel.resolve_pending({"4": None, "3": {"a": 3}})
            (shown,) = await run_cell(kernel, "print(a)")
            assert shown.content == "3\n"

        self._run(check)

    def test_code_that_sets_a_pending_variable_has_the_last_word(self) -> None:
        """Also where it deletes the variable in a later cell."""

        async def check(kernel: Kernel) -> None:
            await kernel.set_pending(["kept", "gone"], "a", _WHY)
            await run_cell(kernel, "kept = gone = 'code'")
            await run_cell(kernel, "del gone")
            await kernel.resolve_pending({"a": {"kept": "prompt", "gone": "prompt"}})
            assert await kernel.names() == ["kept"]
            assert text_of(await run_cell(kernel, "print(kept)"), "stdout") == "code\n"

        self._run(check)

    def test_the_name_of_the_last_result(self) -> None:
        """A prompt's ``_`` is its own, from where it stands on, whenever its value comes."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "5")
            await kernel.set_pending(["_"], "a", _WHY)
            await run_cell(kernel, "6")
            await kernel.resolve_pending({"a": {"_": 5}})
            await run_cell(kernel, "7")
            assert text_of(await run_cell(kernel, "print(_)"), "stdout") == "5\n"

        async def check_set(kernel: Kernel) -> None:
            await run_cell(kernel, "5")
            await kernel.assign({"_": 5})
            await run_cell(kernel, "7")
            assert text_of(await run_cell(kernel, "print(_)"), "stdout") == "5\n"

        async def check_failed(kernel: Kernel) -> None:
            await run_cell(kernel, "5")
            await kernel.set_pending(["_"], "a", _WHY)
            await kernel.resolve_pending({"a": None})
            assert text_of(await run_cell(kernel, "print(_)"), "stdout") == "5\n"
            await run_cell(kernel, "7")
            assert text_of(await run_cell(kernel, "print(_)"), "stdout") == "7\n"

        for scenario in (check, check_set, check_failed):
            self._run(scenario)

    def test_a_restart_forgets_what_is_pending(self) -> None:
        """A restart forgets what is pending."""

        async def check(kernel: Kernel) -> None:
            await run_cell(kernel, "answer = 'old'")
            await kernel.set_pending(["answer"], "a", _WHY)
            await kernel.restart()
            await kernel.resolve_pending({"a": {"answer": "new"}})
            assert await kernel.names() == []
            (error,) = await run_cell(kernel, "answer")
            assert _WHY not in error.content

        self._run(check)

    def _run(self, check: Check) -> None:
        if not self.holds_variables_back:
            pytest.skip("This kernel holds no variables back.")
        self.run(check)
