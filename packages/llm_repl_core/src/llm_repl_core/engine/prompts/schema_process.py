"""Checks an answer in a process of its own, as a regular expression may take for ever.

Python's ``re`` holds every other thread up while it searches, and an answer comes from a model: in
the process of the engine it could stop every notebook. This one is ended where it takes too long.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from llm_repl_core.errors import AnswerMisfit, InvalidInput
from llm_repl_core.model.json_value import JSONValue

__all__ = ["check_in_process"]

LIMIT_S = 10.0
"""How long a check may take, the start of the process included."""


async def check_in_process(schema: dict[str, JSONValue], value: JSONValue) -> None:
    """Check an answer. Cancelling ends the process.

    Args:
        schema: The JSON Schema.
        value: The answer.

    Raises:
        AnswerMisfit: It does not fit; the message, for the model, says where and what.
        InvalidInput: The schema cannot be used, or checking takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    document = json.dumps({"schema": schema, "value": value}).encode("ascii")
    try:
        async with asyncio.timeout(LIMIT_S):
            said, _ = await process.communicate(document)
    except TimeoutError:
        raise InvalidInput(
            f"`schema`: one of its `pattern`s takes longer than {LIMIT_S:g} s for this answer: "
            "write it so that nothing in it is repeated within what is repeated."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    outcome: dict[str, str] = json.loads(said) if said else {"problem": "`schema` has no answer."}
    if "misfit" in outcome:
        raise AnswerMisfit(outcome["misfit"])
    if "problem" in outcome:
        raise InvalidInput(outcome["problem"])


def _main() -> None:
    # Only in this process: the one that asks has it where it is needed.
    from llm_repl_core.engine.prompts.answer_schema import SchemaChecker

    document: Any = json.load(sys.stdin)
    outcome: dict[str, str] = {}
    try:
        SchemaChecker(document["schema"]).check(document["value"])
    except AnswerMisfit as error:
        outcome = {"misfit": str(error)}
    except InvalidInput as error:
        outcome = {"problem": str(error)}
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    _main()
