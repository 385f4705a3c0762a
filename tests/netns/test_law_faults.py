"""The law under faults: links that go, packets that are too big or malformed, buffers that are too small."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.netns.engines import Running, running, until
from tests.netns.loads import SIZE, Load, acquaint, dropped, load, quiet, stopped
from tests.netns.sites import between, cabled, graph
from tunnel.counters import Ledger
from tunnel.lab import Lab, Node

BURST = 300
FLOOD = 20_000  # more than the 7 MiB of a socket take
OUTER, INNER = ("192.0.2.1", "192.0.2.2"), ("10.8.0.1", "10.8.0.2")

TUNNEL = """
[devices.tun0]
type = "tun"
mtu = 1400
address = ["{inner}/24"]
[devices.wan]
type = "udp"
listen = "{outer}:9000"
dont_fragment = true
[handlers.t]
type = "udp_tunnel"
peer = "{peer}:9000"
[graph]
links = ["tun0 -- t.overlay", "t.underlay -- wan"]
"""

WIRE = between("wire", "wire", {"va": "packet_socket", "vb": "packet_socket"})


@pytest.fixture
def hosts(lab: Lab) -> tuple[Node, Node]:
    west, east = map(quiet, cabled(lab, "192.0.2.{}/24", silent=True))
    acquaint(west, east, ("eth0", "eth0"), OUTER)
    return west, east


@pytest.fixture
def tunnel(hosts: tuple[Node, Node], tmp_path: Path) -> Iterator[tuple[Running, Running]]:
    """An engine on either host."""
    files = [TUNNEL.format(inner=INNER[n], outer=OUTER[n], peer=OUTER[1 - n]) for n in (0, 1)]
    for name in ("near", "far"):
        (tmp_path / name).mkdir()
    near, far = graph(tmp_path / "near", files[0]), graph(tmp_path / "far", files[1])
    with running(hosts[0], "run", near) as one, running(hosts[1], "run", far) as other:
        yield one, other


def ended(engines: tuple[Running, Running]) -> tuple[Ledger, Ledger]:
    return engines[0].stop(), engines[1].stop()


def by_reason(ledger: Ledger, device: str, reason: str) -> int:
    found = ledger["devices"][device]["drops"]
    return found[reason]["packets"] if reason in found else 0


def told(node: Node, engine: Running, reason: str) -> int:
    """How many packets `tunnel drops` has for a reason, while the engine runs."""
    answer = node.run([sys.executable, "-m", "tunnel", "drops", str(engine.process.pid), "-j"]).stdout
    (found,) = json.loads(answer)
    return sum(row["packets"] or 0 for row in found["rows"] if row["reason"] == reason)


def all_found(numbered: Load) -> bool:
    """Whether each has come, or found no room."""
    numbered.receive()
    return len(numbered.got) + numbered.refused == numbered.sent


def intact(numbered: Load) -> None:
    """A few that all arrive: the path is whole."""
    numbered.send(10)
    numbered.await_all(10)


def test_a_tiny_receive_buffer(hosts: tuple[Node, Node], tunnel: tuple[Running, Running]):
    with load(*hosts, INNER[1], room=4096) as numbered:
        numbered.send(BURST)
        until(lambda: numbered.refused > 0)
        until(lambda: all_found(numbered))
        refused = numbered.refused
        near, far = ended(tunnel)
    (around,) = far["namespaces"].values()
    assert around is not None
    assert refused > 0, "the receiver had room"
    assert around["protocols"]["Udp"]["RcvbufErrors"] == refused
    assert around["protocols"]["Udp"]["InErrors"] == refused
    assert dropped(near) == dropped(far) == 0
    assert numbered.sent == len(numbered.got) + refused


@pytest.mark.parametrize(("end", "interface", "device", "reason"), [
    (1, "tun0", "tun0", "LINK_DOWN"),
    (0, "eth0", "wan", "NO_ROUTE"),
])  # fmt: skip
def test_an_interface_goes_down(
    hosts: tuple[Node, Node], tunnel: tuple[Running, Running], end: int, interface: str, device: str, reason: str
):
    with load(*hosts, INNER[1]) as numbered:
        intact(numbered)
        hosts[end].down(interface)
        numbered.send(BURST)
        until(lambda: told(hosts[end], tunnel[end], reason) == BURST)
        ledgers = ended(tunnel)
    assert by_reason(ledgers[end], device, reason) == BURST == dropped(ledgers[end])
    assert numbered.sent == len(numbered.got) + sum(map(dropped, ledgers))


def test_the_underlay_shrinks_its_mtu(hosts: tuple[Node, Node], tunnel: tuple[Running, Running]):
    with load(*hosts, INNER[1]) as numbered:
        intact(numbered)
        hosts[0].set("eth0", mtu=SIZE)
        numbered.send(BURST)
        until(lambda: told(hosts[0], tunnel[0], "TOO_BIG") == BURST)
        hosts[0].set("eth0", mtu=1500)
        intact(numbered)
        near, far = ended(tunnel)
    assert by_reason(near, "wan", "TOO_BIG") == BURST == dropped(near)
    assert numbered.sent == len(numbered.got) + dropped(near) + dropped(far)


@contextmanager
def switched(lab: Lab, *words: str) -> Iterator[tuple[Running, Node, Node]]:
    """left eth0 - va [engine] vb - eth0 right."""
    switch, left, right = (quiet(lab.node(name)) for name in ("switch", "left", "right"))
    for port, host, address in (("va", left, INNER[0]), ("vb", right, INNER[1])):
        lab.link((switch, port), (host, "eth0"))
        switch.up(port)
        host.address("eth0", f"{address}/24")
        host.up("eth0")
    acquaint(left, right, ("eth0", "eth0"), INNER)
    with running(switch, *words) as engine:
        yield engine, left, right


def test_a_packet_socket_is_overrun(lab: Lab, tmp_path: Path):
    with switched(lab, "run", graph(tmp_path, WIRE)) as (engine, left, right), load(left, right, INNER[1]) as numbered:
        intact(numbered)
        with stopped(engine):
            numbered.send(FLOOD)
        numbered.receive()
        refused, veth = numbered.refused, left.statistics("eth0")
        ledger = engine.stop()
    (around,) = ledger["namespaces"].values()
    assert around is not None
    assert ledger["kernel"]["va"]["rx"], "the socket was not overrun"
    assert ledger["kernel"]["vb"] == {"rx": 0}
    assert veth["tx_dropped"] == around["interfaces"]["va"]["rx_dropped"] == 0
    assert numbered.sent == len(numbered.got) + dropped(ledger) + refused


def test_malformed_packets(lab: Lab, tmp_path: Path):
    """Each is dropped for its reason; what is sound arrives."""
    with switched(lab, "run", graph(tmp_path, WIRE)) as (engine, left, right):
        sender, receiver = (node.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) for node in (left, right))
        with sender, receiver:
            for sock in (sender, receiver):
                sock.bind(("eth0", 3))
                sock.settimeout(5)
            frames = malformed()
            for frame in [*frames.values(), SOUND]:
                sender.send(frame)
            assert receiver.recv(2048) == SOUND, "it came last and is the first that arrives"
        ledger = engine.stop()
    counted = {reason: tally["packets"] for reason, tally in ledger["devices"]["va"]["drops"].items()}
    assert counted == dict.fromkeys(frames, 1)
    assert ledger["devices"]["va"]["rx"]["packets"] == len(frames) + 1 == dropped(ledger) + 1


ETHERNET = bytes.fromhex("020000000002 020000000001 0800")
IP = bytes.fromhex("4500002000000000401166ab0a0800010a080002")
SOUND = ETHERNET + IP + bytes.fromhex("0007 0007 000c 0000") + b"data" + bytes(14)


def malformed() -> dict[str, bytes]:
    """A frame for each of some reasons."""
    return {
        "TRUNCATED": ETHERNET + IP[:16],
        "BAD_VERSION": ETHERNET + b"\x65" + IP[1:] + bytes(26),
        "BAD_HEADER": ETHERNET + b"\x42" + IP[1:] + bytes(26),
        "BAD_LENGTH": ETHERNET + IP[:2] + b"\x00\x10" + IP[4:] + bytes(26),
    }
