"""What is installed: modules, their faces for Python and for C, and nothing private."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.source.tree import TOP, files

INITS = {path.relative_to(TOP) for path in (TOP / "tunnel").rglob("__init__.pxd")}
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the wheel. What is built in place already is not compiled again."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "setup.py", "bdist_wheel", f"--bdist-dir={folder}/tree", f"--dist-dir={folder}"],
        cwd=TOP,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (made,) = folder.glob("*.whl")
    with zipfile.ZipFile(made) as archive:
        return set(archive.namelist())


def test_every_module_and_face(wheel: set[str]):
    wanted = {path.relative_to(TOP) for path in files("tunnel", endings=(".py", ".pxd", ".pyi"))}
    native = {Path("tunnel", path.relative_to(TOP / "ext")) for path in files("ext", endings=(".pyx",))}
    wanted |= {path.with_name(path.stem + SUFFIX) for path in native}
    wanted |= {Path("tunnel/py.typed"), Path("tunnel/lab/topology.schema.json")}
    assert {str(path) for path in wanted} <= wheel


def test_nothing_private(wheel: set[str]):
    modules = {Path(name) for name in wheel if ".dist-info/" not in name}
    assert {path.parts[0] for path in modules} == {"tunnel"}
    assert {path.suffix for path in modules} <= {".py", ".pxd", ".pyi", ".so", ".typed", ".json"}
    assert {path for path in modules if path.suffix == ".pxd" and path.name[0] == "_"} <= INITS
