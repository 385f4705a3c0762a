"""Lpm against a table of prefixes that is searched by length, the longest first."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunnel.tables.lpm import LIMIT_MAX, VALUE_MAX, Lpm

Prefix = tuple[bytes, int]
MANY = 130_560                    # what the kernel's own test script gives one peer


def masked(address: bytes, length: int) -> bytes:
    """The address with its host bits cleared."""
    host = 8 * len(address) - length
    return (int.from_bytes(address, "big") >> host << host).to_bytes(len(address), "big")


class Naive:
    """The same table, slow and plain: a dict keeps the order of insertion."""

    def __init__(self) -> None:
        self.held: dict[Prefix, int] = {}

    def insert(self, address: bytes, length: int, value: int) -> None:
        prefix = masked(address, length), length
        self.held.pop(prefix, None)
        self.held[prefix] = value

    def remove(self, address: bytes, length: int, value: int) -> None:
        prefix = masked(address, length), length
        if self.held.get(prefix) == value:
            del self.held[prefix]

    def remove_value(self, value: int) -> int:
        gone = self.prefixes(value)
        for prefix in gone:
            del self.held[prefix]
        return len(gone)

    def find(self, address: bytes) -> int | None:
        ways = ((masked(address, length), length) for length in range(8 * len(address), -1, -1))
        return next((self.held[way] for way in ways if way in self.held), None)

    def prefixes(self, value: int) -> list[Prefix]:
        return [prefix for prefix, held in self.held.items() if held == value]


@st.composite
def addresses(draw: st.DrawFn) -> bytes:
    """Addresses that share beginnings: whole bytes of few kinds, then any."""
    size = draw(st.sampled_from([4, 16]))
    begin = draw(st.lists(st.sampled_from([0, 1, 0x80, 0xFF]), max_size=size))
    return bytes(begin) + draw(st.binary(min_size=size - len(begin), max_size=size - len(begin)))


@st.composite
def prefixes(draw: st.DrawFn) -> Prefix:
    """An address and a length, host bits as they come."""
    address = draw(addresses())
    return address, draw(st.integers(0, 8 * len(address)))


STEPS = st.lists(st.tuples(st.sampled_from(["insert", "insert", "remove"]), prefixes(), st.integers(0, 3)), max_size=60)


def same(table: Lpm, naive: Naive, asked: list[bytes]) -> None:
    """What both tell of their lists, of each prefix's ends, and of ``asked``."""
    for value in range(4):
        assert table.prefixes(value) == naive.prefixes(value)
        assert table.count(value) == len(naive.prefixes(value))
    for address, length in list(naive.held):
        last = int.from_bytes(address, "big") | (1 << 8 * len(address) - length) - 1
        asked = [*asked, address, last.to_bytes(len(address), "big")]
    assert [table.find(address) for address in asked] == [naive.find(address) for address in asked]
    assert len(table) == len(naive.held)


@settings(max_examples=200)
@given(STEPS, st.lists(addresses(), max_size=20))
def test_as_the_naive_table(steps: list[tuple[str, Prefix, int]], asked: list[bytes]):
    table, naive = Lpm(), Naive()
    for verb, (address, length), value in steps:
        getattr(table, verb)(address, length, value)
        getattr(naive, verb)(address, length, value)
    same(table, naive, asked)
    for value in range(4):
        assert table.remove_value(value) == naive.remove_value(value)
        same(table, naive, asked)
    assert len(table) == 0


def test_values_deleted_one_by_one():
    """A random crowd, both families; after each value that goes, what is left is found."""
    chance, table, naive = random.Random(1), Lpm(), Naive()
    for number in range(4000):
        address = chance.randbytes(chance.choice([4, 16]))
        length = chance.randrange(8 * len(address) + 1)
        table.insert(address, length, number % 20)
        naive.insert(address, length, number % 20)
    asked = [chance.randbytes(size) for size in (4, 16) for _ in range(200)]
    for value in range(20):
        assert table.remove_value(value) == naive.remove_value(value)
        assert [table.find(address) for address in asked] == [naive.find(address) for address in asked]
    assert len(table) == 0


