"""Files on disk: written whole or not at all, and read without waiting in vain."""

from llm_repl_core.files._failures import shown_path
from llm_repl_core.files._paths import resolve_under
from llm_repl_core.files._reading import FileContent, read_bytes, read_file, read_given
from llm_repl_core.files._signature import NO_FILE, FileSignature, file_signature
from llm_repl_core.files._writing import refuse_unwritable, write_atomically

__all__ = [
    "NO_FILE",
    "FileContent",
    "FileSignature",
    "file_signature",
    "read_bytes",
    "read_file",
    "read_given",
    "refuse_unwritable",
    "resolve_under",
    "shown_path",
    "write_atomically",
]
