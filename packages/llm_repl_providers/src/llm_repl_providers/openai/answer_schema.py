"""The form that an answer must have, as both APIs name it."""

from __future__ import annotations

import re
from typing import Any, Final

from llm_repl_core.providers.base import AnswerSchema
from llm_repl_providers.openai.strict_schema import strict_schema

__all__ = ["json_schema_format"]

_NAME_LIMIT_CHARACTERS: Final = 64


def json_schema_format(answer_schema: AnswerSchema) -> dict[str, Any]:
    """Name, schema and whether it is enforced by the letter."""
    # The protocol allows no other characters in the name.
    name = re.sub(r"[^A-Za-z0-9_-]", "_", answer_schema.name)[:_NAME_LIMIT_CHARACTERS]
    strict = strict_schema(answer_schema.schema)
    return {
        "name": name or "answer",
        "schema": answer_schema.schema if strict is None else strict,
        "strict": strict is not None,
    }
