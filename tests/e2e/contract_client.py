"""A client written from the wire contract alone; it checks everything that is promised there.

Run it against a server: `python contract_client.py http://127.0.0.1:5000 ROOT_FOLDER [CHECK …]`.
"""

from __future__ import annotations

import sys
import traceback

import contract_events
import contract_rest
import contract_running
from contract_plumbing import Api, Broken


def main(base: str, root: str, *chosen: str) -> int:
    """Run all checks, or those that are chosen; say which of them the server does not pass."""
    failed = 0
    for module in (contract_rest, contract_running, contract_events):
        for name, check in vars(module).items():
            if not name.startswith("check_") or (chosen and name not in chosen):
                continue
            try:
                check(Api(base, root))
            except Exception as error:  # noqa: BLE001  # the other checks are to run as well
                failed += 1
                print(f"FAILED {name}: {error}")
                if isinstance(error, Broken):
                    line = traceback.extract_tb(error.__traceback__)[1]
                    print(f"       {line.filename}:{line.lineno}: {line.line}")
                else:
                    traceback.print_exc(file=sys.stdout)
            else:
                print(f"passed {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
