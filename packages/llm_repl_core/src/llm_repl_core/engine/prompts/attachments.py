"""Pictures and files that go with a prompt: from the state, or from under the root folder."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from llm_repl_core.engine.prompts.inspected import ask, listed, reason
from llm_repl_core.engine.prompts.media_types import media_type_of
from llm_repl_core.errors import FileMissing, InvalidInput, KernelError, LLMReplError, TooLarge
from llm_repl_core.files import read_bytes, resolve_under
from llm_repl_core.kernels.state import Failed, KernelState
from llm_repl_core.model.names import named_variable
from llm_repl_core.providers.base import Attachment

__all__ = ["LIMIT_BYTES", "TOTAL_LIMIT_BYTES", "load_attachments"]

LIMIT_BYTES = 20_000_000
"""How large one attachment may be."""

TOTAL_LIMIT_BYTES = 50_000_000
"""How large those of one prompt may be together."""

_OTHER_FORMS = (
    "what can be attached are bytes, a `pathlib.Path`, a picture, a figure, a pandas frame, or "
    "whatever shows itself as a PNG or JPEG picture"
)


async def load_attachments(
    entries: Sequence[str],
    kernel: KernelState,
    *,
    root: Path,
    extra: Mapping[str, str] | None = None,
) -> tuple[Attachment, ...]:
    """The files and pictures that a prompt names, in order.

    Args:
        entries: Each the name of a variable, or else a path under the root folder. A file whose
            name could be a variable's is written with its folder: ``./notes``.
        kernel: Where the state is.
        root: The folder that files must be in.
        extra: Names that stand for expressions over the state: ``item`` of a prompt over items.

    Raises:
        InvalidInput: An entry cannot be attached; the message says which, and why.
        FileMissing: There is no such file.
        Forbidden: A path leads out of the root folder.
        TooLarge: One of them, or all together, are over the limit.
        StorageError: A file could not be read.
        KernelError: The kernel cannot tell.
    """
    attachments: list[Attachment] = []
    left_bytes = TOTAL_LIMIT_BYTES
    for entry in entries:
        if (name := named_variable(entry)) is not None:
            source = (extra or {}).get(name, name)
            attachment = await _from_state(name, source, kernel, root)
        else:
            attachment = await asyncio.to_thread(_from_file, entry, root)
        left_bytes -= len(attachment.data)
        if left_bytes < 0:
            raise TooLarge(
                f"`attachments`: with `{entry}` they are larger than "
                f"{TOTAL_LIMIT_BYTES:,} bytes together: attach fewer, or smaller ones."
            )
        attachments.append(attachment)
    return tuple(attachments)


# Files ---------------------------------------------------------------------------------------


def _from_file(named: str, root: Path) -> Attachment:
    root = root.resolve()
    path = resolve_under(root, named, called=f"`attachments`: `{_shown(named)}`")
    try:
        data = read_bytes(path, LIMIT_BYTES, under=root)
    except FileMissing:
        # By the name that was given: where the root folder is, is not everybody's business.
        raise FileMissing(f"`attachments`: there is no file `{_shown(named)}`.") from None
    except TooLarge:
        raise _too_large(_shown(named)) from None
    return Attachment(media_type=media_type_of(data, path.name), data=data, name=path.name)


# The state -----------------------------------------------------------------------------------


async def _from_state(name: str, source: str, kernel: KernelState, root: Path) -> Attachment:
    found = await ask(kernel, "media_of", source, str(LIMIT_BYTES))
    if isinstance(found, Failed):
        raise _not_to_be_had(name, found)
    media = cast("dict[str, Any]", found)
    if "path" in media:
        return await asyncio.to_thread(_from_file, media["path"], root)
    if "type_name" in media:
        advice = f": insert it into the prompt, as `{{{name}}}`" * (media["type_name"] == "str")
        raise InvalidInput(
            f"`attachments`: `{name}` is of the type `{media['type_name']}`{advice}; {_OTHER_FORMS}."
        )
    if media["size"] > LIMIT_BYTES:
        raise _too_large(name)
    data = await _fetch(kernel, media["word"], media["size"])
    media_type = media["media_type"] or media_type_of(data)
    return Attachment(media_type=media_type, data=data, name=f"{name}{_ending(media_type)}")


async def _fetch(kernel: KernelState, word: str, size: int) -> bytes:
    """The bytes that the kernel holds, in pieces that are within what a value may be."""
    # Base64 makes four bytes of three.
    piece_bytes = max(kernel.options.value_limit_bytes // 8 * 3, 3)
    pieces: list[bytes] = []
    try:
        for start in range(0, size, piece_bytes):
            piece = await ask(kernel, "media_piece", repr(word), str(start), str(piece_bytes))
            if not isinstance(piece, str):
                raise KernelError("An attachment could not be read from the kernel.")
            pieces.append(base64.b64decode(piece))
    finally:
        if kernel.alive:
            await ask(kernel, "forget", repr(word))
    data = b"".join(pieces)
    if len(data) != size:
        raise KernelError("An attachment changed while it was read from the kernel.")
    return data


def _not_to_be_had(name: str, failed: Failed) -> LLMReplError:
    if failed.ename == "NameError" and not failed.is_explained:
        return InvalidInput(
            f"`attachments`: there is no variable `{name}`; "
            f"the state has: {listed(list(failed.names), 'nothing')}. A file of that name is "
            f"`./{name}`."
        )
    return InvalidInput(f"`attachments`: `{name}` cannot be attached: {reason(failed)}.")


def _too_large(named: str) -> TooLarge:
    return TooLarge(
        f"`attachments`: `{named}` is larger than {LIMIT_BYTES:,} bytes: attach a smaller one."
    )


def _ending(media_type: str) -> str:
    return {
        "application/pdf": ".pdf",
        "image/gif": ".gif",
        "image/jpeg": ".jpg",
        "image/png": ".png",
        "image/webp": ".webp",
        "text/csv": ".csv",
        "text/plain": ".txt",
    }.get(media_type, "")


def _shown(named: str) -> str:
    return named.encode("utf-8", "backslashreplace").decode("utf-8")
