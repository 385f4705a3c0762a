"""Arming a timerfd: anew each time, and with the deadline that it has."""

from __future__ import annotations

from itertools import count

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.timer import Timer

FAR_NS = 1 << 62


def test_a_new_deadline(benchmark: BenchmarkFixture) -> None:
    timer, deadlines = Timer(), count(FAR_NS)
    benchmark(lambda: timer.arm(next(deadlines)))
    timer.close()


def test_the_same_deadline(benchmark: BenchmarkFixture) -> None:
    timer = Timer()
    benchmark(timer.arm, FAR_NS)
    timer.close()
