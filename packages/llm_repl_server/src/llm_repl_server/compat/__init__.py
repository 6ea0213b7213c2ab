"""What is used of libraries beyond their documented interfaces, in a file a library.

A test names each such attribute, and the versions that have them are pinned in `pyproject.toml`.
"""
