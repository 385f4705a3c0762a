"""Buckets: nobody passes the rate, whoever stays below it is never refused, and nothing is forgotten."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel.tables.buckets import Buckets

SECOND = 1_000_000_000
PLACES = 4096


def source(number):
    return bytes(10) + b"\xff\xff" + number.to_bytes(4, "big")


def test_the_burst_then_the_rate():
    buckets = Buckets(100, 10)
    taken = [sum(buckets.take(source(1), now_ms * 1_000_000) for _ in range(5)) for now_ms in range(1000)]
    assert sum(taken[:2]) == 10
    assert 108 <= sum(taken) <= 110
    assert sum(taken[500:700]) == 20


def test_a_full_bucket_holds_no_more_than_the_burst():
    buckets = Buckets(1000, 3)
    assert [buckets.take(source(1), 60 * SECOND) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take(source(1), 120 * SECOND) for _ in range(4)] == [True, True, True, False]


def test_a_super_packet_owes_what_it_took():
    buckets = Buckets(10, 1)
    assert buckets.take(source(1), 0, 20)
    assert not buckets.take(source(1), 2 * SECOND - 1)
    assert buckets.take(source(1), 2 * SECOND)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50_000_000)), max_size=300))
def test_each_source_has_its_own(steps):
    """Against a model in whole numbers: the time at which each bucket is full again."""
    buckets, full, now = Buckets(50, 4), dict.fromkeys(range(4), 0), 0
    for who, pause in steps:
        now += pause
        allowed = max(full[who], now) - now <= 3 * SECOND // 50
        if allowed:
            full[who] = max(full[who], now) + SECOND // 50
        assert buckets.take(source(who), now) == allowed


def test_a_crowd_does_not_make_it_forget():
    buckets, chance = Buckets(1, 1), random.Random(1)
    assert buckets.take(source(0), 0)
    crowd = [buckets.take(source(chance.getrandbits(32)), 1) for _ in range(20 * PLACES)]
    assert sum(crowd) == PLACES - 1
    assert not buckets.take(source(0), SECOND - 1)
    assert buckets.take(source(0), SECOND)


def test_who_is_crowded_out_is_drawn_for_each_table():
    sources = [random.Random(number).randbytes(16) for number in range(2 * PLACES)]  # a row of them would fill evenly
    refused = {tuple(table.take(one, 0) for one in sources) for table in (Buckets(1, 1) for _ in range(4))}
    assert len(refused) == 4


def test_a_source_has_16_bytes():
    with pytest.raises(ValueError, match="16 bytes"):
        Buckets(1, 1).take(b"abcd", 0)


@pytest.mark.parametrize("arguments", [(0, 1), (1, 0)])
def test_rates_begin_at_one(arguments):
    with pytest.raises(ValueError, match="at least 1"):
        Buckets(*arguments)
