"""The systemd unit of docs/systemd."""

from __future__ import annotations

import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "docs" / "systemd" / "tunnel-wg@.service"
PROGRAM = "/usr/local/bin/tunnel-wg"


class Service(RawConfigParser):
    """A unit file; of a key that comes several times the last value."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def test_it_may_open_the_tun_and_little_else():
    unit = Service(strict=False)
    unit.read_string(UNIT.read_text())
    service = unit["Service"]
    assert (service["DevicePolicy"], service["DeviceAllow"]) == ("closed", "/dev/net/tun rw")
    assert "PrivateDevices" not in service
    assert (service["RuntimeDirectory"], service["RuntimeDirectoryPreserve"]) == ("wireguard", "yes")
    assert set(service["CapabilityBoundingSet"].split()) == {"CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"}
    assert service["LimitCORE"] == "0"


def test_systemd_finds_nothing_wrong(tmp_path: Path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    text = UNIT.read_text()
    assert text.count(PROGRAM) == 1
    copy = tmp_path / "tunnel-wg@wg0.service"
    copy.write_text(text.replace(PROGRAM, "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if copy.name in line and "is not executable" not in line]
    assert not said, done.stderr
