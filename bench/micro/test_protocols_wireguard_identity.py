"""Initiations by whoever: what a device does before it knows a peer."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro.test_protocols_wireguard_noise import TIMESTAMP, pair


def test_refused(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of an initiation whose static key does not authenticate: one DH."""
    initiator, identity, _ = pair()
    message = bytearray(initiator.initiate(1, TIMESTAMP))
    message[40] ^= 1
    benchmark(identity.open, bytes(message))
