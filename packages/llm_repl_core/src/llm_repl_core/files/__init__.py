"""Files on disk: written whole or not at all, and read without ever waiting for one."""

from llm_repl_core.files._paths import resolve_under
from llm_repl_core.files._reading import FileContent, read_bytes, read_file
from llm_repl_core.files._writing import refuse_unwritable, write_atomically

__all__ = [
    "FileContent",
    "read_bytes",
    "read_file",
    "refuse_unwritable",
    "resolve_under",
    "write_atomically",
]
