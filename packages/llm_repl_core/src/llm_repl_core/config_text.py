"""YAML and JSON as people write it for settings and parameters: what is ambiguous is refused."""

from __future__ import annotations

import codecs
import json
from typing import Any

__all__ = ["DoubledName", "read_json", "read_yaml"]

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class DoubledName(ValueError):
    """Two entries of a mapping have the same name, of which others would drop one in silence.

    Args:
        name: The name.
        where: Where the two stand, where that is known.
    """

    def __init__(self, name: str, where: str = "") -> None:
        shown = name[:80].encode("unicode_escape").decode()
        super().__init__(f"names `{shown}` twice{where and f' ({where})'}: leave one of them out")


def read_yaml(text: bytes | str) -> Any:
    """What a YAML or JSON document says, in plain values.

    Args:
        text: The document; bytes are UTF-8, or UTF-16 with a byte-order mark.

    Raises:
        DoubledName: It has two entries of one name.
        ValueError: It cannot be read. The messages of both go on after "it".
    """
    # Not all JSON is YAML: `1e5` would be text, and an emoji of two escapes two broken characters.
    try:
        return read_json(text)
    except DoubledName:
        raise
    except ValueError:
        pass

    import yaml  # 30 ms, which not every document is worth

    class Loader(yaml.SafeLoader):
        # Looked at before `<<` merges others' entries in, which its own may well replace.
        def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
            node: yaml.MappingNode = super().compose_mapping_node(anchor)
            lines: dict[Any, int] = {}
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag not in self.yaml_constructors:
                    continue
                name, line = self.construct_object(key), key.start_mark.line + 1
                if name in lines:
                    raise DoubledName(key.value, f"lines {lines[name]} and {line}")
                lines[name] = line
            return node

    try:
        if isinstance(text, bytes) and not text.startswith(_UTF_16):
            text = text.decode("utf-8-sig")
        return yaml.load(text, Loader)  # noqa: S506  # a safe one, with a name of its own
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ValueError("is too deeply nested") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        reason = " ".join(str(getattr(error, "problem", None) or error).split()).rstrip(".")
        raise ValueError(f"is not YAML{where}, {reason}") from None
    except DoubledName:
        raise
    except ValueError as error:  # a date that there is not
        raise ValueError(f"is not YAML, {error}") from None


def read_json(text: bytes | str) -> Any:
    """What a JSON document says.

    Args:
        text: The document.

    Raises:
        DoubledName: It has two entries of one name.
        ValueError: It cannot be read. The messages of both go on after "it".
    """
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ValueError("is too deeply nested") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"is not JSON at {where} ({error.msg})") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"is not JSON: `{constant}` is no number of it")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise DoubledName(name)
        found[name] = value
    return found
