"""Look-ups in the short tables, through their Python faces."""

from __future__ import annotations

import random

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.tables.buckets import Buckets
from tunnel.tables.prefixes import Prefixes

LOOKUPS = 256


def test_buckets(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of 256 sources, most of them seen before."""
    buckets, chance = Buckets(1_000_000, 1000), random.Random(1)
    sources = [bytes(12) + chance.randrange(1000).to_bytes(4, "big") for _ in range(LOOKUPS)]
    benchmark(lambda: [buckets.take(source, 1) for source in sources])


def test_prefixes(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of 256 addresses, half of them held, against 8 prefixes."""
    prefixes, chance = Prefixes(f"10.{n}.0.0/17" for n in range(8)), random.Random(1)
    addresses = [bytes([10, chance.randrange(8), chance.randrange(256), 1]) for _ in range(LOOKUPS)]
    benchmark(lambda: [address in prefixes for address in addresses])
