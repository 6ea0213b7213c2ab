"""What holds of the repository as a whole, whatever the program does."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("llm_repl_core", "llm_repl_providers", "llm_repl_server")
DISTRIBUTIONS = {canonicalize_name(name) for name in PACKAGES}

# Written so that the patterns do not find themselves.
FORBIDDEN = {
    "a package registry's address": re.compile(
        r"files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org"
        r"|https?://[\w.:-]+/(?:simple|pypi)/"
    ),
    "a resolved address of a lock file": re.compile(r'"resolved"\s*:'),
    "a path of somebody's machine": re.compile(
        r"(?<![\w.~/-])/(?:home|Users)/(?!user\b|me\b)\w+/|(?<![\w.-])/roo[t]/|/wor[k]/main"
    ),
}


@cache
def tracked_files() -> tuple[Path, ...]:
    """What is in the repository, or would be after `git add .`; no list without git."""
    if not (ROOT / ".git").exists():
        pytest.skip("This is not a clone.")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in sorted(set(listing.stdout.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


@cache
def project_of(package: str) -> dict[str, Any]:
    text = (ROOT / "packages" / package / "pyproject.toml").read_text(encoding="utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project


def gate() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    return parser


def pythons_of_the_gate() -> set[str]:
    """Those that tests are run on where all are installed: by name, or the first that is wanted."""
    environments = re.findall(r"\w+", gate()["tox"]["env_list"])
    settings = [f"testenv:{name}" for name in environments if f"testenv:{name}" in gate()]
    own = [gate()[name].get("base_python", "").partition(",")[0] for name in settings]
    return {f"3.{minor}" for minor in re.findall(r"\bpy3(\d+)\b", " ".join(environments + own))}


def test_packages_are_the_known_three() -> None:
    assert {path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")} == set(PACKAGES)


def test_packages_have_one_version() -> None:
    versions = {project_of(package)["version"] for package in PACKAGES}
    for path in ROOT.glob("packages/*/src/*/__init__.py"):
        versions.update(re.findall(r'^__version__ = "(.+)"', path.read_text("utf-8"), re.MULTILINE))
    assert len(versions) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_siblings_are_pinned_to_the_version(package: str) -> None:
    project = project_of(package)
    extras = project.get("optional-dependencies", {}).values()
    wanted = [Requirement(text) for group in (project["dependencies"], *extras) for text in group]
    siblings = [each for each in wanted if canonicalize_name(each.name) in DISTRIBUTIONS]
    assert [str(each.specifier) for each in siblings] == [f"=={project['version']}"] * len(siblings)
    if package != "llm_repl_core":
        assert "llm-repl-core" in {each.name for each in siblings}


@pytest.mark.parametrize("package", PACKAGES)
def test_package_has_what_a_package_needs(package: str) -> None:
    folder = ROOT / "packages" / package
    assert (folder / "README.md").read_text(encoding="utf-8").strip()
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (folder / "src" / package / "py.typed").is_file()
    assert project_of(package)["license"] == "MIT"


@pytest.mark.parametrize("package", PACKAGES)
def test_python_versions_agree(package: str) -> None:
    project = project_of(package)
    classifiers = {
        match.group(1)
        for classifier in project["classifiers"]
        if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", classifier))
    }
    assert classifiers == pythons_of_the_gate()
    lowest = min(classifiers, key=lambda version: int(version.split(".")[1]))
    assert project["requires-python"] == f">={lowest}"


def test_missing_interpreter_is_skipped() -> None:
    assert gate()["tox"].getboolean("skip_missing_interpreters")


def test_tools_aim_at_the_lowest_python() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    lowest = project_of("llm_repl_core")["requires-python"].removeprefix(">=")
    assert tools["mypy"]["python_version"] == lowest
    assert tools["ruff"]["target-version"] == f"py{lowest.replace('.', '')}"


def test_requirements_name_the_three_under_constraints() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    editable = [f"-e ./packages/{package}" for package in PACKAGES]
    assert lines == ["-c constraints.txt", *editable]


def test_every_requirement_is_pinned_and_fits() -> None:
    pins: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            assert re.fullmatch(r"==[\w.!+]+", str(pin.specifier)), line
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    assert not pins.keys() & DISTRIBUTIONS

    root = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [*root["dependency-groups"].values()]
    for package in PACKAGES:
        project = project_of(package)
        groups += [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    for text in (each for group in groups for each in group if isinstance(each, str)):
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        if name in DISTRIBUTIONS:
            continue
        assert name in pins, f"{text}: run `nox -s constraints`"
        for pin in pins[name]:
            version = str(pin.specifier).removeprefix("==")
            assert wanted.specifier.contains(version, prereleases=True), f"{text}: {pin}"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = []
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if FORBIDDEN[what].search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found, f"{what} in:\n" + "\n".join(found)


def test_text_files_are_clean() -> None:
    # Python files are in the formatter's hands, the built page in its builder's.
    built = ROOT / "packages" / "llm_repl_server" / "src" / "llm_repl_server" / "static"
    suffixes = {
        ".md",
        ".toml",
        ".ini",
        ".yaml",
        ".yml",
        ".txt",
        ".cfg",
        ".sh",
        ".js",
        ".ts",
        ".tsx",
        ".mjs",
        ".css",
    }
    untidy = []
    for path in tracked_files():
        if path.suffix in suffixes and path.parent != built and (data := path.read_bytes()):
            trailing = path.suffix != ".md" and re.search(rb"[ \t]+$", data, re.MULTILINE)
            if b"\r" in data or trailing or not data.endswith(b"\n") or data.endswith(b"\n\n"):
                untidy.append(str(path.relative_to(ROOT)))
    assert not untidy


def _in_tests(path: Path) -> bool:
    return "tests" in path.relative_to(ROOT).parts


def test_test_folders_are_no_packages() -> None:
    assert not [path for path in tracked_files() if path.name == "__init__.py" and _in_tests(path)]


def test_test_files_have_names_of_their_own() -> None:
    names = Counter(path.name for path in tracked_files() if path.match("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]


def test_every_test_file_is_collected() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    folders = [ROOT / folder for folder in tools["pytest"]["ini_options"]["testpaths"]]
    examples = ROOT / "examples"  # they are run by the tests that install them
    tests = [
        path
        for path in tracked_files()
        if path.match("test_*.py") and not path.is_relative_to(examples)
    ]
    lost = [path for path in tests if not any(path.is_relative_to(folder) for folder in folders)]
    assert not lost


def test_the_gate_runs_every_test_either_measured_or_not() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    folders = set(tools["pytest"]["ini_options"]["testpaths"])
    measured, unmeasured = (gate()["tests"][name].split() for name in ("of_core", "unmeasured"))
    assert folders - {*measured} <= {*unmeasured}
    paths = [path for path in tracked_files() if _in_tests(path) and path.suffix == ".py"]
    lost = [
        path
        for path in paths
        if "mark.unmeasured" in path.read_text(encoding="utf-8")
        and not any(path.is_relative_to(ROOT / one) for one in unmeasured)
    ]
    assert not lost


def test_fragments_are_well_named() -> None:
    types = "added|changed|removed|fixed|security"
    names = [path.name for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    wrong = [
        name for name in names if not re.fullmatch(rf"(?:\d+|\+[\w-]+)\.(?:{types})\.md", name)
    ]
    assert not wrong
