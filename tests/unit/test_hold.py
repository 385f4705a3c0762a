"""Hold: what goes in comes out the same, in order, within the limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.packets import ROOM, gaps
from tunnel.batch import Batch
from tunnel.hold import Hold
from tunnel.packet import DATAGRAM, ETHERNET

SLOTS = {256: 512, 2048: 2304, 65600: 65856}    # bytes of a packet that fit, bytes of the slot


def batch_of(*packets, medium=ETHERNET, endpoint=None):
    batch = Batch()
    for data in packets:
        batch.emit(data, medium=medium, endpoint=endpoint)
    return batch


def released(hold):
    batch = Batch()
    while hold.release(batch):
        pass
    return [p.data for p in batch]


def test_packets_come_out_as_they_went_in():
    packets = [bytes([n]) * size for n, size in enumerate((0, 1, 256, 257, 2048, 2049, 65535, 65600, 60))]
    hold, batch = Hold(1 << 20), batch_of(*packets)
    assert all(hold.put(batch, n) for n in range(len(packets)))
    batch.clear()
    assert len(hold) == len(packets)
    assert released(hold) == packets
    assert (len(hold), hold.bytes) == (0, 0)


@pytest.mark.parametrize(("size", "slot"), SLOTS.items())
def test_each_size_takes_its_slot(size, slot):
    hold = Hold(1 << 20)
    assert hold.put(batch_of(bytes(size)), 0)
    assert abs(hold.bytes - slot) < 64


@pytest.mark.parametrize("size", SLOTS)
def test_the_limit_holds(size):
    hold, batch = Hold(1 << 18), batch_of(bytes(size))
    count = 0
    while hold.put(batch, 0):
        count += 1
    assert hold.bytes <= 1 << 18 < hold.bytes + hold.bytes // count
    assert hold.release(Batch())
    assert hold.put(batch, 0)
    assert not hold.put(batch, 0)


def test_the_largest_packet_fits_a_slot():
    assert Hold(1 << 20).put(batch_of(bytes(65600)), 0)


def test_there_is_room_around_what_comes_out():
    hold, batch = Hold(1 << 20), batch_of(*[bytes(size) for size in (1, 64, 1420, 3000)])
    assert all(hold.put(batch, n) for n in range(4))
    out = Batch()
    while hold.release(out):
        pass
    assert min(gaps(out)) >= ROOM


def test_a_datagram_keeps_its_endpoint():
    hold = Hold(1 << 16)
    for peer in (("192.0.2.1", 9000), ("2001:db8::1", 53)):
        hold.put(batch_of(b"hello", medium=DATAGRAM, endpoint=peer), 0)
    batch = Batch()
    while hold.release(batch):
        pass
    assert [p.endpoint for p in batch] == [("192.0.2.1", 9000), ("2001:db8::1", 53)]


def test_there_is_no_such_packet():
    with pytest.raises(IndexError):
        Hold(1 << 16).put(Batch(), 0)


@given(st.lists(st.one_of(st.none(), st.integers(0, 3000)), max_size=200))
def test_it_is_a_queue(steps):
    """``None`` takes one out, a number puts in one of that size; a list is the model."""
    hold = Hold(40_000)
    model: list[bytes] = []
    for number, size in enumerate(steps):
        if size is None:
            batch = Batch()
            assert hold.release(batch) == bool(model)
            assert [p.data for p in batch] == model[:1]
            del model[:1]
        elif hold.put(batch_of(data := number.to_bytes(2, "big") + bytes(size)), 0):
            model.append(data)
        assert len(hold) == len(model)
    assert released(hold) == model
    assert hold.bytes == 0
