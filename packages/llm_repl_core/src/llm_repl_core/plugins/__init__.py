"""Plugins: the hooks, and the manager that an application has one of."""
