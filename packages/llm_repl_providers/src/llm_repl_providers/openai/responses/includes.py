"""What of an answer is only sent where it is asked for, and is asked for without a user's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["INCLUDED", "REASONING", "RESULTS"]

REASONING: Final = "reasoning.encrypted_content"
"""In a loop of tools, what the model thought goes back with the results."""

RESULTS: Final[Mapping[str, str]] = {
    "code_interpreter": "code_interpreter_call.outputs",
    "file_search": "file_search_call.results",
    "web_search": "web_search_call.action.sources",
}
"""What a tool of the server has found, by the tool."""

INCLUDED: Final = frozenset({REASONING, *RESULTS.values()})
