"""Recorded calls as JSON Lines, to standard output or to a file."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from llm_repl_core import CallRecord, FileMissing, StorageError
from llm_repl_core.leftovers import mark_in_use
from llm_repl_server.services.call_answers import call_answer
from llm_repl_server.services.encoding import json_bytes

__all__ = ["export_to"]


def export_to(path: Path | None, records: Iterable[CallRecord]) -> None:
    """Write calls, one a line, as they come: there may be more than memory holds.

    Args:
        path: The file, which takes its place when it is complete; None: standard output.
        records: The calls.

    Raises:
        FileMissing: The folder does not exist.
        StorageError: It cannot be written; a file that was there is untouched.
    """
    lines = (json_bytes(call_answer(record)) + b"\n" for record in records)
    if path is None:
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()
        return
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise StorageError(f"{path} is no regular file; name another.")
    if target.name.endswith(".calls.jsonl"):
        raise StorageError(
            f"{path} is the name of a notebook's recordings, from which it is replayed, and an "
            "export is none: name another file."
        )
    try:
        # Readable by its owner only, as what was asked and answered may be private.
        descriptor, name = tempfile.mkstemp(prefix=".llm-repl-", suffix=".tmp", dir=target.parent)
    except FileNotFoundError:
        raise FileMissing(f"{path} cannot be written: its folder does not exist.") from None
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror}.") from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            mark_in_use(descriptor)
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror}.") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
