"""A batch: faces that alternate, columns that do not copy, growth, clones."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.packets import frame as plain
from tunnel import reasons
from tunnel.arena import Arena
from tunnel.batch import Batch, BatchIterator
from tunnel.columns import Column
from tunnel.packet import DROP, ETHERNET, IP, Packet

FRAMES = [plain(port) for port in range(1, 6)]


def numbers(count: int) -> list[bytes]:
    return [number.to_bytes(4, "big") * 4 for number in range(count)]


def test_what_is_put_in_is_there_in_order():
    batch = Batch.of(FRAMES)
    assert [p.data for p in batch] == FRAMES
    assert len(batch) == 5
    assert [batch[i].data for i in range(-5, 5)] == FRAMES * 2


@pytest.mark.parametrize("index", [5, -6, 1 << 40])
def test_an_index_outside_is_refused(index: int):
    with pytest.raises(IndexError, match="of 5"):
        Batch.of(FRAMES)[index]


def test_faces_are_used_again_when_nobody_holds_them():
    assert len({id(p) for p in Batch.of(FRAMES)}) == 2


def test_faces_that_are_held_are_not_used_again():
    batch = Batch.of(FRAMES)
    first = batch[0]
    assert [p.data for p in batch] == FRAMES
    assert first.data == FRAMES[0]


def test_walks_may_be_nested():
    batch = Batch.of(FRAMES)
    pairs = [(p.data, q.data) for p in batch for q in batch]
    assert pairs == [(a, b) for a in FRAMES for b in FRAMES]


def test_walking_sees_what_is_emitted_on_the_way():
    batch = Batch.of(FRAMES[:2])
    seen = []
    for p in batch:
        seen.append(p.data)
        if len(batch) < 4:
            batch.emit(FRAMES[4])
    assert seen == [FRAMES[0], FRAMES[1], FRAMES[4], FRAMES[4]]


def test_growth_moves_the_faces_along():
    batch = Batch.of(numbers(60))
    kept = list(batch)
    for data in numbers(1000):
        batch.emit(data)
    assert [p.data for p in kept] == numbers(60)
    kept[7].egress = 3
    assert batch.egress[7] == 3
    assert [p.data for p in batch][60:] == numbers(1000)


def test_growth_has_an_end():
    batch = Batch()
    for _ in range(16384):
        batch.emit(b"")
    with pytest.raises(MemoryError, match="no room"):
        batch.emit(b"")
    with pytest.raises(MemoryError, match="no room"):
        batch.clone(batch[0])
    assert len(batch) == 16384


def test_the_arena_has_an_end():
    batch = Batch()
    with pytest.raises(MemoryError, match="no room"):
        for _ in range(100):
            batch.emit(bytes(65535))
    assert all(p.data == bytes(65535) for p in batch)
    assert 60 <= len(batch) < 65


@pytest.mark.parametrize("size", [(1 << 22) - 1, 1 << 22])
def test_a_packet_larger_than_the_arena_has_no_room(size: int):
    batch = Batch()
    with pytest.raises(MemoryError, match="no room"):
        batch.emit(bytes(size))
    assert len(batch) == 0


def test_a_wrong_endpoint_leaves_nothing_behind():
    batch = Batch()
    with pytest.raises(ValueError, match="nonsense"):
        batch.emit(b"x", endpoint=("nonsense", 1))
    with pytest.raises(OverflowError):
        batch.emit(b"x", endpoint=("192.0.2.1", 65536))
    assert len(batch) == 0


def test_emit_takes_the_medium_of_the_first_packet():
    assert Batch().emit(b"x").medium == ETHERNET
    batch = Batch.of([b"\x45" + bytes(19)], medium=IP)
    assert batch.emit(b"x").medium == IP
    assert batch.emit(b"x", medium=ETHERNET).medium == ETHERNET


def test_emitted_packets_are_parsed():
    p = Batch().emit(plain(53), egress=2)
    assert (p.dport, p.egress, p.reason) == (53, 2, reasons.UNCLAIMED)
    assert Batch().emit(b"short").reason == reasons.TRUNCATED


def test_a_clone_shows_the_same_bytes_until_one_is_written():
    batch = Batch.of(FRAMES)
    original = batch[1]
    copy = batch.clone(original)
    assert copy.data == original.data == FRAMES[1]
    copy.dport = 77
    assert (copy.dport, original.dport, original.data) == (77, 2, FRAMES[1])
    original.dport = 78
    assert (copy.dport, original.dport) == (77, 78)


def test_the_view_of_a_clone_is_its_own():
    batch = Batch.of(FRAMES)
    original = batch[1]
    copy = batch.clone(original)
    original.view[:2] = b"!!"
    assert (original.data[:2], copy.data) == (b"!!", FRAMES[1])


@pytest.mark.parametrize("writer", range(3))
def test_of_three_that_share_only_the_writer_changes(writer: int):
    batch = Batch.of(FRAMES[:1])
    packets = [batch[0]]
    packets += [batch.clone(packets[0]), batch.clone(packets[0])]
    packets[writer].sport = 4242
    assert [p.sport == 4242 for p in packets] == [number == writer for number in range(3)]


def test_without_room_to_own_a_shared_packet_is_left_alone():
    batch = Batch.of([bytes(65000)])
    original = batch[0]
    copy = batch.clone(original)
    with pytest.raises(MemoryError, match="no room"):
        for _ in range(100):
            batch.emit(bytes(60000))
    with pytest.raises(MemoryError, match="arena full"):
        copy.own()
    assert copy.data == original.data == bytes(65000)


def test_clones_over_a_growth_are_faces_of_the_new_array():
    batch = Batch.of(numbers(1))
    first = batch[0]
    for _ in range(200):
        batch.clone(first).egress = 5
    first.egress = 4
    assert batch.egress.tolist() == [4] + [5] * 200


def test_only_packets_of_this_batch_are_cloned():
    batch, other = Batch.of(FRAMES), Batch.of(FRAMES)
    kept = other[0]
    with pytest.raises(ValueError, match="not a packet of this batch"):
        batch.clone(kept)
    other.clear()
    with pytest.raises(ValueError, match="not a packet of this batch"):
        other.clone(kept)


def test_two_batches_in_one_arena_do_not_mix():
    arena = Arena()
    left, right = Batch(arena), Batch(arena)
    left.emit(b"left")
    with pytest.raises(ValueError, match="not a packet of this batch"):
        left.clone(right.emit(b"right"))
    assert [p.data for p in left] == [b"left"]


def test_parts_made_by_hand_are_harmless():
    with pytest.raises(BufferError, match="made by a batch"):
        memoryview(Column())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        BatchIterator(None)  # type: ignore[arg-type]


def test_parse_clears_the_verdicts():
    batch = Batch.of([FRAMES[0], b"short"])
    for p in batch:
        p.egress = 1
        p.drop(reasons.LOST)
    batch.parse()
    assert batch.egress.tolist() == [DROP, DROP]
    assert batch.reason.tolist() == [reasons.UNCLAIMED, reasons.TRUNCATED]


def test_10000_batches_leave_nothing():
    def one() -> None:
        batch = Batch.of(FRAMES)
        kept = list(batch)
        batch.clone(kept[0])
        np.asarray(batch.egress)[:] = 0

    one()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(10_000):
        one()
    gc.collect()
    assert abs(sys.getallocatedblocks() - before) < 200


@given(st.lists(st.sampled_from(["emit", "clone", "keep", "write", "clear"]), max_size=150), st.integers(0, 2**32))
def test_against_a_list_of_bytes(steps: list[str], seed: int):
    """Whatever is done: packets are as a plain list would have them, and kept ones as they were."""
    batch, model = Batch(), list[bytes]()
    kept: list[tuple[Packet, bytes | None]] = []
    for number, step in enumerate(steps):
        where = (seed + number * 7919) % max(len(model), 1)
        if step == "emit":
            batch.emit(number.to_bytes(20, "big"))
            model.append(number.to_bytes(20, "big"))
        elif step == "clear":
            batch.clear()
            model = []
            kept = [(p, p.data) for p, _ in kept]
        elif model and step == "clone":
            batch.clone(batch[where])
            model.append(model[where])
        elif model and step == "write":
            batch[where].view[:1] = b"!"
            model[where] = b"!" + model[where][1:]
        elif model and step == "keep":
            kept.append((batch[where], None))
        assert [p.data for p in batch] == model
    del batch
    assert all(data is None or p.data == data for p, data in kept)
