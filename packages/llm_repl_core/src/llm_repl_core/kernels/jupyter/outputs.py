"""What a Jupyter kernel publishes, read all the time: ZeroMQ drops what nobody takes in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
from collections.abc import Mapping
from typing import Any

from llm_repl_core.kernels.output_buffer import OutputBuffer
from llm_repl_core.model.output import Output
from llm_repl_core.model.output_changes import OutputChange

__all__ = ["PublishedOutputs"]

_log = logging.getLogger(__name__)

_POLL_S = 0.5
_GATHER_S = 0.01
"""How long outputs wait for more."""


class PublishedOutputs:
    """Collects the outputs of a kernel's cells, and of threads that go on between them.

    Args:
        client: The connected client.
        limit_bytes: Of the outputs of one cell.

    Attributes:
        buffer: Where they come together.
        failure: The ``error`` message of the present request; None: there was none.
    """

    def __init__(self, client: Any, limit_bytes: int) -> None:
        self.buffer = OutputBuffer(limit_bytes)
        self.failure: Mapping[str, Any] | None = None
        self._client = client
        self._request: str | None = None
        self._has_shown = False
        self._collected: tuple[str, OutputBuffer, asyncio.Event] | None = None
        self._idle = asyncio.Event()
        self._woken = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    def begin(self, request: str) -> None:
        """A cell begins; what came since the last one is its first output.

        Args:
            request: The id of the message that asked for it.
        """
        self.buffer.begin()
        self.failure = None
        self._has_shown = False
        self._request = request
        self._idle.clear()
        self._woken.set()

    def collect(self, request: str) -> None:
        """What follows of this request is no cell's: `collected` gives it.

        Args:
            request: The id of the message that asked for it.
        """
        self._collected = request, OutputBuffer(self.buffer.limit_bytes), asyncio.Event()

    async def collected(self, timeout_s: float) -> list[OutputChange]:
        """The outputs since `collect`, when the kernel has said that these are all."""
        assert self._collected is not None
        _, buffer, idle = self._collected
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(idle.wait(), timeout_s)
        self._collected = None
        buffer.end()
        return buffer.take()

    def failed(self, answer: Mapping[str, Any]) -> bool:
        """Whether the cell failed, or only one form of a value that was shown in others.

        Args:
            answer: The content of the answer to its request.
        """
        # ipykernel has answers of the status `error` that name no exception.
        is_error = answer.get("status") == "error" and answer.get("ename") != "NoneType"
        return is_error or (self.failure is not None and not self._has_shown)

    @property
    def ended(self) -> bool:
        """Whether the kernel has said that the cell has ended."""
        return self._idle.is_set()

    async def wait(self, timeout_s: float) -> None:
        """Wait for outputs, or for the cell's end, and a moment for more."""
        try:
            await asyncio.wait_for(self._woken.wait(), timeout_s)
            await asyncio.wait_for(self._idle.wait(), _GATHER_S)
        except TimeoutError:
            pass
        self._woken.clear()

    def wake(self) -> None:
        """End a `wait` now."""
        self._woken.set()

    async def close(self) -> None:
        """Read no more."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _read(self) -> None:
        while True:
            try:
                message = await self._client.get_iopub_msg(timeout=_POLL_S)
            except queue.Empty:
                continue
            try:
                self._take(message)
            except Exception:  # noqa: BLE001  anything may come, and what follows is to be read
                _log.exception("a message of a Jupyter kernel could not be read")
                self.buffer.append(Output.warning("The kernel sent something that can't be shown."))
                self._woken.set()

    def _take(self, message: Mapping[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        request = message["parent_header"].get("msg_id")
        if self._collected is not None and request == self._collected[0]:
            _, buffer, idle = self._collected
            if kind == "status" and content.get("execution_state") == "idle":
                idle.set()
            _add(buffer, kind, content)
            return
        is_of_cell = request == self._request
        if kind == "status":
            if not (is_of_cell and content.get("execution_state") == "idle"):
                return
            self._idle.set()
        elif kind == "error":
            if not is_of_cell:
                return
            self.failure = content
            self._has_shown = False
        else:
            self._has_shown = self._has_shown or kind in ("display_data", "execute_result")
            _add(self.buffer, kind, content)
        self._woken.set()


def _add(buffer: OutputBuffer, kind: str, content: Mapping[str, Any]) -> None:
    if kind == "stream":
        stream = "stderr" if content.get("name") == "stderr" else "stdout"
        buffer.write(stream, str(content.get("text", "")))
    elif kind in ("display_data", "execute_result", "update_display_data"):
        display_id = (content.get("transient") or {}).get("display_id")
        buffer.display(
            content.get("data") or {},
            content.get("metadata") or {},
            is_result=kind == "execute_result",
            display_id=None if display_id is None else str(display_id),
            update=kind == "update_display_data",
        )
    elif kind == "clear_output":
        buffer.clear(wait=bool(content.get("wait")))
