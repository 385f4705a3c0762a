"""256 mixed frames written to a capture file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.batch import Batch
from tunnel.devices.pcap import Pcap


def test_write(benchmark: BenchmarkFixture, shuffled: Callable[[], list[bytes]], tmp_path: Path) -> None:
    batch = Batch.of(shuffled())
    with Pcap(path=str(tmp_path / "x.pcapng"), mode="w") as file:
        assert benchmark(file.send, batch) == len(batch)
