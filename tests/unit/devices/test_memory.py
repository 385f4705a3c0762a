"""Memory: a pair in one process."""

from __future__ import annotations

import gc
import os
import select

import pytest

from tests.unit.packets import frame, numbered
from tunnel.batch import Batch
from tunnel.devices.memory import Memory
from tunnel.errors import ConfigError, DeviceClosed
from tunnel.packet import DATAGRAM, F_ALL, IP


def pair(**options: int) -> tuple[Memory, Memory]:
    left, right = Memory.pair(**options)
    left.open()
    right.open()
    return left, right


def received(device: Memory) -> list[bytes]:
    batch = Batch()
    count = device.recv(batch)
    assert count == len(batch)
    return [p.data for p in batch]


def readable(device: Memory) -> bool:
    return bool(select.select([device.fd], [], [], 0)[0])


def test_what_one_sends_the_other_receives_both_ways():
    left, right = pair()
    assert left.send(Batch.of(numbered(3))) == 3
    assert right.send(Batch.of(numbered(2, 5))) == 2
    assert (received(left), received(right)) == (numbered(2, 5), numbered(3))


def test_at_most_64_a_time_in_order():
    left, right = pair()
    left.send(Batch.of(numbered(150)))
    assert [received(right) for _ in range(4)] == [numbered(64), numbered(64, 64), numbered(22, 128), []]


def test_readable_while_something_is_there():
    left, right = pair()
    assert not readable(right)
    left.send(Batch.of(numbered(65)))
    assert readable(right)
    received(right)
    assert readable(right)
    received(right)
    assert not readable(right)
    received(right)
    left.send(Batch.of(numbered(1)))
    assert readable(right)


def test_readable_at_once_when_opened_after_the_sending():
    left, right = Memory.pair()
    left.open()
    left.send(Batch.of(numbered(1)))
    right.open()
    assert readable(right)
    assert received(right) == numbered(1)
    assert not readable(right)


def test_a_full_queue_would_block():
    left, right = pair(limit=4096)
    took = left.send(Batch.of(numbered(100)))
    assert 0 < took < 100
    assert left.send(Batch.of(numbered(100))) == 0
    assert received(right) == numbered(took)
    assert left.send(Batch.of(numbered(1))) == 1


def test_sending_copies():
    left, right = pair()
    batch = Batch.of([frame()])
    left.send(batch)
    batch[0].dport = 9
    assert received(right) == [frame()]


def test_it_carries_marks_endpoints_and_its_medium():
    left, right = pair(medium=DATAGRAM)
    batch = Batch()
    batch.emit(b"x", medium=DATAGRAM, endpoint=("192.0.2.1", 5)).mark = 77
    left.send(batch)
    got = Batch()
    right.recv(got)
    assert (got[0].endpoint, got[0].mark, got[0].medium) == (("192.0.2.1", 5), 77, DATAGRAM)


def test_it_says_what_it_is_told_to_carry():
    left, right = Memory.pair(medium=IP, brings=F_ALL, accepts=1)
    for end in (left, right):
        assert (end.medium, end.brings, end.accepts, end.fd) == (IP, F_ALL, 1, -1)


@pytest.mark.parametrize("lone", [True, False])
def test_closed_or_alone_it_is_gone(lone: bool):
    device = Memory() if lone else pair()[0]
    if lone:
        device.open()
    else:
        device.close()
        with pytest.raises(DeviceClosed, match="closed"):
            device.recv(Batch())
    with pytest.raises(DeviceClosed, match="without another"):
        device.send(Batch.of([frame()]))


def test_closing_forgets_the_queue_and_opening_begins_anew():
    left, right = pair()
    left.send(Batch.of(numbered(5)))
    right.close()
    right.close()
    right.open()
    assert received(right) == []
    left.send(Batch.of(numbered(1)))
    assert received(right) == numbered(1)


def test_one_that_is_let_go_closes_its_descriptor():
    def open_fds() -> int:
        return len(os.listdir("/proc/self/fd"))

    gc.collect()
    before = open_fds()
    for _ in range(100):
        pair()
    gc.collect()
    assert open_fds() == before


def test_a_packet_too_large_for_a_slot_stays_behind():
    left, right = pair()
    batch = Batch()
    batch.emit(bytes(65600))
    assert left.send(batch) == 1
    assert len(received(right)[0]) == 65600


def test_each_worker_has_a_pair():
    left, right = Memory.pair(medium=IP, brings=F_ALL, accepts=1, limit=9999)
    lefts, rights = left.queues(2), right.queues(2)
    assert (left.queues(2), right.queues(2)) == (lefts, rights)
    assert [(end.medium, end.brings, end.accepts) for end in lefts + rights] == [(IP, F_ALL, 1)] * 4
    for end in (*lefts, *rights):
        end.open()
    lefts[1].send(Batch.of(numbered(1)))
    assert [readable(end) for end in rights] == [False, True]


def test_an_end_without_another_is_not_shared():
    with pytest.raises(ConfigError, match="a Memory cannot be shared among 2 workers"):
        Memory().queues(2)
