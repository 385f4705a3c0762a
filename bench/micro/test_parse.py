"""The parser's pass over 256 mixed frames."""

from __future__ import annotations

from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch


def test_parse(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]]) -> None:
    """Time a round is that of 256 frames."""

    def laid() -> tuple[tuple[Batch], dict[str, object]]:
        return (Batch.of(shuffled()),), {}

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        Batch.parse, setup=laid, rounds=500
    )
