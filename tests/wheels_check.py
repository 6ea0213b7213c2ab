"""Builds the three wheels, installs them into an empty environment and does the main job there.

Run by `tox -e wheels`; needs `build` and the network, or pip's cache. It is no test module: it
runs with the standard library alone, from a folder that holds nothing of the repository. At the end
the page's tests that are marked `wheels` run in a browser against what was installed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE_TESTS = ROOT / "tests" / "e2e" / "test_e2e_page.py"
PAGE_TOOLS = ("pytest", "playwright", "psutil")
PACKAGES = ("llm_repl_core", "llm_repl_providers", "llm_repl_server")
COMMAND_LIMIT_S = 120.0
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0

WRITE_NOTEBOOK = """
import json, uuid
cells = [
    {"cell_id": str(uuid.uuid4()), "type": "ComputationCell", "content": "who = 'wor' + 'ld'"},
    {
        "cell_id": str(uuid.uuid4()),
        "type": "PromptCell",
        "content": "Say hello to {who}.",
        "response_var": "greeting",
    },
    {
        "cell_id": str(uuid.uuid4()),
        "type": "ComputationCell",
        "content": "print('answered:', len(greeting) > 0)",
    },
]
notebook = {"notebook_id": str(uuid.uuid4()), "name": "Greeting", "cells": cells}
open("greeting.llmn", "w", encoding="utf-8").write(json.dumps(notebook))
"""


def clean_environment(folder: Path) -> dict[str, str]:
    """The caller's environment without what would let the repository or the user's data in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "LLM_REPL_", "VIRTUAL_ENV", "COVERAGE", "OPENAI_"))
    }
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        kept[f"XDG_{kind}_HOME"] = str(folder / f".{kind.lower()}")
    return kept


def run(*command: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed; a failure ends the check."""
    words = [str(word) for word in command]
    print("$", " ".join(words), flush=True)
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        timeout=COMMAND_LIMIT_S,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nThis ended with exit code {done.returncode}.")
    return done.stdout


def build_wheels(folder: Path) -> list[Path]:
    """Build each source distribution, and from it, not from the repository, the wheel."""
    for package in PACKAGES:
        source = ROOT / "packages" / package
        run(sys.executable, "-m", "build", "--outdir", folder, source, cwd=folder)
    wheels = sorted(folder.glob("*.whl"))
    assert len(wheels) == len(PACKAGES), wheels
    return wheels


def install(wheels: list[Path], folder: Path) -> Path:
    """Install the wheels into an environment that holds nothing else; return its commands."""
    venv.create(folder, with_pip=True)
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (commands / "python", "-m", "pip", "--disable-pip-version-check")
    constraints = ROOT / "constraints.txt"
    run(*pip, "install", "--quiet", "-c", constraints, *wheels, cwd=folder)
    run(*pip, "check", cwd=folder)
    return commands


def check_packages(commands: Path, folder: Path, env: dict[str, str]) -> None:
    """Every package is imported from the environment and brings its marker of types."""
    for package in PACKAGES:
        code = (
            f"import importlib.resources, {package} as package; print(package.__file__); "
            f"assert importlib.resources.files(package).joinpath('py.typed').is_file()"
        )
        where = run(commands / "python", "-c", code, cwd=folder, env=env)
        assert not Path(where.strip()).is_relative_to(ROOT / "packages"), where


def check_version(commands: Path, folder: Path, env: dict[str, str]) -> None:
    """`llm-repl --version` prints the version of the packages."""
    text = (ROOT / "packages" / PACKAGES[0] / "pyproject.toml").read_text(encoding="utf-8")
    version = tomllib.loads(text)["project"]["version"]
    printed = run(commands / "llm-repl", "--version", cwd=folder, env=env)
    assert re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.])", printed), printed


def check_run(commands: Path, folder: Path, env: dict[str, str]) -> None:
    """A notebook with a prompt runs against the mock provider."""
    run(commands / "python", "-c", WRITE_NOTEBOOK, cwd=folder, env=env)
    printed = run(commands / "llm-repl", "run", "greeting.llmn", cwd=folder, env=env)
    assert "answered: True" in printed, printed


def check_serve(commands: Path, folder: Path, env: dict[str, str]) -> None:
    """The server comes up, says that it is well, brings the page, and ends on SIGTERM with exit code 0."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [str(commands / "llm-repl"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    print("$", " ".join(words), flush=True)
    log = folder / "serve.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            words, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            answer = wait_for_health(f"http://127.0.0.1:{port}/api/health", server)
            assert isinstance(answer, dict), answer
            check_page(f"http://127.0.0.1:{port}")
            server.send_signal(signal.SIGTERM)
            code = server.wait(STOP_LIMIT_S)
            assert code == 0, f"`llm-repl serve` ended with exit code {code}"
        except BaseException:
            print(log.read_text(encoding="utf-8", errors="replace"))
            raise
        finally:
            server.kill()


def check_page(base: str) -> None:
    """What the page consists of is in the wheel."""
    document = fetch(f"{base}/").decode()
    names = re.findall(r"static/([\w.-]+)", document)
    assert {"page.js", "page.css"} <= set(names), document
    for name in [*names, "editor.js"]:
        assert fetch(f"{base}/static/{name}"), name


def check_page_in_a_browser(commands: Path, folder: Path, env: dict[str, str]) -> None:
    """A person does the main things in the page, which comes from the wheels with its headers."""
    # Installed only now: what was checked before has to do without.
    pip = (commands / "python", "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "-c", ROOT / "constraints.txt", *PAGE_TOOLS, cwd=folder)
    # Without the repository's other fixtures, which need more tools and look at its sources.
    options = ("-q", "-m", "wheels", "-p", "no:cacheprovider", f"--confcutdir={PAGE_TESTS.parent}")
    config = ("-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "--basetemp", folder / "tests")
    command = (commands / "python", "-m", "pytest", *options, *config, PAGE_TESTS)
    print(run(*command, cwd=folder, env=env))


def fetch(url: str) -> bytes:
    """What is at the address, without a proxy."""
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with no_proxy.open(url, timeout=5) as response:
        content: bytes = response.read()
    return content


def wait_for_health(url: str, server: subprocess.Popen[bytes]) -> object:
    """Ask until the server answers; a server that ended, or takes too long, ends the check."""
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            return json.loads(fetch(url))
        except urllib.error.HTTPError:
            raise
        except OSError:
            if server.poll() is not None:
                sys.exit(f"`llm-repl serve` ended early with exit code {server.returncode}.")
            if time.monotonic() > deadline:
                sys.exit(f"`llm-repl serve` did not answer within {START_LIMIT_S:.0f} s.")
            time.sleep(0.05)


def main() -> None:
    """Do it all in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="llm-repl-wheels-") as name:
        folder = Path(name).resolve()
        for part in ("dist", "venv", "job"):
            (folder / part).mkdir()
        wheels = build_wheels(folder / "dist")
        commands = install(wheels, folder / "venv")
        job = folder / "job"
        env = clean_environment(job)
        checks = (check_packages, check_version, check_run, check_serve, check_page_in_a_browser)
        for check in checks:
            check(commands, job, env)
            print(f"{check.__name__}: passed", flush=True)
    print("The wheels do the main job in an empty environment.")


if __name__ == "__main__":
    main()
