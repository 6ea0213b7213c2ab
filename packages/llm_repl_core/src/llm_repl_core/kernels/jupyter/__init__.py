"""Any kernel that Jupyter knows: other languages, other environments, other machines."""

from llm_repl_core.kernels.jupyter.kernel import JupyterKernel
from llm_repl_core.kernels.jupyter.kernelspecs import find_kernelspec

__all__ = ["JupyterKernel", "find_kernelspec"]
