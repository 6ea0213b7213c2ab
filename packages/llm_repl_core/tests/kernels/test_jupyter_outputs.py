"""What a Jupyter kernel publishes is read to the end, whatever one of its messages holds."""

from __future__ import annotations

import asyncio
import queue
from typing import Any

import pytest

from llm_repl_core.kernels.jupyter.outputs import PublishedOutputs
from llm_repl_core.model.output_changes import OutputList

REQUEST = {"msg_id": "1"}


class Messages:
    """A client as far as what is published."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = [*messages]

    async def get_iopub_msg(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109  its own
        if not self._messages:
            await asyncio.sleep(timeout)
            raise queue.Empty
        return self._messages.pop(0)


def message(kind: str, parent: Any = REQUEST, **content: Any) -> dict[str, Any]:
    return {"msg_type": kind, "parent_header": parent, "content": content}


IDLE = message("status", execution_state="idle")


def read(*messages: dict[str, Any]) -> list[str]:
    async def whole() -> list[str]:
        published = PublishedOutputs(Messages(*messages, IDLE), 10_000)
        try:
            published.begin("1")
            async with asyncio.timeout(20):
                while not published.ended:
                    await published.wait(1)
        finally:
            await published.close()
        published.buffer.end()
        outputs = OutputList()
        for change in published.buffer.take():
            outputs.apply(change)
        return [output.content for output in outputs.outputs]

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        (message("display_data"), ""),
        (message("display_data", data=None, metadata=None, transient=None), ""),
        (message("update_display_data", data={"text/plain": "new"}), "new"),
        (message("update_display_data", data={"text/plain": "n"}, transient={}), "n"),
        (message("stream", name=7, text=7), "7"),
    ],
)
def test_messages_that_lack_something(odd, shown):
    contents = read(odd, message("stream", text="behind"))
    assert "".join(contents) == f"{shown}behind"


@pytest.mark.parametrize(
    "odd",
    [
        message("display_data", data="text"),
        message("display_data", data=["a"]),
        message("display_data", transient="odd"),
        message("display_data", data={"text/plain": "a"}, metadata=7),
        {"msg_type": "stream", "content": None, "parent_header": {}},
        {"msg_type": "stream", "content": {}, "parent_header": None},
        {},
    ],
)
def test_a_message_that_cannot_be_read_takes_none_that_follow(odd, caplog):
    warning, behind = read(odd, message("stream", text="behind"))
    assert warning == "The kernel sent something that can't be shown."
    assert behind == "behind"
    assert "could not be read" in caplog.text
