"""``python -m bench [GROUP …] [--json FILE]``: measure, and print a Markdown table as it grows."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from bench import rows
from bench.harness import Measured, Row, measure
from bench.private import private_folders
from bench.table import HEADER, footer_line, header_line, json_document, markdown_line

GROUPS = sorted(module.name for module in iter_modules(rows.__path__))


def main() -> int:
    """Run; the exit code says whether every row could be measured, not whether goals are met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=rows.__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample here")
    parser.add_argument("--only", metavar="ROW", help="the rows whose name has this in it")
    parser.add_argument("--list", action="store_true", help="name the rows, and measure nothing")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.groups) - set(GROUPS))
    if unknown:
        parser.error(f"there is no group {unknown[0]!r}; there are {', '.join(GROUPS)}")
    chosen = {
        f"{group} {one.name}": one
        for group in arguments.groups or GROUPS
        for one in _rows_of(group)
        if arguments.only is None or arguments.only in one.name
    }
    if arguments.list:
        print("\n".join(f"{name}: {one.what}" for name, one in chosen.items()))
        return 0
    print(f"{header_line()}\n\n{HEADER}", flush=True)
    results: list[Measured] = []
    with private_folders():
        for one in chosen.values():
            results.append(measure(one))
            print(markdown_line(results[-1]), flush=True)
    print(f"\n{footer_line(results)}")
    if arguments.json is not None:
        arguments.json.write_text(json_document(results), encoding="utf-8")
    return int(any(one.problem is not None for one in results))


def _rows_of(group: str) -> list[Row]:
    rows_of: list[Row] = []
    for value in vars(import_module(f"bench.rows.{group}")).values():
        rows_of += [
            one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Row)
        ]
    return rows_of


if __name__ == "__main__":
    sys.exit(main())
