"""Compare wordings of one prompt: asked at the same time, within a budget, and paid for once.

Run it twice: the second time is answered from `compare_wordings.calls.jsonl`. Change a wording, and
only that one is asked anew. A setting or `LLM_REPL_PROVIDER` chooses who answers; by default it is
the mock.
"""

from __future__ import annotations

import sys

from llm_repl_core import (
    Application,
    Budget,
    CellCompleted,
    CellFailed,
    Notebook,
    PromptCell,
    RecordingsLedger,
    Session,
    Settings,
    load_settings,
)

WORDINGS = {
    "plain": "Sum up: {text}",
    "for a child": "Explain to a child of eight: {text}",
    "in one line": "Sum up in one line of at most ten words: {text}",
}
TEXT = "Tea leaves are dried, and some are left to oxidise first, which makes them black."


def main() -> int:
    """Ask, print the answers, and keep them; 1: not all could be had."""
    failed = False
    notebook = Notebook("Compare wordings")
    for name, wording in WORDINGS.items():
        # An id of its own, so that the next run of this script finds the answers again.
        notebook.insert(PromptCell(id=name, content=wording))
    ledger = RecordingsLedger.load("compare_wordings.calls.jsonl")
    application = Application(load_settings(Settings))
    with Session(notebook, application=application, ledger=ledger) as session:
        session.assign({"text": TEXT})
        for event in session.stream(mode="reuse", budget=Budget(calls=10, usd=0.05)):
            if isinstance(event, CellCompleted):
                answer = event.outputs[-1]
                source = answer.fields.get("source", "asked")
                print(f"{event.cell_id} ({source}): {answer.content}")
            elif isinstance(event, CellFailed):
                failed = True
                print(f"{event.cell_id}: {event.error}", file=sys.stderr)
    ledger.save(ledger.path, notebook)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
