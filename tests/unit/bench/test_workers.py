"""The scenario of several workers: what it reads, and that its ring goes round in each of them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from bench.scenario import Length
from bench.scenarios.workers import load
from bench.subjects.rings import HOG, ONE, TWO


def test_packets_are_told_a_second():
    assert load(lambda seconds: {"packets": [3_000, 2_000], "cpu_s": 0.01}, Length(2.0, 0)) == {
        "total": 2.5, "fastest": 1.5, "cpu": 2.0,
    }
    one_busy = load(lambda seconds: {"packets": [3_000, 20], "cpu_s": 0.01}, Length(2.0, 0))
    assert one_busy == {"total": 1.51, "fastest": 1.5}


@pytest.mark.plugin
@pytest.mark.parametrize(("subject", "count"), [(ONE, 1), (TWO, 2), (HOG, 2)])
def test_packets_go_round_in_each_worker(subject, count):
    with ExitStack() as stack:
        told = subject.build(stack)(0.2)
    assert len(told["packets"]) == count
    assert all(told["packets"])
    assert told["cpu_s"] > 0
