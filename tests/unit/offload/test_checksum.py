"""Sums by every loop, and what verifying sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import frames as wire
from tests.oracles import segment as twin
from tests.unit.offload.supers import batch_of, one_super
from tunnel.batch import Batch
from tunnel.offload.checksum import total, total_copied, verify
from tunnel.packet import IP


@given(wire.frames.filter(lambda frame: wire.AH not in wire.Ether(frame)))  # scapy sums nothing behind it
def test_verify_as_scapy_counts(frame: bytes):
    batch = Batch.of([frame])
    assert verify(batch[0])


@given(st.integers(34, 81), st.integers(0, 7), st.sampled_from([wire.TCP(), wire.UDP(), wire.ICMP()]))
def test_verify_sees_a_changed_bit(at: int, bit: int, over):
    frame = bytearray(bytes(wire.Ether() / wire.IP(src="10.0.0.1", dst="10.0.0.2") / over / (b"x" * 40)))
    frame[at] ^= 1 << bit
    batch = Batch.of([bytes(frame)])
    assert batch[0].reason or not verify(batch[0])


def test_verify_knows_when_udp_has_none():
    over4 = wire.IP(src="10.0.0.1", dst="10.0.0.2") / wire.UDP(chksum=0)
    over6 = wire.IPv6(src="fd00::1", dst="fd00::2") / wire.UDP(chksum=0)
    batch = Batch.of([bytes(over4), bytes(over6)], medium=IP)
    assert [verify(p) for p in batch] == [True, False]


ALIGNED = 64
LENGTHS = range(2049)
PATTERN = bytes((i * 251 + (i >> 8) * 7) & 0xFF for i in range(8192))


def test_every_loop_gives_the_same_sum_for_all_lengths_and_alignments():
    room = memoryview(bytearray(PATTERN))
    for size in LENGTHS:
        for start in range(ALIGNED):
            piece = room[start : start + size]
            assert total(piece) == total(piece, portable=True), (size, start)


def test_copying_sums_and_copies_for_all_lengths_and_alignments():
    for size in LENGTHS:
        start, target = size * 7 % ALIGNED, size * 13 % ALIGNED
        into = bytearray(b"\xee" * (size + ALIGNED + 8))
        piece = PATTERN[start : start + size]
        assert total_copied(memoryview(into)[target : target + size], piece) == total(piece, portable=True), size
        assert into == b"\xee" * target + piece + b"\xee" * (ALIGNED + 8 - target), size


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_carries_are_not_lost(byte: bytes):
    for size in (0, 1, 2, 7, 8, 9, 64, 1400, 65535, 1 << 20):
        assert total(byte * size) == total(byte * size, portable=True) == twin.checksum(byte * size) ^ 0xFFFF


@given(st.binary(max_size=300), st.integers(0, 300))
def test_parts_sum_to_the_whole_and_odd_ones_are_swapped(data: bytes, at: int):
    left, right = data[:at], data[at:]
    behind = total(right)
    if len(left) % 2:
        behind = (behind >> 8) | (behind & 0xFF) << 8
    found = total(left) + behind
    assert (found & 0xFFFF) + (found >> 16) in sums(total(data))


def sums(number: int) -> set[int]:
    """Both forms of zero (RFC 1071)."""
    return {0, 0xFFFF} if number in (0, 0xFFFF) else {number}


@given(st.binary(max_size=3000))
def test_the_sum_is_the_twin_s(data: bytes):
    assert total(data) ^ 0xFFFF == twin.checksum(data)


def test_what_is_copied_must_fit():
    with pytest.raises(ValueError, match="shorter"):
        total_copied(bytearray(9), bytes(10))
    with pytest.raises(BufferError):
        total_copied(bytes(10), bytes(10))  # type: ignore[arg-type]


def test_verify_says_nothing_of_what_is_unfinished():
    batch = batch_of(one_super(), IP)
    assert verify(batch[1])
