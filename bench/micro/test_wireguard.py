"""WireGuard's two ways: packets sealed, and opened again, in batches of 45 (a super-packet of TCP) and of one."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.unit.protocols.wireguard.ends import Net, packet
from tunnel.batch import Batch
from tunnel.packet import DATAGRAM
from tunnel.packet import IP as MEDIUM_IP

LIBRARIES, SIZES, COUNTS = ["ipsec-mb", "libcrypto"], [64, 1420], [1, 45]
Laid = tuple[tuple[Batch], dict[str, object]]


def joined(library: str) -> Net:
    """Two ends with a session."""
    net = Net(aead=library)
    net.send(net.a)
    return net


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("library", LIBRARIES)
def test_seal(benchmark: BenchmarkFixture, library: str, size: int, count: int) -> None:
    """Time a round is that of ``count`` packets of ``size`` bytes from the overlay."""
    net = joined(library)
    packets = [packet(1, 2, bytes(size - 28))] * count

    def laid() -> Laid:
        return (Batch.of(packets, medium=MEDIUM_IP),), {}

    benchmark.pedantic(net.a.handler.process, setup=laid, rounds=1000)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("library", LIBRARIES)
def test_open(benchmark: BenchmarkFixture, library: str, size: int, count: int) -> None:
    """Time a round is that of ``count`` messages, each new, from the underlay."""
    net = joined(library)
    packets = [packet(1, 2, bytes(size - 28))] * count

    def laid() -> Laid:
        sealed, coming = Batch.of(packets, medium=MEDIUM_IP), Batch()
        net.a.handler.process(sealed)
        for message in sealed:
            coming.emit(message.data, medium=DATAGRAM, endpoint=net.a.address)
            coming[-1].ingress = 1
        return (coming,), {}

    benchmark.pedantic(net.b.handler.process, setup=laid, rounds=1000)  # type: ignore[no-untyped-call]
