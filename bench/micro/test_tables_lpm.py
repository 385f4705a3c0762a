"""Look-ups of 4,096 addresses among few prefixes and many, from Python; and the loading of many."""

from __future__ import annotations

import random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.tables.lpm import Lpm

LOOKUPS = 4096
LENGTHS = {4: (16, 32), 16: (32, 64)}


def prefixes(count: int, size: int) -> list[tuple[bytes, int]]:
    """Random ones, as many different."""
    chance = random.Random(1)
    return [(chance.randbytes(size), chance.randint(*LENGTHS[size])) for _ in range(count)]


@pytest.mark.parametrize("size", [4, 16])
@pytest.mark.parametrize("count", [3, 1000, 100_000])
def test_find(benchmark: BenchmarkFixture, count: int, size: int) -> None:
    """Time a round is that of 4,096 addresses, each within a prefix, in another order each time."""
    table, held, chance = Lpm(), prefixes(count, size), random.Random(2)
    for number, (address, length) in enumerate(held):
        table.insert(address, length, number)
    asked = [chance.choice(held)[0] for _ in range(LOOKUPS)]

    def anew() -> tuple[tuple[()], dict[str, object]]:
        chance.shuffle(asked)
        return (), {}

    find = table.find
    benchmark.pedantic(lambda: [find(address) for address in asked], setup=anew, rounds=50)  # type: ignore[no-untyped-call]
    assert all(find(address) is not None for address in asked)


def test_load(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of 130,560 prefixes of one value, and of taking them out."""
    held = [((number << 8).to_bytes(4, "big"), 24) for number in range(130_560)]

    def load() -> int:
        table = Lpm()
        for address, length in held:
            table.insert(address, length, 1)
        return table.remove_value(1)

    assert benchmark(load) == len(held)