@pytest.mark.parametrize("size", [4, 16])
@pytest.mark.parametrize("fill", [b"\x00", b"\xff", b"\xa5"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_chain_as_deep_as_an_address(size: int, fill: bytes, order: int):
    table, address = Lpm(), fill * size
    bits = 8 * size
    for length in range(bits + 1)[::order]:
        table.insert(address, length, length)
    number = int.from_bytes(address, "big")
    for length in range(bits):
        beside = (number ^ 1 << bits - 1 - length).to_bytes(size, "big")
        assert table.find(beside) == length
    assert table.find(address) == bits
    for length in range(bits + 1)[::-order]:
        table.remove(address, length, length)
        rest = bits - 1 if length == bits else bits
        left = rest if order == -1 else length - 1
        assert table.find(address) == (None if left < 0 or len(table) == 0 else left)
    assert len(table) == 0


def test_the_shortest_and_the_longest():
    table = Lpm()
    v4, v6 = bytes([192, 0, 2, 1]), bytes(15) + b"\x01"
    assert (table.find(v4), table.find(v6)) == (None, None)
    table.insert(v4, 0, 1)
    assert (table.find(bytes(4)), table.find(b"\xff" * 4), table.find(v6)) == (1, 1, None)
    table.insert(v6, 0, 2)
    table.insert(v4, 32, 3)
    table.insert(v6, 128, 4)
    assert [table.find(a) for a in (v4, bytes([192, 0, 2, 0]), v6, bytes(16))] == [3, 1, 4, 2]
    assert table.prefixes(1) == [(bytes(4), 0)]
    assert table.prefixes(4) == [(v6, 128)]


def test_a_family_is_not_the_other():
    table = Lpm()
    table.insert(bytes([10, 0, 0, 0]), 8, 1)
    table.insert(bytes([10, 9]) + bytes(14), 16, 2)
    assert table.find(bytes([10, 9, 0, 0])) == 1
    assert table.find(bytes([10, 9]) + bytes(14)) == 2
    assert table.find(bytes([10]) + bytes(15)) is None


def test_host_bits_are_cleared_and_a_prefix_moves():
    table = Lpm()
    for last in (1, 2, 3):
        table.insert(bytes([10, 0, last, 77]), 24, 5)
    table.insert(bytes([10, 0, 1, 0]), 24, 5)
    assert table.prefixes(5) == [(bytes([10, 0, last, 0]), 24) for last in (2, 3, 1)]
    table.insert(bytes([10, 0, 3, 9]), 24, 6)
    assert table.prefixes(5) == [(bytes([10, 0, last, 0]), 24) for last in (2, 1)]
    assert (table.prefixes(6), len(table)) == ([(bytes([10, 0, 3, 0]), 24)], 3)


def test_only_its_owner_removes_a_prefix():
    table = Lpm()
    table.insert(bytes([10, 0, 0, 0]), 8, 1)
    table.remove(bytes([10, 0, 0, 0]), 8, 2)
    table.remove(bytes([10, 0, 0, 0]), 9, 1)
    assert table.find(bytes([10, 1, 2, 3])) == 1
    table.remove(bytes([10, 1, 2, 3]), 8, 1)
    assert table.find(bytes([10, 1, 2, 3])) is None
    assert (table.remove_value(1), table.remove_value(VALUE_MAX), table.count(VALUE_MAX)) == (0, 0, 0)


def test_the_limit():
    table = Lpm(limit=3)
    for last in range(3):
        table.insert(bytes([10, 0, last, 0]), 24, 1)
    with pytest.raises(OverflowError, match="3 prefixes"):
        table.insert(bytes([10, 0, 3, 0]), 24, 1)
    table.insert(bytes([10, 0, 2, 0]), 24, 2)
    assert (len(table), table.find(bytes([10, 0, 3, 1])), table.find(bytes([10, 0, 2, 1]))) == (3, None, 2)
    table.remove(bytes([10, 0, 0, 0]), 24, 1)
    table.insert(bytes([10, 0, 3, 0]), 24, 1)
    assert table.prefixes(1) == [(bytes([10, 0, last, 0]), 24) for last in (1, 3)]


def test_as_many_as_the_kernel_is_tested_with():
    table = Lpm()
    held = [((number << 8).to_bytes(4, "big"), 24) for number in range(MANY)]
    for address, length in held:
        table.insert(address, length, 7)
    assert (len(table), table.count(7)) == (MANY, MANY)
    assert table.prefixes(7) == held
    assert all(table.find(address[:3] + b"\x05") == 7 for address, _ in held[::97])
    assert table.remove_value(7) == MANY
    assert (len(table), table.find(held[0][0])) == (0, None)


def test_no_node_is_left_behind():
    """No node outlives its prefix, nor a fork the paths that part there."""
    chance, table = random.Random(2), Lpm(limit=1000)
    for _ in range(50):
        for _ in range(1000):
            table.insert(chance.randbytes(16), chance.randrange(129), 1)
        assert table.nodes < 2 * len(table)
        table.remove_value(1)
    assert table.nodes == 0


@pytest.mark.parametrize(("address", "length"), [(b"abc", 8), (b"", 0), (bytes(5), 8), (bytes(17), 8)])
def test_an_address_has_4_or_16_bytes(address: bytes, length: int):
    table = Lpm()
    for call in (lambda: table.insert(address, length, 1), lambda: table.remove(address, length, 1),
                 lambda: table.find(address)):  # fmt: skip
        with pytest.raises(ValueError, match="4 or 16 bytes"):
            call()


@pytest.mark.parametrize(("size", "length"), [(4, 33), (4, -1), (16, 129)])
def test_a_length_is_at_most_the_address(size: int, length: int):
    with pytest.raises(ValueError, match=f"0 to {8 * size} bits"):
        Lpm().insert(bytes(size), length, 1)


@pytest.mark.parametrize("value", [-1, VALUE_MAX + 1, 0xFFFFFFFF])
def test_a_value_has_a_bound(value: int):
    table = Lpm()
    for call in (lambda: table.insert(bytes(4), 0, value), lambda: table.remove_value(value),
                 lambda: table.prefixes(value), lambda: table.count(value)):  # fmt: skip
        with pytest.raises(ValueError, match=f"0 to {VALUE_MAX}"):
            call()


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
def test_a_limit_has_a_bound(limit: int):
    with pytest.raises(ValueError, match="1 to"):
        Lpm(limit=limit)
