"""What kind of file some bytes are: by how they begin, else by the ending of the name.

The tables are of this file, not the system's, so that a call is the same on every machine.
"""

from __future__ import annotations

from pathlib import PurePath

__all__ = ["media_type_of"]

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_RIFF_KINDS = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_ENDINGS = {
    ".aac": "audio/aac",
    ".c": "text/x-c",
    ".cpp": "text/x-c++",
    ".css": "text/css",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".htm": "text/html",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".java": "text/x-java",
    ".js": "text/javascript",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".py": "text/x-python",
    ".rs": "text/x-rust",
    ".rtf": "application/rtf",
    ".sh": "text/x-sh",
    ".sql": "text/x-sql",
    ".svg": "image/svg+xml",
    ".tex": "text/x-tex",
    ".toml": "application/toml",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".webm": "video/webm",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zip": "application/zip",
}
_SHORT = frozenset({b"BM", b"\xff\xfb", b"ID3"})
"""Beginnings that a text may have as well."""


def media_type_of(data: bytes, name: str = "") -> str:
    """The media type of a file.

    Args:
        data: All of it.
        name: What it is called, where it has a name.
    """
    ending = _ENDINGS.get(PurePath(name).suffix.lower())
    for beginning, media_type in _BEGINNINGS:
        if data.startswith(beginning) and not (beginning in _SHORT and _is_text(data)):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] in _RIFF_KINDS:
        return _RIFF_KINDS[data[8:12]]
    if data[4:8] == b"ftyp":
        return ending if ending in ("audio/mp4", "video/mp4") else "video/mp4"
    if ending is not None:
        return ending
    return "text/plain" if _is_text(data) else "application/octet-stream"


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
