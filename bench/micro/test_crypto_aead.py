"""Sealing and opening of a run of packets, by each library that is here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.crypto.aead import LIBRARIES, Aead
from tunnel.errors import ConfigError

PACKETS = 45      # of 1,440 bytes: a super-packet of 64 KiB
SIZES = (64, 256, 512, 1024, 1440)
KEY = bytes(range(32))


@pytest.fixture(params=LIBRARIES)
def aead(request: pytest.FixtureRequest) -> Iterator[Aead]:
    """One library."""
    try:
        yield Aead(request.param)
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("size", SIZES)
def test_seal(benchmark: BenchmarkFixture, aead: Aead, size: int) -> None:
    """Time a round is that of 45 packets under one key, and of copying them from and to Python."""
    packets = [(KEY, counter, bytes(size)) for counter in range(PACKETS)]
    assert len(benchmark(aead.seal_all, packets)) == PACKETS


@pytest.mark.parametrize("size", SIZES)
def test_open(benchmark: BenchmarkFixture, aead: Aead, size: int) -> None:
    """The same way back."""
    packets = [(KEY, counter, aead.seal(KEY, counter, bytes(size))) for counter in range(PACKETS)]
    assert None not in benchmark(aead.open_all, packets)


def test_refuse(benchmark: BenchmarkFixture, aead: Aead) -> None:
    """45 packets of 1,440 bytes with a wrong tag cost no more than right ones."""
    packets = [(KEY, counter, bytes(1440)) for counter in range(PACKETS)]
    assert set(benchmark(aead.open_all, packets)) == {None}
