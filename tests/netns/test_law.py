"""The conservation law, closed against numbers that the engine does not make.

A program sends numbered datagrams, another counts what it gets. What is missing stands in the ledger,
as a drop of the engine's or of the kernel's on its account, or the receiving socket had no room for it;
nothing is missing otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.netns.engines import Running, running
from tests.netns.loads import Load, acquaint, buffer_errors, dropped, load, lost, quiet, stopped
from tunnel.counters import Ledger
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping

BURST = 3000  # more than any queue here takes while nobody reads
FLOOD = 20_000  # more than the 7 MiB of a socket take
GROUP = 50
ADDRESSES = ("10.9.0.1", "10.9.0.2")


@pytest.fixture(params=["", "all"], ids=["offloads", "plain"])
def offloads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines have all their offloads, or none."""
    monkeypatch.setenv("TUNNEL_NO_OFFLOAD", request.param)


@pytest.fixture
def cable(lab: Lab, offloads: None) -> Iterator[tuple[Running, Node, Node]]:
    """Both TAPs leave the engine's namespace once they are open."""
    switch, left, right = (quiet(lab.node(name)) for name in ("switch", "left", "right"))
    with running(switch, "wire", "ta", "tb") as engine:
        for interface, host, address in zip(("ta", "tb"), (left, right), ADDRESSES, strict=True):
            switch.move(interface, host)
            host.address(interface, f"{address}/24")
            host.up(interface)
        acquaint(left, right, ("ta", "tb"), ADDRESSES)
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
    assert ledger["kernel"] == {"ta": {"tx": 0}, "tb": {"tx": 0}}
    assert ledger["devices"]["ta"]["rx"] == ledger["devices"]["tb"]["tx"], "in every unit"
    assert ledger["devices"]["ta"]["rx"]["descriptors"] == numbered.sends


def test_a_wire_that_nobody_serves(cable: tuple[Running, Node, Node]):
    engine, left, right = cable
    with load(left, right, "10.9.0.2") as numbered:
        with stopped(engine):
            numbered.send(BURST)
        numbered.receive()
        numbered.send(GROUP)
        numbered.receive()
        kernel, elsewhere = lost(left, "ta"), lost(right, "tb")
        refused, counted = numbered.refused, buffer_errors(right)
        ledger = engine.stop()
    assert refused == counted
    assert ledger["kernel"] == {"ta": {"tx": kernel}, "tb": {"tx": elsewhere}}, "read where the TAPs are now"
    assert numbered.sent == len(numbered.got) + dropped(ledger) + refused
    assert kernel > 0, "the queue was not overrun"
    assert len(numbered.got) > GROUP


def descriptors(ledger: Ledger, numbered: Load) -> int:
    """What was sent, as the kernel handed it to the first TAP: super-packets, or each datagram by itself."""
    rx = ledger["devices"]["ta"]["rx"]
    return numbered.sends if rx["packets"] > rx["descriptors"] else numbered.sent


def test_super_packets_are_accounted_for_in_bytes(cable: tuple[Running, Node, Node]):
    engine, left, right = cable
    with load(left, right, "10.9.0.2") as numbered:
        for _ in range(20):
            numbered.send_super(2)
            numbered.await_all()
        ledger = engine.stop()
    ta, tb = ledger["devices"]["ta"], ledger["devices"]["tb"]
    assert dropped(ledger) == 0
    assert ta["rx"] == tb["tx"], "in every unit"
    assert ta["rx"]["packets"] == numbered.sent == len(numbered.got)
    assert ta["rx"]["descriptors"] == descriptors(ledger, numbered)


def test_super_packets_are_accounted_for_in_descriptors(cable: tuple[Running, Node, Node]):
    """What the queue drops counts once, however many datagrams were in it."""
    engine, left, right = cable
    with load(left, right, "10.9.0.2") as numbered:
        with stopped(engine):
            numbered.send_super(1200)
        numbered.receive()
        refused = numbered.refused
        ledger = engine.stop()
    ta, tb, kernel = ledger["devices"]["ta"], ledger["devices"]["tb"], ledger["kernel"]["ta"]["tx"]
    assert kernel, "the queue was not overrun"
    assert ta["rx"]["descriptors"] + kernel == descriptors(ledger, numbered)
    assert ta["rx"] == tb["tx"], "in every unit"
    assert tb["tx"]["packets"] == len(numbered.got) + refused, "in wire packets, behind the queue"


@pytest.fixture
def tunnel(lab: Lab, offloads: None) -> Iterator[tuple[list[Running], Node, Node]]:
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
        refused, counted = numbered.refused, buffer_errors(east)
        veth = sum(lost(node, "eth0") for node in (west, east))
        ledgers = [engine.stop() for engine in engines]
    at_the_queue = ledgers[0]["kernel"]["overlay"]["tx"] or 0
    at_the_underlay = ledgers[1]["kernel"]["underlay"]["rx"] or 0
    (around,) = ledgers[1]["namespaces"].values()
    assert around is not None
    assert around["protocols"]["Udp"]["RcvbufErrors"] == counted == refused + at_the_underlay
    assert around["interfaces"]["eth0"] == {"rx_dropped": 0, "tx_dropped": 0}
    near, far = (ledger["devices"]["underlay"] for ledger in ledgers)
    assert near["tx"]["descriptors"] == far["rx"]["descriptors"] + at_the_underlay, "a run is one"
    carried = near["tx"]["packets"] - far["rx"]["packets"]  # the datagrams of the runs that the socket refused
    assert carried == at_the_underlay or near["tx"]["descriptors"] < near["tx"]["packets"]
    lost_there = sum(map(dropped, ledgers)) - at_the_underlay + carried
    assert numbered.sent == len(numbered.got) + lost_there + refused
    assert len(numbered.got) > 0
    assert veth == 0
    assert at_the_queue > 0 or 0 not in idle, "the TUN's queue was not overrun"
    assert at_the_underlay > 0 or burst == BURST, "the underlay's socket was not overrun"
