"""What a packet costs in Python, by what is asked of it. Time a round is that of 256 mixed frames."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.packet import Packet

READ: dict[str, Callable[[Packet], object]] = {
    "nothing": lambda p: None,
    "five_tuple": lambda p: p.five_tuple,
    "dport": lambda p: p.dport,
    "src_ip": lambda p: p.src_ip,
    "payload": lambda p: p.payload,
    "data": lambda p: p.data,
    "view": lambda p: p.view,
}


@pytest.mark.parametrize("what", READ)
def test_read(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]], what: str) -> None:
    """A walk that reads one thing of every packet."""
    read = READ[what]

    def walk(batch: Batch) -> None:
        for p in batch:
            read(p)

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        walk, setup=lambda: ((Batch.of(shuffled()),), {}), rounds=300
    )


def test_keep(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]]) -> None:
    """Every packet kept beyond its breath: descriptor and bytes are copied."""

    def keep(batch: Batch) -> None:
        kept = list(batch)
        batch.clear()
        assert len(kept) == 256

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        keep, setup=lambda: ((Batch.of(shuffled()),), {}), rounds=300
    )


def test_reply(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]]) -> None:
    """A native verb on every packet."""

    def answer(batch: Batch) -> None:
        for p in batch:
            p.reply()

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        answer, setup=lambda: ((Batch.of(shuffled()),), {}), rounds=300
    )
