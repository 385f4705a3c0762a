"""Chunks: when a view keeps one, when one is given back, when a view is a copy."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from tunnel.arena import ASIDE_MAX, Arena, Chunk, View
from tunnel.batch import Batch

FRAME = bytes(range(64)) * 2
FIRST = 64


def pinned(batch: Batch, data: bytes) -> memoryview:
    """A view of a packet, and the end of its breath."""
    view = batch.emit(data).view
    batch.clear()
    return view


def mapped_kib() -> int:
    """Memory of this process, resident or not."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_nothing_lies_at_offset_0():
    arena = Arena()
    assert arena.used == FIRST


def test_packets_lie_densely():
    arena = Arena()
    batch = Batch(arena)
    batch.emit(bytes(61))
    assert arena.used == FIRST + 64 + 64 + 32, "headroom, bytes up to a multiple of 8, tailroom"


def test_rewind_goes_back_to_the_start():
    arena = Arena()
    Batch(arena).emit(FRAME)
    arena.rewind()
    assert arena.used == FIRST


def test_without_views_the_memory_is_the_same_again():
    batch = Batch()
    batch.emit(b"first packet of all")
    batch.clear()
    packet = batch.emit(b"x" * 19)
    assert packet.data == b"x" * 19
    assert len(batch) == 1


def test_a_view_keeps_its_bytes_for_20_breaths():
    batch = Batch()
    view = pinned(batch, FRAME)
    for number in range(20):
        batch.emit(bytes([number]) * len(FRAME))
        batch.clear()
    assert bytes(view) == FRAME


def test_a_view_in_each_of_20_breaths_keeps_its_own():
    batch = Batch()
    views = [pinned(batch, bytes([number]) * 100) for number in range(20)]
    assert [bytes(view) for view in views] == [bytes([number]) * 100 for number in range(20)]


def test_views_beyond_16_chunks_are_copies_that_cannot_be_written():
    batch = Batch()
    views = [pinned(batch, bytes([number]) * 100) for number in range(ASIDE_MAX + 4)]
    assert [view.readonly for view in views] == [False] * ASIDE_MAX + [True] * 4


def test_chunks_set_aside_come_back_into_use():
    batch = Batch()
    views = [pinned(batch, FRAME) for _ in range(ASIDE_MAX)]
    assert batch.emit(FRAME).view.readonly
    del views[3]
    assert not batch.emit(FRAME).view.readonly


def test_a_view_writes_through():
    batch = Batch()
    packet = batch.emit(FRAME)
    packet.view[:3] = b"abc"
    assert packet.data[:4] == b"abc" + FRAME[3:4]


def test_a_part_of_a_view_pins_too():
    batch = Batch()
    part = batch.emit(FRAME).view[10:20]
    batch.clear()
    batch.emit(bytes(len(FRAME)))
    assert bytes(part) == FRAME[10:20]


def test_a_view_outlives_batch_and_arena():
    view = pinned(Batch(), FRAME)
    gc.collect()
    assert bytes(view) == FRAME


def test_1000_views_one_after_the_other_map_nothing_for_good():
    batch = Batch()
    pinned(batch, FRAME)
    before = mapped_kib()
    for _ in range(1000):
        pinned(batch, FRAME)
    assert mapped_kib() - before < 16 * 1024


def test_1000_arenas_map_nothing_for_good():
    Arena()
    before = mapped_kib()
    for _ in range(1000):
        Arena()
    assert mapped_kib() - before < 16 * 1024


def test_a_view_made_by_hand_shows_nothing():
    with pytest.raises(BufferError, match=r"Packet\.view"):
        memoryview(View())  # type: ignore[arg-type]


def test_no_memory_is_an_error_that_says_how_much():
    with pytest.raises(MemoryError, match=str(1 << 60)):
        Chunk(1 << 60)  # type: ignore[call-arg]
