"""Batches from Python: filled, cloned, decided by column. Time a round is that of 256 mixed frames."""

from __future__ import annotations

from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch


def test_emit(benchmark: BenchmarkFixture, frames: list[bytes]) -> None:
    """Packets from bytes, parsed one by one."""
    batch = Batch()

    def fill() -> None:
        for data in frames:
            batch.emit(data)
        batch.clear()

    benchmark(fill)


def test_clone(benchmark: BenchmarkFixture, frames: list[bytes]) -> None:
    """A second descriptor of each."""

    def clone(batch: Batch) -> None:
        for number in range(256):
            batch.clone(batch[number])

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        clone, setup=lambda: ((Batch.of(frames),), {}), rounds=300
    )


def test_own(benchmark: BenchmarkFixture, frames: list[bytes]) -> None:
    """Clones made writable: the bytes are copied."""

    def cloned() -> tuple[tuple[Batch], dict[str, object]]:
        batch = Batch.of(frames)
        for number in range(256):
            batch.clone(batch[number])
        return (batch,), {}

    def own(batch: Batch) -> None:
        for number in range(256, 512):
            batch[number].own()

    benchmark.pedantic(own, setup=cloned, rounds=300)  # type: ignore[no-untyped-call]


def test_column(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]]) -> None:
    """Egress of all by one slice assignment from a column of another field."""
    wanted = memoryview(bytearray(512)).cast("H")

    def decide(batch: Batch) -> None:
        assert max(batch.proto.tolist()) > 0
        batch.egress[:] = wanted

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        decide, setup=lambda: ((Batch.of(shuffled()),), {}), rounds=300
    )
