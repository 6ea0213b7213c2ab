"""The documentation uses the words of its glossary, and not the ones that were given up."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"

RETIRED = (
    r"\bHouse\b",
    r"\bhouse words?\b",
    r"\bDoor\b",
    r"\bone door\b",
    r"\bCallTerms\b",
    r"\bRecall\b",
    r"\bEndedBadly\b",
    r"\bended? (?:badly|well)\b",
    r"\bends (?:badly|well)\b",
    r"\bKeptKernel\b",
    r"\bAnnouncements?\b",
    r"\bcondemn",
    r"\bwords\.py\b",
    r"\bbut=",
    r"\bon record\b",
    r"\bapplication's side\b",
    r"\bas (?:is )?by default\b",
    r"\bgoes before (?:it|both|the|those|one|any)\b",
    r"\bof one's own\b",
    r"\bwho hears\b",
    r"\bdata frames?\b",
    r"\bdataframes?\b",
    r"\bCors\b",
    r"\btime-out\b",
    r"\bbackoff(?! with jitter)",
)
"""Words that a reader of Jupyter, Flask or a provider's documentation would stumble over."""


def pages() -> list[Path]:
    """Every page that is kept up to date: decisions and changelogs are history."""
    found = [
        path
        for path in (ROOT / "docs").rglob("*.md")
        if not {"adr", "_build"} & set(path.relative_to(ROOT).parts)
    ]
    found += [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found += (ROOT / "packages").glob("*/README.md")
    return sorted(found)


@cache
def prose(path: Path) -> str:
    """A page without its examples, on one line."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<!-- invisible-code-block.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^```(?!text).*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return " ".join(text.split())


def glossary() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_glossary_is_short_and_sorted() -> None:
    terms = list(glossary())
    assert 20 <= len(terms) <= 40
    assert terms == sorted(terms)


@pytest.mark.parametrize("term", glossary())
def test_a_term_is_explained_in_a_sentence_or_two(term: str) -> None:
    text = " ".join(glossary()[term].split())
    assert 1 <= len(re.findall(r"[.:](?= |$)", text)) <= 4
    assert 40 <= len(text) <= 400


@pytest.mark.parametrize("term", glossary())
def test_a_term_is_used(term: str) -> None:
    used = re.compile(rf"\b{re.escape(term)}(?:s|es)?\b", re.IGNORECASE)
    assert [path for path in pages() if path != GLOSSARY and used.search(prose(path))]


def test_the_glossary_is_linked_from_the_pages_that_a_reader_meets_first() -> None:
    for name in ("docs/index.md", "docs/tutorial/ten-minutes.md", "docs/reference/index.md"):
        assert "glossary.md" in (ROOT / name).read_text(encoding="utf-8"), name


def test_links_into_the_glossary_lead_to_a_term() -> None:
    anchors = {term.lower().replace(" ", "-") for term in glossary()}
    linked = {
        anchor
        for path in pages()
        for anchor in re.findall(r"glossary\.md#([\w-]+)", path.read_text(encoding="utf-8"))
    }
    assert linked
    assert linked <= anchors


@pytest.mark.parametrize("word", RETIRED)
def test_a_retired_word_is_not_used(word: str) -> None:
    retired = re.compile(word)
    found = {
        str(path.relative_to(ROOT)): hit[0]
        for path in pages()
        if (hit := retired.search(prose(path)))
    }
    assert found == {}
