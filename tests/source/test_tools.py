"""The linters and type checkers are clean."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from cython_lint.cython_lint import PYCODESTYLE_CODES

from tests.source.tree import TOP, files, module_name

HERE = Path(__file__).parent
CYTHON = [str(path.relative_to(TOP)) for path in files("ext", "tunnel", "tests", "examples", endings=(".pyx", ".pxd"))]
NATIVE = [module_name(path) for path in files("ext", endings=(".pyx",))]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of the virtual environment at the top of the tree."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=TOP,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_ruff():
    done = run("ruff", "check", "--output-format=concise", ".")
    assert done.returncode == 0, done.stdout


def test_cython_lint():
    done = run("cython_lint.cython_lint", "--no-pycodestyle", *CYTHON)
    assert done.returncode == 0, done.stdout


def test_pycodestyle_of_cython():
    """The other half of cython-lint, which would start it once for each file."""
    chosen = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["cython-lint"]
    ignored = ",".join(PYCODESTYLE_CODES | {*chosen["ignore"]})
    done = run("pycodestyle", f"--ignore={ignored}", f"--max-line-length={chosen['max-line-length']}", *CYTHON)
    assert done.returncode == 0, done.stdout


def test_mypy():
    done = run("mypy", "tunnel", "bench", "tests")
    assert done.returncode == 0, done.stdout


def test_stubs_tell_what_is_compiled():
    assert all(importlib.util.find_spec(name) for name in NATIVE), "`make build` first"
    allowed = str(HERE / "stubtest_allowed.txt")
    options = ("--ignore-disjoint-bases", "--ignore-unused-allowlist", "--allowlist", allowed)
    done = run("mypy.stubtest", *NATIVE, "--mypy-config-file", "pyproject.toml", *options)
    assert done.returncode == 0, done.stdout
