"""In which language a notebook's code is."""

from __future__ import annotations

from typing import Any

import pytest

from llm_repl_core.model.language import kernelspec_name, notebook_language


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({"kernelspec": {}, "language_info": {}}, "python"),
        ({"kernelspec": {"name": "python3", "display_name": "My R stuff"}}, "python"),
        ({"kernelspec": {"name": "conda-env-r-py", "language": "Python"}}, "python"),
        ({"kernelspec": {"name": "synapse_pyspark", "language": "Python"}}, "python"),
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "r"),
        ({"kernelspec": {"name": "ir"}}, "r"),
        ({"kernelspec": {"name": "julia-1.10", "display_name": "Julia"}}, "julia"),
        ({"kernelspec": {"name": "BASH"}}, "bash"),
        ({"kernelspec": {"name": "science"}, "language_info": {"name": "R"}}, "r"),
        ({"language_info": {"name": "JULIA"}}, "julia"),
        ({"language_info": {"name": "ipython"}}, "python"),
        # They contradict each other: Jupyter starts what the kernelspec names.
        ({"kernelspec": {"language": "python"}, "language_info": {"name": "R"}}, "python"),
        ({"kernelspec": {"language": "julia"}, "language_info": {"name": "python"}}, "julia"),
        ({"kernelspec": "ir", "language_info": ["R"]}, "python"),
        ({"kernelspec": {"name": 3, "language": None}, "language_info": {"name": " "}}, "python"),
    ],
)
def test_the_kernelspec_decides_and_python_is_the_default(
    metadata: dict[str, Any], language: str
) -> None:
    assert notebook_language(metadata) == language


def test_a_kernelspec_without_a_name_is_none() -> None:
    assert kernelspec_name({"kernelspec": {"name": "ir"}}) == "ir"
    assert kernelspec_name({"kernelspec": {}}) is None
