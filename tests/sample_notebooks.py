"""Notebooks of many kinds, as the tools that people use have written them."""

from __future__ import annotations

import json
from typing import Any

from llm_repl_core import CodeCell, MemoryCell, Notebook, Output, PromptCell
from llm_repl_core.formats.llmn import LlmnFormat

__all__ = ["sample_notebooks"]

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_FRAME = (
    "<div>\n<style scoped>\n    .dataframe tbody tr th { vertical-align: top; }\n</style>\n"
    '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>by</th>'
    "<th>stars</th></tr></thead><tbody><tr><th>0</th><td>mail</td><td>2</td></tr></tbody></table>\n</div>"
)
_PYTHON = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "version": "3.12.1"},
}


def _code(source: str, *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    cell = {"cell_type": "code", "source": source.splitlines(keepends=True), "metadata": {}}
    return cell | {"execution_count": 1 if outputs else None, "outputs": list(outputs)} | more


def _text(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, "metadata": {}} | more


def _result(**data: Any) -> dict[str, Any]:
    bundle = {name.replace("_", "/", 1): value for name, value in data.items()}
    return {"output_type": "execute_result", "execution_count": 1, "data": bundle, "metadata": {}}


def _display(**data: Any) -> dict[str, Any]:
    shown = _result(**data)
    del shown["execution_count"]
    return shown | {"output_type": "display_data"}


def _stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text.splitlines(keepends=True)}


