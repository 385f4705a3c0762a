"""The rule for skips, tried on a small suite with the same conftest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SUITE = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_skipped(number):
    pytest.skip("no such program: apt install program")

@pytest.mark.xfail
def test_expected():
    assert False
"""
WHOLE = """
import pytest
pytest.skip("nothing of this here", allow_module_level=True)
"""


def outcome(folder: Path, suite: str, allowed: str, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "allowed_skips.txt").write_text(allowed)
    (folder / "test_small.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(folder), str(folder)]
    env = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("suite", [SUITE, WHOLE])
def test_a_skip_fails_in_ci_with_its_reason(tmp_path: Path, suite: str) -> None:
    done = outcome(tmp_path, suite, "# none\n", "true")
    assert done.returncode not in (0, 5), done.stdout
    assert "allowed_skips.txt" in done.stdout
    assert "no such program" in done.stdout or "nothing of this here" in done.stdout


@pytest.mark.parametrize("name", ["test_small.py::test_skipped", "test_small.py::test_skipped[1]"])
def test_a_named_skip_passes(tmp_path: Path, name: str) -> None:
    done = outcome(tmp_path, SUITE, f"{name}: not on this kernel\n", "true")
    assert (done.returncode == 0) == ("[" not in name), done.stdout


def test_a_named_file_passes(tmp_path: Path) -> None:
    done = outcome(tmp_path, WHOLE, "test_small.py: not on this kernel\n", "true")
    assert "1 skipped" in done.stdout


def test_a_skip_without_a_reason_is_refused(tmp_path: Path) -> None:
    done = outcome(tmp_path, SUITE, "test_small.py::test_skipped\n", "true")
    assert "'test id: reason' was expected" in done.stdout + done.stderr


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    done = outcome(tmp_path, SUITE, "", "")
    assert done.returncode == 0, done.stdout
    assert "2 skipped" in done.stdout
