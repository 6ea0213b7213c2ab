"""What runs inside kernels to look at the user's objects: texts, pictures, functions, models.

Every file needs the standard library only, and others that stand alone like that: their texts are
also sent into kernels whose environment does not have this package
(see `llm_repl_core.kernels.jupyter.source`).
"""

from __future__ import annotations

from llm_repl_core.kernels.inserted import insert, insert_all
from llm_repl_core.kernels.inspection.completion import complete_code, inspect_code
from llm_repl_core.kernels.inspection.functions import (
    await_call,
    callable_names,
    describe_functions,
    prepare_call,
    run_call,
    take_result,
)
from llm_repl_core.kernels.inspection.held import forget
from llm_repl_core.kernels.inspection.iteration import first_items
from llm_repl_core.kernels.inspection.media import media_of, media_piece
from llm_repl_core.kernels.inspection.models import make_answers, model_schema, place_answers
from llm_repl_core.kernels.inspection.parts import value_page
from llm_repl_core.kernels.inspection.plain import plain_literal
from llm_repl_core.kernels.inspection.summaries import list_variables

__all__ = [
    "await_call",
    "callable_names",
    "complete_code",
    "describe_functions",
    "first_items",
    "forget",
    "insert",
    "insert_all",
    "inspect_code",
    "list_variables",
    "make_answers",
    "media_of",
    "media_piece",
    "model_schema",
    "place_answers",
    "plain_literal",
    "prepare_call",
    "run_call",
    "take_result",
    "value_page",
]
