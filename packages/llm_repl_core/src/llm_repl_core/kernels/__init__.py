"""Kernels: where a notebook's code runs. One interface (`base`), three implementations."""
