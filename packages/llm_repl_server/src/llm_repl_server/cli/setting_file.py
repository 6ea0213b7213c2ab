"""The settings file, changed as by hand: a line of it, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from llm_repl_core import FileMissing, InvalidInput, InvalidSetting
from llm_repl_core.config_text import read_yaml
from llm_repl_core.files import read_given, write_atomically
from llm_repl_core.settings import SettingInfo, load_settings
from llm_repl_server.settings import ServerSettings

__all__ = ["save_setting", "set_line"]

_LIMIT_BYTES = 10_000_000


def save_setting(setting: SettingInfo, text: str, path: Path) -> None:
    """Write a setting into the settings file; all else in it stays.

    Args:
        setting: Which.
        text: Its value, as an environment variable has it.
        path: The file, which need not exist.

    Raises:
        InvalidSetting: The value cannot be used, or the file as it is.
        InvalidInput: The file has it in a way that only a person can change.
        StorageError: The file cannot be written.
    """
    if not text.strip():
        raise InvalidSetting(
            f"`{setting.name}` needs a value; remove its line from {path} instead."
        )
    try:
        loaded = load_settings(ServerSettings, environ={setting.variable: text})
    except InvalidSetting as error:
        raise InvalidSetting(str(error).replace(setting.variable, f"`{setting.name}`")) from None
    value = msgspec.to_builtins(getattr(loaded, setting.name))
    try:
        before = read_given(path, _LIMIT_BYTES)
    except FileMissing:
        before = b""
    try:
        changed = set_line(before.decode("utf-8-sig"), setting.section, setting.name, value)
        if read_yaml(changed.encode()) != _expected(before, setting, value):
            raise ValueError(f"has `{setting.name}` in a form of its own")
    except ValueError as error:
        raise InvalidInput(f"{path} {error}: change it there by hand.") from None
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(path, changed.encode(), mode=None if before else 0o600)


def _expected(before: bytes, setting: SettingInfo, value: Any) -> dict[str, Any]:
    """What the file is to hold."""
    found = read_yaml(before)
    document: dict[str, Any] = dict(found) if isinstance(found, dict) else {}
    if setting.section is None:
        document[setting.name] = value
    else:
        document[setting.section] = {**(document.get(setting.section) or {}), setting.name: value}
    return document


def set_line(text: str, section: str | None, name: str, value: Any) -> str:
    """The text of a YAML file in which a setting has another value.

    Args:
        text: What the file holds; comments and order stay.
        section: The key under which it stands; None: at the top.
        name: The setting.
        value: Its value, as JSON has it.

    Raises:
        ValueError: It stands there in a way that only a person can change.
    """
    lines = text.splitlines()
    begin, end, indent = _place(lines, section)
    written = f"{indent}{name}: {json.dumps(value, ensure_ascii=False)}"
    is_it = re.compile(rf"{indent}(?:{name}|\"{name}\"|'{name}')\s*:(.*)")
    found = [at for at in range(begin, end) if is_it.fullmatch(lines[at])]
    if len(found) > 1:
        raise ValueError(f"has `{name}` more than once")
    if found:
        at = found[0]
        if _goes_on(lines, at, end, indent):
            raise ValueError(f"has `{name}` on several lines")
        lines[at] = written + _comment(lines[at])
    elif section is not None and begin == end and f"{section}:" not in map(str.rstrip, lines):
        lines += [f"{section}:", written]
    else:
        while end > begin and not lines[end - 1].strip():
            end -= 1  # before the empty lines that part it from what follows
        lines.insert(end, written)
    return "\n".join(lines) + "\n"


def _place(lines: list[str], section: str | None) -> tuple[int, int, str]:
    """The lines in which it would stand, and how far they are indented."""
    if section is None:
        return 0, len(lines), ""
    heads = [at for at, line in enumerate(lines) if re.fullmatch(rf"{section}\s*:\s*(#.*)?", line)]
    if not heads:
        if any(re.match(rf"{section}\s*:", line) for line in lines):
            raise ValueError(f"has `{section}` on one line")
        return len(lines), len(lines), "  "
    begin = end = heads[0] + 1
    indent = "  "
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " #"):
        if lines[end].strip() and not lines[end].lstrip().startswith("#"):
            indent = lines[end][: len(lines[end]) - len(lines[end].lstrip())]
        end += 1
    return begin, end, indent


def _goes_on(lines: list[str], at: int, end: int, indent: str) -> bool:
    """Whether the value has lines of its own below its name."""
    for line in lines[at + 1 : end]:
        if line.strip() and not line.lstrip().startswith("#"):
            return line.startswith((indent + " ", indent + "- "))
    return False


def _comment(line: str) -> str:
    found = re.search(r"\s+#[^'\"]*$", line)
    return found[0] if found else ""
