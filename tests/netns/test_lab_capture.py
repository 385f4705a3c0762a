"""Captures of a lab's links, as tshark reads them."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.netns.sites import cabled
from tests.unit.cli.calls import call
from tunnel.errors import LabError
from tunnel.lab import Lab, Node
from tunnel.lab.capture import Capture, Captured, find_end
from tunnel.lab.probe import ping, transfer
from tunnel.lab.topology import Bridge, Link, Topology
from tunnel.lab.topology import Node as Described

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
TWO = Topology(
    name="two", nodes={"west": Described(), "east": Described()}, bridges={"br0": Bridge()},
    links=[Link(endpoints=["west:eth0", "east:eth0"])],
)  # fmt: skip
TAGGED = bytes.fromhex("020000000002 020000000001 8100 0064 0800") + bytes(46)


def captured(node: Node, interface: str, act: Callable[[], object], file: Path, **options: float) -> Captured:
    """What a capture says that listens while something is done; it ends then, or by its options."""
    found: list[Captured] = []
    with closing(Capture(node, interface)) as capture, file.open("wb") as out:
        thread = threading.Thread(target=lambda: found.append(capture.run(out.write, **options)))
        thread.start()
        act()
        if not options:
            capture.stop()
        thread.join(10)
    return found[0]


def fields(file: Path, *names: str, where: str = "frame", options: tuple[str, ...] = ()) -> list[list[str]]:
    """Columns that tshark reads out of a file."""
    wanted = [word for name in names for word in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(file), "-Y", where, "-T", "fields", *wanted, *options],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return [line.split("\t") for line in done.stdout.splitlines()]


@needs_tshark
def test_both_ways_with_their_direction(lab: Lab, tmp_path: Path):
    west, _ = cabled(lab, "10.0.0.{}/24", silent=True)
    done = captured(west, "eth0", lambda: ping(west, "10.0.0.2", count=2, interval_s=0.01), tmp_path / "x")
    rows = fields(tmp_path / "x", "icmp.type", "frame.packet_flags_direction", where="icmp")
    assert rows == [["8", "0x00000002"], ["0", "0x00000001"]] * 2
    assert done.packets == len(fields(tmp_path / "x", "frame.number")) and done.lost == 0
    assert "10.0.0.1" in [address for (address,) in fields(tmp_path / "x", "arp.src.proto_ipv4", where="arp")]


@needs_tshark
def test_the_node_keeps_its_addresses_and_answers(lab: Lab, tmp_path: Path):
    west, east = cabled(lab, "10.0.0.{}/24", "fd00::{}/64")
    before = west.addresses("eth0")
    echoes = []
    captured(west, "eth0", lambda: echoes.append(ping(east, "fd00::1", count=3, interval_s=0.01)), tmp_path / "x")
    assert len(echoes[0].rtts_s) == 3 and west.addresses("eth0") == before


@needs_tshark
@pytest.mark.parametrize("address", ["10.0.0.2", "fd00::2"])
def test_super_packets_are_whole_and_every_checksum_is_right(lab: Lab, tmp_path: Path, address: str):
    west, east = cabled(lab, "10.0.0.{}/24", "fd00::{}/64")
    done = captured(west, "eth0", lambda: transfer(west, east, address, seconds=0.05), tmp_path / "x")
    check = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    rows = fields(tmp_path / "x", "frame.len", "tcp.checksum.status", where="tcp", options=check)
    assert {status for _, status in rows} == {"1"}
    assert max(int(size) for size, _ in rows) > 5000
    assert len(rows) <= done.packets


@needs_tshark
def test_a_vlan_tag_is_in_its_place(lab: Lab, tmp_path: Path):
    west, east = cabled(lab, silent=True)
    with east.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        captured(west, "eth0", lambda: sock.send(TAGGED), tmp_path / "x", count=1, seconds=5)
    assert fields(tmp_path / "x", "vlan.id", "vlan.etype", "frame.len") == [["100", "0x0800", "64"]]


@needs_tshark
def test_a_tun_has_ip_packets(lab: Lab, tmp_path: Path):
    node = lab.node("node")
    fd = node.tun("t0")
    node.sysctl("net.ipv6.conf.t0.disable_ipv6", 1)
    node.address("t0", "10.9.0.1/24")
    node.up("t0")
    captured(node, "t0", lambda: ping(node, "10.9.0.2", count=1, interval_s=0.01), tmp_path / "x", count=1, seconds=5)
    os.close(fd)
    assert fields(tmp_path / "x", "ip.dst", "frame.encap_type") == [["10.9.0.2", "7"]]


@needs_tshark
def test_at_a_bridge_one_sees_what_passes(lab: Lab, tmp_path: Path):
    switch, hosts = lab.node("br0"), [lab.node(name) for name in "ab"]
    for number, host in enumerate(hosts, 1):
        lab.link((host, "eth0"), (switch, f"p{number}"))
        host.address("eth0", f"10.0.0.{number}/24")
        host.up("eth0")
    switch.up(switch.bridge("br0", ["p1", "p2"]), "p1", "p2")
    captured(switch, "br0", lambda: ping(hosts[0], "10.0.0.2", count=1, interval_s=0.01), tmp_path / "x")
    rows = fields(tmp_path / "x", "ip.src", "ip.dst", where="icmp")
    assert rows == [["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.1"]]


def test_it_ends_after_so_many_packets_and_so_much_time(lab: Lab, tmp_path: Path):
    west, _ = cabled(lab, "10.0.0.{}/24", silent=True)
    done = captured(
        west, "eth0", lambda: ping(west, "10.0.0.2", count=5, interval_s=0.01), tmp_path / "x", count=3, seconds=9
    )  # fmt: skip
    assert done.packets == 3
    assert captured(west, "eth0", lambda: None, tmp_path / "x", seconds=0.05).packets <= 1


def test_packets_are_there_at_once(lab: Lab):
    west, _ = cabled(lab, "10.0.0.{}/24", silent=True)
    reading, writing = os.pipe()
    with closing(Capture(west, "eth0")) as capture:
        thread = threading.Thread(target=lambda: capture.run(lambda blocks: os.write(writing, blocks), count=4))
        thread.start()
        assert struct.unpack_from("=I", os.read(reading, 65536))[0] == 0x0A0D0D0A  # before anything passes
        ping(west, "10.0.0.2", count=1, interval_s=0.01)
        assert struct.unpack_from("=I", os.read(reading, 65536))[0] == 6
        capture.stop()
        thread.join(10)
    os.close(reading)
    os.close(writing)


def test_an_interface_that_goes_away_ends_it(lab: Lab):
    west, _ = cabled(lab, silent=True)
    with closing(Capture(west, "eth0")) as capture:
        west.delete("eth0")
        with pytest.raises(LabError, match="node west, eth0: the interface is gone"):
            capture.run(lambda blocks: None, seconds=5)


def test_what_cannot_be_captured(lab: Lab):
    west, _ = cabled(lab)
    with pytest.raises(LabError, match="node west, eth7: No such device"):
        Capture(west, "eth7")
    with pytest.raises(LabError, match="north:eth0: the lab has no north; it has west, east"):
        find_end(TWO, lab.nodes, "north:eth0")
    with pytest.raises(LabError, match="west: which interface\\? write it like west:eth0"):
        find_end(TWO, lab.nodes, "west")
    lab.node("br0")
    assert find_end(TWO, lab.nodes, "br0") == (lab.nodes["br0"], "br0")


@pytest.fixture
def found(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> tuple[Node, Node]:
    """Two hosts of a lab that the command finds."""

    class Up:
        topology, nodes = TWO, lab.nodes

    @contextmanager
    def attached(name: str | None = None) -> Iterator[type[Up]]:
        assert name is None
        yield Up

    monkeypatch.setattr("tunnel.cli.lab.attach.attached", attached)
    return cabled(lab, "10.0.0.{}/24", silent=True)


def test_the_command(found: tuple[Node, Node], capsys: pytest.CaptureFixture[str], tmp_path: Path):
    done = call(capsys, "lab", "capture", "west:eth0", "-w", str(tmp_path / "x"), "--for", "0.05")
    assert (done.status, done.out) == (0, "")
    assert done.err.endswith("packets captured, 0 lost for want of room\n")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "x").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    refused = call(capsys, "lab", "capture", "west:eth0", "-w", str(tmp_path / "no" / "x"))
    assert refused.status == 1 and "No such file or directory; name a file that can be written" in refused.err


def test_a_terminal_gets_no_packets(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    refused = call(capsys, "lab", "capture", "west:eth0")
    assert refused.status == 1 and "a capture is not for a terminal" in refused.err
