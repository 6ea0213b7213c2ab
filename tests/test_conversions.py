"""What each format carries, as the table in the docs has it, on notebooks of many kinds."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest

from llm_repl_core import Application, InvalidInput, Notebook, PromptCell

sys.path.insert(0, str(Path(__file__).parent))  # for the module beside this one

from sample_notebooks import sample_notebooks

DOCS = Path(__file__).parents[1] / "docs" / "reference" / "file-formats.md"
STYLES = "packages/llm_repl_core/src/llm_repl_core/formats/html/page.css"
TOKENS = "packages/llm_repl_server/web/src/styles/tokens.css"
SAMPLES = sample_notebooks()
READABLE = (".llmn", ".ipynb", ".py", ".md")


def _known_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name != "llm_repl"}


FEATURES: dict[str, Callable[[Notebook], Any]] = {
    "cells, their types, ids and order": lambda notebook: [
        (cell.id, cell.type, cell.content.rstrip("\n")) for cell in notebook
    ],
    "a prompt's options: model, schema, tools and so on": lambda notebook: [
        cell.options() for cell in notebook if isinstance(cell, PromptCell)
    ],
    "the notebook's name, metadata and memory": lambda notebook: (
        (notebook.name, notebook.metadata, notebook.memory)
    ),
    "outputs, answers, what is stale": lambda notebook: [
        (cell.outputs, cell.stale, cell.execution_count) for cell in notebook
    ],
    "blank lines at the end of a cell": lambda notebook: [cell.content for cell in notebook],
    "unknown fields": lambda notebook: (
        notebook.extra,
        [(cell.extra, cell.metadata) for cell in notebook],
    ),
}
ONLY_METADATA: Callable[[Notebook], Any] = lambda notebook: (  # noqa: E731
    _known_metadata(notebook.metadata),
    [_known_metadata(cell.metadata) for cell in notebook],
)


@cache
def table() -> dict[str, dict[str, str]]:
    """By feature and ending: what the docs say."""
    text = DOCS.read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(
            r"^\| .* \|$", text.partition("| what is carried |")[2], re.MULTILINE
        )
    ]
    heads = text.partition("| what is carried |")[2].split("\n")[0].strip("|").split("|")
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows[1 : len(FEATURES) + 1]:
        for head, word in zip(heads, row[1:], strict=True):
            for ending in re.findall(r"`(\.\w+)`", head):
                found[row[0]][ending] = word
    return found


@cache
def application() -> Application:
    return Application(entry_points=False)


@cache
def loaded(name: str) -> Notebook:
    return application().decode(name, SAMPLES[name])


@cache
def there_and_back(name: str, ending: str) -> Notebook | None:
    """The notebook after it was a file of that ending; None: it is refused in a sentence."""
    try:
        data = application().format_for(f"a{ending}").encode(loaded(name))
    except InvalidInput as error:
        assert re.fullmatch(r"Cell \d+ cannot be written to a \.\w+ file: .*\.", str(error))  # noqa: PT017
        return None
    if ending == ".ipynb":
        nbformat.validate(nbformat.reads(data.decode(), as_version=4))
    return application().decode(f"a{ending}", data)


def test_the_table_is_of_these_features_and_formats() -> None:
    assert len(SAMPLES) >= 20
    assert list(table()) == list(FEATURES)
    assert {frozenset(row) for row in table().values()} == {frozenset(application().formats)}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("ending", READABLE)
def test_what_the_table_says_is_carried_comes_back(name: str, ending: str) -> None:
    before, after = loaded(name), there_and_back(name, ending)
    if after is None:
        assert ending in (".py", ".md")
        return
    for feature, of in FEATURES.items():
        word = table()[feature][ending]
        if word == "yes":
            if ending in (".py", ".md"):
                before.metadata.pop("orig_nbformat", None)  # as the docs say
            assert of(after) == of(before), feature
        elif word.startswith("those of"):
            assert ONLY_METADATA(after) == ONLY_METADATA(before), feature


@pytest.mark.parametrize("ending", READABLE)
def test_what_the_table_says_is_not_carried_is_lost_somewhere(ending: str) -> None:
    for feature, of in FEATURES.items():
        if table()[feature][ending] != "yes":
            pairs = [(loaded(name), there_and_back(name, ending)) for name in SAMPLES]
            assert any(after is not None and of(before) != of(after) for before, after in pairs)


def test_few_are_refused() -> None:
    refused = {name for name in SAMPLES for end in READABLE if there_and_back(name, end) is None}
    assert len(refused) <= 2, refused


@pytest.mark.parametrize("name", SAMPLES)
def test_a_chain_of_formats_ends_where_it_began(name: str) -> None:
    notebook = loaded(name)
    for ending in (".ipynb", ".llmn", ".ipynb", ".llmn"):
        data = application().format_for(f"a{ending}").encode(notebook)
        notebook = application().decode(f"a{ending}", data)
    for feature, of in FEATURES.items():
        assert of(notebook) == of(loaded(name)), feature


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_shows_the_notebook(name: str) -> None:
    notebook = loaded(name)
    html = application().format_for("a.html").encode(notebook).decode()
    assert html.count("<article ") == len(notebook)
    assert "<script" not in html
    text = re.sub(r"<[^>]*>|\s", "", html).replace("&#x27;", "'").replace("&lt;", "<")
    for cell in notebook:
        if cell.type != "markdown":
            assert all(word in text for word in re.findall(r"\w+", cell.content))
        for output in cell.outputs:
            if output.type in ("stderr", "warning", "error"):
                assert re.sub(r"\s", "", output.content) in text


def test_the_page_has_the_colours_and_sizes_of_the_other_one() -> None:
    root = Path(__file__).parents[1]
    own, other = (
        dict(
            re.findall(r"(--[\w-]+):\s*([^;]+);", (root / path).read_text().partition("@media")[0])
        )
        for path in (STYLES, TOKENS)
    )
    tokens = {name: value for name, value in own.items() if not name.endswith("-asked")}
    assert len(tokens) > 40
    assert tokens == {name: other[name] for name in tokens}
