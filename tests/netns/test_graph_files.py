"""Graph files at work: a bridge, a capture, a bad line, a handler from a file."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgReader, RawPcapNgReader

from tests.netns.engines import Running, running, until
from tests.netns.sites import between, graph
from tests.netns.test_faults import answers
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping, transfer

AT = ("10.9.0.2", 7000)
BRIDGE = between("wire", "wire", {"sw0": "packet_socket", "tb": "tap"})
TAPS = """
[devices.ta]
type = "tap"
[devices.tb]
type = "tap"
"""
CAPTURE = """
[devices.capture]
type = "pcap"
path = "PATH"
mode = "w"
[handlers.tee]
type = "tee"
[graph]
links = ["ta -- tee.a", "tee.b -- tb", "tee.copy -> capture"]
"""
IMPAIRED = "delay_ms = 1\nloss_pct = 1\ncorrupt_pct = 1\nreorder_pct = 1\nseed = 7"
BAD_LINE = between("line", "impair", {"ta": "tap", "tb": "tap"}, IMPAIRED)
OWN = between("own", "own.py:Own", {"ta": "tun", "tb": "tun"}, ports="left right")
OWN_PY = '''
"""Passes plain packets on; anything else is an error."""

from tunnel import Handler


def folded(data):
    total = int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF
    return total or 0xFFFF


class Own(Handler):
    ports = ("left", "right")

    def process(self, batch):
        for p in batch:
            assert p.segments == 1 and not p.needs_csum and len(p) <= 1500, repr(p)
            if p.proto in (6, 17):
                segment = p.data[p.l4:]
                pseudo = p.src + p.dst + bytes([0, p.proto]) + len(segment).to_bytes(2, "big")
                assert folded(pseudo + segment) == 0xFFFF, repr(p)
            p.egress = 1 - p.ingress
'''


def placed(switch: Node, left: Node, right: Node) -> None:
    """``ta`` at the left host, ``tb`` at the right one."""
    for interface, host, number in (("ta", left, 1), ("tb", right, 2)):
        switch.move(interface, host)
        host.address(interface, f"10.9.0.{number}/24", f"fd09::{number}/64")
        host.up(interface)


@pytest.fixture
def nodes(lab: Lab) -> tuple[Node, Node, Node]:
    return lab.node("switch"), lab.node("left"), lab.node("right")


def both_ways(left: Node, right: Node, size: int, seconds: float = 0.3) -> None:
    for source, target, address in ((left, right, "10.9.0.2"), (right, left, "10.9.0.1"), (left, right, "fd09::2")):
        moved = transfer(source, target, address, seconds=seconds)
        assert moved.intact and moved.size >= size


def whole(engine: Running, device: str, times: int) -> None:
    """Super-packets came in as such, at least so many packets in each descriptor; none where they are off."""
    assert engine.ledger is not None
    received = engine.ledger["devices"][device]["rx"]
    if engine.ledger["offloads"][device]["tso"]["on"] or device == "sw0":  # a packet socket's interface decides
        assert received["packets"] > times * received["descriptors"]
    else:
        assert received["packets"] == received["descriptors"]


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_bridge_of_a_veth_and_a_tap(lab: Lab, nodes: tuple[Node, Node, Node], tmp_path: Path, loop: str):
    switch, left, right = nodes
    lab.link((left, "eth0"), (switch, "sw0"))
    left.address("eth0", "10.9.0.1/24", "fd09::1/64")
    left.up("eth0")
    switch.up("sw0")
    with running(switch, "run", graph(tmp_path, BRIDGE), "--loop", loop) as engine:
        switch.move("tb", right)
        right.address("tb", "10.9.0.2/24", "fd09::2/64")
        right.up("tb")
        both_ways(left, right, 1_000_000)
        assert engine.stop()["handlers"]["wire"]["drops"] == {}
        whole(engine, "sw0", 3)
        whole(engine, "tb", 2)


def test_a_capture_of_tcp_with_offloads(nodes: tuple[Node, Node, Node], tmp_path: Path):
    switch, left, right = nodes
    path = tmp_path / "out.pcapng"
    with running(switch, "run", graph(tmp_path, TAPS + CAPTURE.replace("PATH", str(path)))) as engine:
        placed(*nodes)
        moved = transfer(left, right, "10.9.0.2", seconds=0.02)
        assert moved.intact
        ledger = engine.stop()
        whole(engine, "ta", 2)
    with RawPcapNgReader(str(path)) as reader:
        sizes = [len(data) for data, _ in reader]
    assert len(sizes) == ledger["devices"]["capture"]["tx"]["packets"] == ledger["handlers"]["tee"]["cloned"]["packets"]
    assert max(sizes) == 1514
    captured = captured_tcp(path, 400)
    assert len(captured) >= 100
    for frame in captured:
        assert right_checksums(frame), frame.summary()


def captured_tcp(path: Path, most: int) -> list[Ether]:
    found = []
    with PcapNgReader(str(path)) as reader:
        for frame in reader:
            if TCP in frame:
                found.append(frame)
            if len(found) == most:
                break
    return found


def right_checksums(frame: Ether) -> bool:
    """Scapy, told to make them anew, finds the same bytes."""
    before, again = bytes(frame.original), frame.copy()
    del again[IP].chksum
    del again[TCP].chksum
    return bytes(again) == before


def test_tcp_over_a_bad_line(nodes: tuple[Node, Node, Node], tmp_path: Path):
    switch, left, right = nodes
    with running(switch, "run", graph(tmp_path, BAD_LINE)) as engine:
        placed(*nodes)
        both_ways(left, right, 100_000, seconds=1.0)
        assert engine.stop()["handlers"]["line"]["drops"]["LOST"]["packets"] > 0


def before_a_mark(sender: socket.socket, receiver: socket.socket, mark: bytes) -> list[bytes]:
    """All but marks that comes before this one, which is sent until it arrives: it may be lost like the rest."""
    found = list[bytes]()

    def marked() -> bool:
        sender.sendto(mark, AT)
        try:
            while mark not in found[-1:]:
                found.append(receiver.recv(2048))
        except TimeoutError:
            return False
        return True

    until(marked)
    return [data for data in found if len(data) == 400]


def test_corrupted_datagrams_are_never_delivered(nodes: tuple[Node, Node, Node], tmp_path: Path):
    switch, left, right = nodes
    file = graph(tmp_path, BAD_LINE.replace("corrupt_pct = 1", "corrupt_pct = 30"))
    with running(switch, "run", file) as engine:
        placed(*nodes)
        ping(left, "10.9.0.2", count=10, interval_s=0.05)
        with left.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, right.socket(2, socket.SOCK_DGRAM) as receiver:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # of a TAP, 400 bytes count as 4 KiB
            receiver.bind(AT)
            receiver.settimeout(0.05)
            sent, got = set[bytes](), list[bytes]()
            for first in range(0, 1000, 50):
                group = {number.to_bytes(4, "big") * 100 for number in range(first, first + 50)}
                for data in group:
                    sender.sendto(data, AT)
                got += before_a_mark(sender, receiver, b"%d" % first)
                sent |= group
        engine.stop()
    udp = [line.split() for line in right.run(["cat", "/proc/net/snmp"]).stdout.splitlines() if line.startswith("Udp:")]
    refused = int(dict(zip(*udp, strict=True))["InCsumErrors"])
    assert set(got) < sent
    assert len(got) > 500
    assert refused > 100


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_handler_of_a_file_sees_plain_packets(nodes: tuple[Node, Node, Node], tmp_path: Path, loop: str):
    switch, left, right = nodes
    (tmp_path / "own.py").write_text(OWN_PY)
    with running(switch, "run", graph(tmp_path, OWN), "--strict", "--loop", loop) as engine:
        placed(*nodes)
        assert answers(left, "10.9.0.2")
        for source, target, address in ((left, right, "10.9.0.2"), (right, left, "10.9.0.1")):
            moved = transfer(source, target, address, seconds=0.3)
            assert moved.intact and moved.size > 100_000
        passed = engine.stop()["handlers"]["own"]["tx"]
        whole(engine, "ta", 2)
    assert passed["packets"] == passed["descriptors"] > 100
