"""The conservation law, closed against numbers that the engine does not make.

A program sends numbered datagrams, another counts what it gets. What is missing stands in a ledger
as a drop, or in one of the kernel's own counters; nothing is missing otherwise.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.netns.engines import Running, running
from tunnel.counters import Ledger
from tunnel.devices.udp_socket import drops
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping

SIZE = 1000
BURST = 3000  # more than any queue here takes while nobody reads
FLOOD = 20_000  # more than the 7 MiB of a socket take
GROUP = 50


def quiet(node: Node) -> Node:
    """No IPv6 on what comes: nobody speaks but the test."""
    node.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    return node


@contextmanager
def stopped(*engines: Running) -> Iterator[None]:
    """The engines do not run for a while."""
    for engine in engines:
        engine.process.send_signal(signal.SIGSTOP)
    yield
    for engine in engines:
        engine.process.send_signal(signal.SIGCONT)


class Load:
    """Numbered datagrams from one node to an address of another, sent and counted by sockets."""

    def __init__(self, source: Node, target: Node, address: str) -> None:
        self.sender = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver = target.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.bind((address, 7000))
        self.receiver.settimeout(0.3)
        self.sender.connect((address, 7000))
        self.sent, self.got = 0, list[int]()

    def send(self, count: int) -> None:
        for _ in range(count):
            assert self.sender.send(self.sent.to_bytes(4, "big") * (SIZE // 4)) == SIZE
            self.sent += 1

    def receive(self) -> None:
        """All that comes, until nothing does."""
        try:
            while True:
                data = self.receiver.recv(2 * SIZE)
                number = int.from_bytes(data[:4], "big")
                assert data == number.to_bytes(4, "big") * (SIZE // 4)
                self.got.append(number)
        except TimeoutError:
            assert len(set(self.got)) == len(self.got)

    def await_all(self) -> None:
        """As many as were sent."""
        self.got += [int.from_bytes(self.receiver.recv(2 * SIZE)[:4], "big") for _ in range(self.sent - len(self.got))]

    @property
    def refused(self) -> int:
        """What the receiving socket had no room for."""
        return drops(self.receiver)

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()


@contextmanager
def load(source: Node, target: Node, address: str) -> Iterator[Load]:
    made = Load(source, target, address)
    try:
        yield made
    finally:
        made.close()


def dropped(ledger: Ledger) -> int:
    """Every drop of a ledger, in wire packets: devices, handlers, and the kernel's at their sockets."""
    every = [*ledger["devices"].values(), *ledger["handlers"].values()]
    ours = sum(tally["packets"] for counts in every for tally in counts["drops"].values())
    return ours + sum(sum(found.values()) for found in ledger["kernel"].values())


def buffer_errors(node: Node) -> int:
    """RcvbufErrors of all UDP sockets of a node."""
    lines = node.run(["cat", "/proc/net/snmp"]).stdout.splitlines()
    names, values = (line.split() for line in lines if line.startswith("Udp:"))
    return int(dict(zip(names, values, strict=True))["RcvbufErrors"])


def lost(node: Node, interface: str) -> int:
    """What the kernel dropped at an interface, either way."""
    found = node.statistics(interface)
    return sum(found[name] for name in ("tx_dropped", "rx_dropped", "tx_errors", "rx_errors"))


@pytest.fixture
def cable(lab: Lab) -> Iterator[tuple[Running, Node, Node]]:
    switch, left, right = (quiet(lab.node(name)) for name in ("switch", "left", "right"))
    with running(switch, "wire", "ta", "tb") as engine:
        for interface, host, number in (("ta", left, 1), ("tb", right, 2)):
            switch.move(interface, host)
            host.address(interface, f"10.9.0.{number}/24")
            host.up(interface)
        assert ping(left, "10.9.0.2", count=5, interval_s=0.1).rtts_s, "it resolves its neighbour"
        yield engine, left, right


def test_a_wire_loses_nothing(cable: tuple[Running, Node, Node]):
    engine, left, right = cable
    with load(left, right, "10.9.0.2") as numbered:
        for _ in range(20):
            numbered.send(GROUP)
            numbered.await_all()
        ledger = engine.stop()
    assert dropped(ledger) == 0
    assert len(numbered.got) == numbered.sent == 20 * GROUP


def test_a_wire_that_nobody_serves(cable: tuple[Running, Node, Node]):
    engine, left, right = cable
    with load(left, right, "10.9.0.2") as numbered:
        with stopped(engine):
            numbered.send(BURST)
        numbered.receive()
        numbered.send(GROUP)
        numbered.receive()
        kernel = lost(left, "ta") + lost(right, "tb")
        refused, counted = numbered.refused, buffer_errors(right)
        ledger = engine.stop()
    assert refused == counted
    assert numbered.sent == len(numbered.got) + dropped(ledger) + kernel + refused
    assert kernel > 0, "the queue was not overrun"
    assert len(numbered.got) > GROUP


@pytest.fixture
def tunnel(lab: Lab) -> Iterator[tuple[list[Running], Node, Node]]:
    west, east = (quiet(lab.node(name)) for name in ("west", "east"))
    lab.link((west, "eth0"), (east, "eth0"))
    for number, node in enumerate((west, east), 1):
        node.address("eth0", f"192.0.2.{number}/24")
        node.up("eth0")

    def words(here: int, there: int) -> list[str]:
        inner = ["udp", "tun0", "--mtu", "1400", "--address", f"10.8.0.{here}/24"]
        return [*inner, "--listen", f"192.0.2.{here}:9000", "--peer", f"192.0.2.{there}:9000"]

    with running(west, *words(1, 2)) as near, running(east, *words(2, 1)) as far:
        assert ping(west, "10.8.0.2", count=3, interval_s=0.1).rtts_s, "it resolves its neighbour"
        yield [near, far], west, east


@pytest.mark.parametrize(
    ("idle", "burst"), [([], BURST), ([0], BURST), ([1], FLOOD), ([0, 1], BURST)], ids=["none", "near", "far", "both"]
)
def test_a_tunnel_with_idle_ends(tunnel: tuple[list[Running], Node, Node], idle: list[int], burst: int):
    engines, west, east = tunnel
    with load(west, east, "10.8.0.2") as numbered:
        with stopped(*(engines[number] for number in idle)):
            numbered.send(burst)
        numbered.receive()
        kernel = sum(lost(node, name) for node in (west, east) for name in ("tun0", "eth0"))
        refused, counted = numbered.refused, buffer_errors(east)
        ledgers = [engine.stop() for engine in engines]
    at_the_underlay = sum(ledgers[1]["kernel"]["underlay"].values())
    assert counted == refused + at_the_underlay
    assert numbered.sent == len(numbered.got) + sum(map(dropped, ledgers)) + kernel + refused
    assert len(numbered.got) > 0
    assert kernel > 0 or 0 not in idle, "the TUN's queue was not overrun"
    assert at_the_underlay > 0 or burst == BURST, "the underlay's socket was not overrun"
