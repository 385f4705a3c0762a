"""WireGuard's two ways between Memory devices: a batch of 45 packets (a super-packet of TCP), and one alone."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.unit.crypto.aeads import PRESENT
from tests.unit.protocols.wireguard.ends import End, Net, packet
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.packet import DATAGRAM
from tunnel.packet import IP as MEDIUM_IP
from tunnel.plan import Plan

SIZES, COUNTS = [64, 1420], [1, 45]
Joint = tuple[Handler | Device, int, Handler | Device, int]
MEDIA = [MEDIUM_IP, DATAGRAM]


class Way:
    """From one port of an end to the other, a breath at a time."""

    def __init__(self, end: End, port: int) -> None:
        self.now_ns = end.clock.now_ns
        self.inside, self.source = Memory.pair(medium=MEDIA[port])
        outside, self.sink = Memory.pair(medium=MEDIA[1 - port])
        for device in (self.inside, self.source, outside, self.sink):
            device.open()
        joints: list[Joint] = [(self.inside, 0, end.handler, port), (end.handler, 1 - port, outside, 0)]
        self.plan = Plan([end.handler], [self.inside, outside], joints, strict=True)

    def lay(self, batch: Batch) -> None:
        assert self.source.send(batch) == len(batch)

    def taken(self) -> list[bytes]:
        batch = Batch()
        self.sink.recv(batch)
        return [found.data for found in batch]

    def breathe(self) -> None:
        self.plan.breathe(self.inside, self.now_ns)


def joined(library: str) -> Net:
    """Two ends with a session."""
    net = Net(aead=library)
    net.send(net.a)
    return net


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("library", PRESENT)
def test_seal(benchmark: BenchmarkFixture, library: str, size: int, count: int) -> None:
    """Time a round is that of ``count`` packets of ``size`` bytes from the overlay."""
    way, packets = Way(joined(library).a, 0), [packet(1, 2, bytes(size - 28))] * count
    sizes: set[int] = set()

    def laid() -> None:
        sizes.update(len(message) for message in way.taken())
        way.lay(Batch.of(packets, medium=MEDIUM_IP))

    benchmark.pedantic(way.breathe, setup=laid, rounds=1000)  # type: ignore[no-untyped-call]
    assert sizes == {size + 32 if size == 64 else 1452}


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("library", PRESENT)
def test_open(benchmark: BenchmarkFixture, library: str, size: int, count: int) -> None:
    """Time a round is that of ``count`` messages, each new, from the underlay."""
    net = joined(library)
    sealing, way = Way(net.a, 0), Way(net.b, 1)
    packets = [packet(1, 2, bytes(size - 28))] * count
    found: set[bytes] = set()

    def laid() -> None:
        found.update(way.taken())
        sealing.lay(Batch.of(packets, medium=MEDIUM_IP))
        sealing.breathe()
        messages = Batch()
        for message in sealing.taken():
            messages.emit(message, medium=DATAGRAM, endpoint=net.a.address)
        way.lay(messages)

    benchmark.pedantic(way.breathe, setup=laid, rounds=1000)  # type: ignore[no-untyped-call]
    assert found == set(packets)
