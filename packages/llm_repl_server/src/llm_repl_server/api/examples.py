"""A body for each operation that takes one, as the page at ``/api/docs`` offers it. They run."""

from __future__ import annotations

from typing import Any

__all__ = ["EXAMPLES"]

_RUN: dict[str, Any] = {"mode": "live", "budget": {"usd": 0.5}}

EXAMPLES: dict[str, dict[str, Any]] = {
    "create_notebook": {"name": "Greetings"},
    "change_notebook": {"name": "Greetings to all", "metadata": {"purpose": "a try"}},
    "load_notebook": {"filepath": "greetings.llmn"},
    "open_notebook": {"path": "greetings.llmn"},
    "import_notebook": {
        "filename": "greetings.ipynb",
        "text": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    },
    "upload_file": {"path": "data/cities.csv", "data": "Y2l0eQpPc2xvCg=="},
    "save_notebook": {"filepath": "greetings.llmn"},
    "create_cell": {
        "type": "prompt",
        "content": "Say hello to {who}.",
        "response_var": "greeting",
        "position": 0,
    },
    "change_cell": {"content": "who = 'everybody'"},
    "move_cell": {"position": 0},
    "edit_cells": {
        "edits": [
            {
                "do": "create",
                "cell_id": "0f1b6a52-7c51-4a0e-9a39-6f6a1b6a7c11",
                "type": "code",
                "content": "who = 'everybody'",
                "position": 0,
            },
            {
                "do": "create",
                "cell_id": "4c0d3d0e-93ff-4c5f-8c5e-0d9f2a5c2b22",
                "nbformat": {
                    "cell_type": "code",
                    "metadata": {},
                    "source": "6 * 7",
                    "execution_count": 1,
                    "outputs": [
                        {
                            "output_type": "execute_result",
                            "execution_count": 1,
                            "data": {"text/plain": "42"},
                            "metadata": {},
                        }
                    ],
                },
            },
            {"do": "move", "cell_id": "0f1b6a52-7c51-4a0e-9a39-6f6a1b6a7c11", "position": 0},
        ]
    },
    "duplicate_notebook": {"name": "Greetings, another way"},
    "restore_cell": {"position": 0},
    "execute_cell": _RUN,
    "execute_all": _RUN,
    "execute_stale": _RUN,
    "execute_chosen": _RUN | {"with": "upstream"},
    "plan_run": {"mode": "reuse"},
    "preview_new_prompt": {"content": "Say hello to {who}."},
    "preview_draft": {"content": "Say hello to {who}.", "temperature": 0.2},
    "ask_several": {"models": [{"model": "mock/echo"}, {"model": "mock", "temperature": 0.2}]},
    "edit_answer": {"content": "Hello, everybody."},
    "complete_code": {"code": "greeting.up", "cursor": 11},
    "inspect_code": {"code": "print(greeting, ", "cursor": 16},
    "decide_tool_call": {"approved": True},
    "choose_provider": {"type": "mock", "model": "mock"},
    "set_custom_provider": {"base_url": "http://localhost:11434/v1", "model": "qwen3"},
    "set_provider_key": {"api_key": "none"},
}
"""By the operation's name. Without one, the page would offer every field with a nonsense value."""
