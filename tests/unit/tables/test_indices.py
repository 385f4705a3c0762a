"""Indices against a dict, random ones and ones that all want one place."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunnel.tables.indices import LIMIT_MAX, Indices

CROWDED = st.builds(lambda high, low: high << 16 | low, st.integers(0, 40), st.sampled_from([0, 1, 2, 14, 15, 0xFFFF]))
STEPS = st.lists(st.tuples(st.booleans(), st.one_of(CROWDED, CROWDED, st.integers(0, 2**32 - 1))), max_size=200)


@settings(max_examples=200)
@given(STEPS)
def test_as_a_dict(steps: list[tuple[bool, int]]):
    """Put if it is not there, else drop; where ``put`` is false, drop whatever there is."""
    table, held = Indices(1000), dict[int, int]()
    for number, (put, index) in enumerate(steps):
        if put and index not in held:
            table.put(index, number)
            held[index] = number
        else:
            table.drop(index)
            held.pop(index, None)
        assert {index: table.find(index) for _, index in steps} == {index: held.get(index) for _, index in steps}
        assert len(table) == len(held)


def test_0_is_an_index_and_a_number():
    table = Indices(1)
    assert table.find(0) is None
    table.put(0, 0)
    assert (table.find(0), len(table)) == (0, 1)
    table.drop(0)
    assert (table.find(0), len(table)) == (None, 0)


def test_an_index_in_use_is_refused():
    table = Indices(10)
    table.put(0xDEADBEEF, 1)
    with pytest.raises(ValueError, match="0xdeadbeef is in use"):
        table.put(0xDEADBEEF, 2)
    assert (table.find(0xDEADBEEF), len(table)) == (1, 1)


@pytest.mark.parametrize("limit", [1, 7, 8, 9, 1000])
def test_the_limit(limit: int):
    table = Indices(limit)
    for index in range(limit):
        table.put(index, index)
    with pytest.raises(OverflowError, match=f"full: {limit}"):
        table.put(limit, 1)
    assert [table.find(index) for index in range(limit + 1)] == [*range(limit), None]
    table.drop(0)
    table.put(limit, 1)
    assert (len(table), table.find(0), table.find(limit)) == (limit, None, 1)


def test_many_come_and_go():
    """As handshakes do: a crowd of 20,000, of which each half is replaced, ten times."""
    chance, table, held = random.Random(1), Indices(20_000), dict[int, int]()
    for _ in range(10):
        while len(held) < 20_000:
            index = chance.getrandbits(32)
            if index not in held:
                held[index] = len(held)
                table.put(index, held[index])
        assert len(table) == 20_000
        for index in chance.sample(sorted(held), 10_000):
            table.drop(index)
            assert table.find(index) is None
            del held[index]
        assert all(table.find(index) == number for index, number in held.items())


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
def test_a_limit_has_a_bound(limit: int):
    with pytest.raises(ValueError, match="1 to"):
        Indices(limit)


@pytest.mark.parametrize("number", [-1, 2**63, 2**64 - 1])
def test_a_number_has_63_bits(number: int):
    table = Indices(1)
    with pytest.raises(OverflowError):
        table.put(1, number)
    assert (table.find(1), len(table)) == (None, 0)


@pytest.mark.parametrize("index", [-1, 2**32])
def test_an_index_has_32_bits(index: int):
    table = Indices(1)
    for call in (lambda: table.put(index, 1), lambda: table.find(index), lambda: table.drop(index)):
        with pytest.raises(OverflowError):
            call()
