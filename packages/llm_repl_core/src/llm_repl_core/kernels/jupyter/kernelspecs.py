"""The kernels that are installed for Jupyter, and what starts them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from llm_repl_core.errors import KernelStartFailed

__all__ = ["find_kernelspec", "make_manager", "spec_languages"]


def find_kernelspec(name: str | None, language: str) -> str | None:
    """The installed kernelspec for a notebook of another language; None: there is none.

    Args:
        name: The kernelspec that the notebook names, which goes first.
        language: In lower case; another kernelspec will do if it is the only one of it.
    """
    fitting = [spec for spec, spoken in spec_languages().items() if spoken == language]
    if name in fitting:
        return name
    return fitting[0] if len(fitting) == 1 else None


def spec_languages() -> dict[str, str]:
    """The languages of the installed kernelspecs, in lower case; none without jupyter_client."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager  # an optional extra
    except ImportError:
        return {}
    manager = KernelSpecManager()
    specs = manager.get_all_specs()
    return {name: str(found["spec"].get("language", "")).lower() for name, found in specs.items()}


def make_manager(spec: str, folder: Path) -> Any:
    """What starts and ends a kernel, with sockets of its own.

    Args:
        spec: The kernelspec.
        folder: For its connection file and its sockets.

    Raises:
        KernelStartFailed: There is no such kernelspec, or no jupyter_client.
    """
    try:
        # Heavy, and an optional extra.
        from jupyter_client.kernelspec import NoSuchKernel
        from jupyter_client.manager import AsyncKernelManager
        from zmq import RCVHWM
    except ImportError:
        raise KernelStartFailed(
            "Jupyter kernels need jupyter_client: pip install 'llm-repl-core[jupyter]'."
        ) from None
    manager = AsyncKernelManager(kernel_name=spec)
    # Without a limit: what comes faster than it is read waits, and is not dropped.
    manager.context.setsockopt(RCVHWM, 0)
    try:
        kernel_spec = manager.kernel_spec
    except NoSuchKernel:
        known = sorted(manager.kernel_spec_manager.find_kernel_specs())
        manager.context.destroy(linger=0)
        raise KernelStartFailed(
            f"There is no Jupyter kernelspec {spec!r}; there are: {', '.join(known) or 'none'}."
        ) from None
    is_local = kernel_spec is not None and "kernel_provisioner" not in kernel_spec.metadata
    if is_local and os.name == "posix":
        # Unix sockets, in a folder that nobody else on the machine can enter.
        manager.transport = "ipc"
    manager.connection_file = str(folder / "kernel.json")
    return manager