def _ipynb(*cells: dict[str, Any], minor: int = 5, **metadata: Any) -> bytes:
    listed = list(cells)
    if minor >= 5:
        listed = [{"id": f"cell-{at}"} | cell for at, cell in enumerate(listed)]
    document = {
        "cells": listed,
        "metadata": _PYTHON | metadata,
        "nbformat": 4,
        "nbformat_minor": minor,
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def _of_our_own() -> dict[str, bytes]:
    prompts = Notebook("Feedback", metadata={"llm_repl": {"mode": "reuse", "system": "Be brief."}})
    prompts.add_markdown("# Feedback\n\n$x^2$ and **all** else")
    prompts.add_code("shop = 'tea'").outputs = [Output.stdout("ran\n")]
    prompts.add_prompt(
        "Tell of {shop}.",
        model="mock/echo",
        temperature=0.5,
        response_var="story",
        parameters={"max_tokens": 100},
    ).outputs = [
        Output.llm_response(
            "Tell of tea.",
            "**Tea** is old.",
            model="echo",
            provider="mock",
            usage={"input_tokens": 4, "output_tokens": 5},
            response_var="story",
            reasoning="Hm.",
            citations=[{"url": "https://a.example/", "title": "A"}],
        )
    ]
    items = prompts.add_prompt("Sort {item}", for_each="[1, 2]", schema="topic, urgent bool")
    items.outputs = [
        Output.llm_response("Sort 1", "{}", value={"topic": "a", "urgent": True}, item=0),
        Output.llm_response("Sort 2", "{}", value={"topic": "b", "urgent": False}, item=1),
    ]
    items.status = "completed"
    memory = prompts.add_memory("weeks = {'47': 3}")
    memory.outputs = [Output.memory_update(["weeks"], {"weeks": "{'47': 3}"})]
    prompts.memory["weeks"] = {"47": 3}
    prompts.cells[1].stale = True
    prompts.cells[0].pinned = prompts.cells[1].skipped = True

    tools = Notebook("Tools", extra={"x-newer": {"a": 1}})
    tools.add_code("def add(a: int, b: int): return a + b")
    asked = tools.add_prompt("Add.", tools=["add"], context="above", attachments=["table"])
    asked.outputs = [
        Output("tool_call", "add(1, 2) → 3", {"name": "add", "arguments": "{}", "result": "3"}),
        Output.llm_response("Add.", "3", model="m", usage=None, finish_reason="length"),
        Output.warning("The answer was cut off."),
    ]
    failed = tools.add_prompt("{missing}")
    failed.status, failed.outputs = "error", [Output.error("InvalidTemplate", "no `missing`")]

    odd = Notebook("Ödd 🎈", cells=[CodeCell(content=""), MemoryCell(content="a = 1\n\n\n")])
    odd.add_code("x = '''\n\n'''\n\n# Grüße, 世界 \t\n\n")
    odd.add_markdown("\n\nstarts with blank lines")
    odd.insert(PromptCell(content="Ask\n\n", extra={"x-own": [1]}))

    blank = Notebook("Blank lines")
    for ends in ("", "\n", "\n\n", "\n\n\n"):
        blank.add_code(f"x{ends}")
        blank.add_memory(f"y = 1{ends}")
        blank.add_markdown(f"text{ends}")
        blank.add_prompt(f"Ask{ends}")
    encode = LlmnFormat().encode
    return {
        "prompts.llmn": encode(prompts),
        "tools.llmn": encode(tools),
        "odd.llmn": encode(odd),
        "blank-lines.llmn": encode(blank),
        "empty.llmn": encode(Notebook("Empty", cells=[CodeCell(content="")])),
    }


def sample_notebooks() -> dict[str, bytes]:
    """The files, by their names."""
    return _of_our_own() | {
        "pandas.ipynb": _ipynb(
            _text("# A frame"),
            _code("frame", _result(text_html=_FRAME, text_plain="   by  stars\n0  mail  2")),
        ),
        "plotly.ipynb": _ipynb(
            _code(
                "figure",
                _display(
                    **{"application_vnd.plotly.v1+json": {"data": [{"y": [2, 1]}], "layout": {}}},
                    text_html="<div id='f'></div><script>Plotly.newPlot('f')</script>",
                    text_plain="Figure()",
                ),
            )
        ),
        "pictures.ipynb": _ipynb(
            _code(
                "plot()",
                _display(image_png=_PNG + "\n", text_plain="<Figure size 640x480>"),
                _display(**{"image_svg+xml": ["<svg xmlns='http://www.w3.org/2000/svg'/>"]}),
                _display(text_latex="$\\sum_i x_i$", text_plain="Sum"),
            )
        ),
        "colours.ipynb": _ipynb(
            _code("print()", _stream("\x1b[31mred\x1b[0m\r10%\r100%\n"), _stream("no\n", "stderr")),
            _code(
                "1 / 0",
                {
                    "output_type": "error",
                    "ename": "ZeroDivisionError",
                    "evalue": "division by zero",
                    "traceback": ["\x1b[0;31mZeroDivisionError\x1b[0m", "division by zero"],
                },
            ),
        ),
        "attachments.ipynb": _ipynb(
            _text("![a](attachment:a.png)", attachments={"a.png": {"image/png": _PNG}})
        ),
        "unknown.ipynb": _ipynb(
            _code("1", metadata={"my_tool": {"a": [1, None]}}),
            _text("text", metadata={"slideshow": {"slide_type": "slide"}}),
            my_company={"reviewed": True},
        ),
        "nbformat-4.0.ipynb": _ipynb(_text("old"), _code("1", _result(text_plain="1")), minor=0),
        "nbformat-4.1.ipynb": _ipynb(
            _code("1", metadata={"collapsed": True, "scrolled": False}), minor=1
        ),
        "nbformat-4.2.ipynb": _ipynb(_code("1"), minor=2, orig_nbformat=3),
        "nbformat-4.4.ipynb": _ipynb(
            _code("1", metadata={"execution": {"iopub.status.idle": "2026-01-01T00:00:00Z"}}),
            minor=4,
        ),
        "raw.ipynb": _ipynb(
            {"cell_type": "raw", "source": "\\LaTeX\n", "metadata": {"raw_mimetype": "text/latex"}},
            _code("1"),
        ),
        "papermill.ipynb": _ipynb(
            _code("alpha = 0.1", metadata={"tags": ["parameters"]}),
            _code("alpha = 0.6", metadata={"tags": ["injected-parameters"]}),
            papermill={"parameters": {"alpha": 0.6}, "exception": None},
        ),
        "marimo.ipynb": _ipynb(
            _code("import marimo as mo", metadata={"marimo": {"name": "setup"}}),
            _text("# A", metadata={"marimo": {"config": {"hide_code": True}}}),
            marimo={"app_config": {"width": "medium"}},
        ),
        "colab.ipynb": _ipynb(
            _code("#@title A\n1", metadata={"cellView": "form", "id": "a1", "outputId": "x"}),
            minor=0,
            colab={"provenance": [], "name": "A.ipynb"},
            accelerator="GPU",
        ),
        "in-r.ipynb": _ipynb(
            _code("summary(cars)", _stream("speed\n")),
            kernelspec={"display_name": "R", "language": "R", "name": "ir"},
            language_info={"name": "R", "file_extension": ".r"},
        ),
        "widgets.ipynb": _ipynb(
            _code(
                "slider",
                _display(
                    **{"application_vnd.jupyter.widget-view+json": {"model_id": "a"}},
                    text_plain="IntSlider(value=1)",
                ),
            ),
            widgets={"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2}},
        ),
        "solveit.ipynb": _ipynb(
            _text(
                "Say $`name`.\n\n##### 🤖Reply🤖<!-- SOLVEIT_SEPARATOR_7f3a9b2c -->\n\nHello.",
                metadata={"solveit_ai": True},
            ),
            _code("name = 'a'", metadata={"pinned": True}),
            solveit_dialog_mode="standard",
            solveit_ver=2,
        ),
        "jupytext.py": (
            b"# ---\n# jupyter:\n#   kernelspec:\n#     display_name: Python 3\n#     language: python\n"
            b"#     name: python3\n# ---\n\n# %% [markdown]\n# # A script\n\n# %% tags=[\"a\"]\nx = 1\n"
        ),
        "jupytext.md": b"# A text\n\n```python\nx = 1\n```\n\nand more\n",
        "readme.md": "# Über\n\nNo code at all.\n".encode(),
    }  # fmt: skip
