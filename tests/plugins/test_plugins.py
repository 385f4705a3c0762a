"""The example plugins, built out of the tree, found by name and run; and one built against a stale layout."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP

from tunnel import packet, registry
from tunnel.testing import drive

TOP = Path(__file__).parents[2]
PLUGINS = TOP / "examples" / "plugins"

pytestmark = pytest.mark.plugin


def run(*command: str, cwd: Path) -> None:
    """Run a tool; its output is shown where it fails."""
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def install(source: Path, target: Path) -> None:
    """What ``pip install`` of the plugin leaves, in a folder of its own."""
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(target))
    run(sys.executable, "-m", "pip", "install", *options, str(source), cwd=source)


@pytest.fixture
def installed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin of this folder, made importable as if it were installed."""
    source = shutil.copytree(PLUGINS / request.param, tmp_path / "source")
    install(source, tmp_path / "target")
    monkeypatch.syspath_prepend(str(tmp_path / "target"))


def datagram(port: int, hops: int) -> bytes:
    return bytes(IP(src="192.0.2.1", dst="192.0.2.2", ttl=hops) / UDP(sport=4000, dport=port) / b"payload")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("installed", ["python_plugin"], indirect=True)
def test_python_plugin():
    handler = registry.find("handler", "block_ports")(blocked=(25,))
    passed, blocked = datagram(53, 64), datagram(25, 64)
    driven = drive(handler, {"inside": [passed, blocked], "outside": [passed]}, medium=packet.IP)
    assert driven.out == {"outside": [passed], "inside": [passed]}
    assert driven.drops == {"BLOCKED_PORT": 1}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("installed", ["cython_plugin"], indirect=True)
def test_cython_plugin():
    handler = registry.find("handler", "hop_guard")(least=255)
    near, far = datagram(53, 255), datagram(53, 254)
    driven = drive(handler, {"inside": [near, far], "outside": [near]}, medium=packet.IP)
    assert driven.out == {"outside": [near], "inside": [near]}
    assert driven.drops == {"FEW_HOPS": 1}


def stale_faces(folder: Path) -> Path:
    """The C interface as it was under another number."""
    for face in (TOP / "tunnel").rglob("*.pxd"):
        copy = folder / face.relative_to(TOP)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(re.sub(r"tunnel_abi_\d+", "tunnel_abi_0", face.read_text()))
    return folder


def stale_plugin(folder: Path) -> Path:
    """The Cython plugin with its setup.py pointed at the stale faces, under a name of its own:

    an extension that this process has loaded once would be found again under the old one.
    """
    source = Path(shutil.copytree(PLUGINS / "cython_plugin", folder / "source"))
    setup = (source / "setup.py").read_text()
    assert "tunnel.get_include()" in setup
    setup = setup.replace("tunnel.get_include()", repr(str(stale_faces(folder / "include"))))
    (source / "setup.py").write_text(setup.replace("tunnel_hop_guard", "stale_hop_guard"))
    (source / "tunnel_hop_guard.pyx").rename(source / "stale_hop_guard.pyx")
    return source


def test_stale_cython_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = stale_plugin(tmp_path)
    run(sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", cwd=source)
    monkeypatch.syspath_prepend(str(source))
    with pytest.raises(ImportError, match="tunnel_abi_0"):
        importlib.import_module("stale_hop_guard")
