"""A Jupyter kernel of Python, started by jupyter_client."""

from __future__ import annotations

import subprocess
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from bench.programs import listens, wait_until

__all__ = ["IPythonKernel"]

_TIMEOUT_S = 60.0


class IPythonKernel:
    """A kernel, connected as soon as its ports are bound, which is sooner than its own way.

    Attributes:
        client: Has its shell and iopub channels open.
    """

    def __init__(self) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ports = (self._manager.shell_port, self._manager.iopub_port)
        wait_until(lambda: all(listens(port) for port in ports), what="an ipykernel", every_s=0.001)
        self.client: BlockingKernelClient = self._manager.client()
        self.client.start_channels(stdin=False, hb=False)

    @property
    def pid(self) -> int:
        """The kernel's process."""
        provisioner = self._manager.provisioner
        assert isinstance(provisioner, LocalProvisioner)
        assert provisioner.process is not None
        pid: int = provisioner.process.pid
        return pid

    def evaluate(self, expression: str) -> str:
        """Evaluate an expression, without waiting for what iopub has to say of it."""
        self.client.execute("", user_expressions={"value": expression})
        content = self.client.get_shell_msg(timeout=_TIMEOUT_S)["content"]
        text: str = content["user_expressions"]["value"]["data"]["text/plain"]
        return text

    def execute(self, code: str) -> int:
        """Run code until it is known that all its output has come; how much it printed."""
        request_id = self.client.execute(code)
        printed = 0
        while True:
            message: dict[str, Any] = self.client.get_iopub_msg(timeout=_TIMEOUT_S)
            if message["parent_header"].get("msg_id") != request_id:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                printed += len(content["text"])
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
        reply = self.client.get_shell_msg(timeout=_TIMEOUT_S)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"the cell failed: {reply['content']}")
        return printed

    def shut_down(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
