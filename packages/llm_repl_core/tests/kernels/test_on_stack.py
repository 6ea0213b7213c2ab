"""Whether a call is under way is told by the stack, not by a flag that an error may leave set."""

from __future__ import annotations

import contextlib
import threading

from llm_repl_core.kernels.on_stack import current_frame, is_on_stack


def test_a_call_is_under_way_until_it_has_ended_however_it_ends():
    seen = []

    def work(fails):
        seen.append(frame := current_frame())
        assert is_on_stack(frame)
        assert [is_on_stack(frame) for _ in range(2)] == [True, True]
        if fails:
            raise RuntimeError

    work(fails=False)
    with contextlib.suppress(RuntimeError):
        work(fails=True)
    assert [is_on_stack(frame) for frame in seen] == [False, False]
    assert not is_on_stack(None)


def test_of_another_thread_it_is_not_on_this_stack():
    found = []
    frame = current_frame()
    thread = threading.Thread(target=lambda: found.append(is_on_stack(frame)))
    thread.start()
    thread.join()
    assert found == [False]
    assert is_on_stack(frame)
