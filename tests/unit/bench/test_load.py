"""What is read out of the loads' own words."""

from __future__ import annotations

import os
import time

import pytest

from bench.load import ping_reading, pings_in, verified
from bench.measure import cpu_seconds, resident_mb
from bench.subject import BenchError


def test_ping_gives_average_and_99th_percentile_in_microseconds():
    told = "\n".join(f"64 bytes from 10.0.0.2: icmp_seq={i} ttl=64 time=0.{i:03} ms" for i in range(1, 201))
    assert ping_reading(told, "own") == {"own_avg": pytest.approx(100.5), "own_p99": pytest.approx(198)}


def test_ping_without_an_answer_is_an_error():
    with pytest.raises(BenchError, match="no answers"):
        ping_reading("5 packets transmitted, 0 received", "ping")


def test_pings_fill_the_time_and_are_never_too_few_for_a_percentile():
    assert (pings_in(25.0), pings_in(0.001)) == (5000, 20)


def test_counts_are_the_last_line():
    counted = verified('ready on port 9\n{"received": 5, "corrupted": 0, "kpps": 1.5}\n', "")
    assert counted["kpps"] == 1.5


@pytest.mark.parametrize("counts", ['{"received": 5, "corrupted": 1}', '{"received": 0, "corrupted": 0}'])
def test_altered_or_no_datagrams_are_an_error(counts):
    with pytest.raises(BenchError, match="received"):
        verified(counts, "")


def test_resident_memory_grows_with_what_is_touched():
    before = resident_mb(os.getpid())
    held = bytearray(b"x") * 20_000_000
    assert resident_mb(os.getpid()) - before > 15
    assert len(held) == 20_000_000


def test_cpu_seconds_grow_with_work():
    # The kernel tells user and system time in ticks of 10 ms, each cut off: work for many.
    before, end = cpu_seconds(os.getpid()), time.process_time() + 0.2
    while time.process_time() < end:
        pass
    assert 0.1 < cpu_seconds(os.getpid()) - before < 5
