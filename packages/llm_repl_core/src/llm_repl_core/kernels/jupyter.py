"""Stub, being written."""

from __future__ import annotations

from llm_repl_core.kernels.base import Kernel

__all__ = ["JupyterKernel"]


class JupyterKernel(Kernel):
    name = "jupyter"
