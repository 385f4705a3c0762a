"""Super-packets on the data path: whole where they may pass, cut where they may not."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tests.unit.packets import numbered
from tunnel.batch import Batch
from tunnel.counters import imbalance
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.handlers.wire import Wire
from tunnel.offload.fit import declare
from tunnel.packet import F_ALL, F_CSUM, F_TSO4
from tunnel.plan import Plan

SEGMENT, COUNT = 1000, 5
GSO_TCPV4 = 1


def super_frame() -> bytes:
    """TCP over IPv4 with five segments' payload and the pseudo-header's sum in the checksum field."""
    data = bytearray(bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(dport=80) / bytes(SEGMENT * COUNT)))
    pseudo = data[26:34] + b"\0\x06" + (len(data) - 34).to_bytes(2, "big")
    total = sum(int.from_bytes(pseudo[i : i + 2], "big") for i in range(0, 12, 2))
    data[50:52] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    return bytes(data)


class Looking(Handler):
    """Python: what it sees, and on to the other port."""

    ports = ("a", "b")

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, bool]] = []

    def process(self, batch: Batch) -> None:
        for p in batch:
            self.seen.append((len(p), p.segments, p.needs_csum))
            p.egress = 1


class Taking(Looking):
    """Says that it takes them."""

    accepts = F_ALL


class Path:
    """A handler between two Memory devices, the first of which brings super-packets."""

    def __init__(self, handler: Handler, accepts: int = F_ALL) -> None:
        self.handler = handler
        inside, self.source = Memory.pair(brings=F_ALL, accepts=F_ALL)
        outside, self.sink = Memory.pair(brings=0, accepts=accepts)
        self.inside, self.outside = inside, outside
        for device in (inside, outside, self.source, self.sink):
            device.open()
        self.plan = Plan([handler], [inside, outside], [(inside, 0, handler, 0), (handler, 1, outside, 0)], strict=True)

    def send(self, **wrong: int) -> list[tuple[int, int, bool]]:
        """Length, segments and unfinished checksum of what arrives for one super-packet."""
        batch = Batch()
        packet = batch.emit(super_frame())
        told = {"gso_type": GSO_TCPV4, "gso_size": SEGMENT, "csum_start": 34, "csum_offset": 16} | wrong
        declare(packet, **told)  # type: ignore[arg-type]
        assert self.source.send(batch) == 1
        self.plan.breathe(self.inside, 0)
        out = Batch()
        self.sink.recv(out)
        assert imbalance(self.handler.counts()) == 0
        return [(len(p), p.segments, p.needs_csum) for p in out]


WHOLE = [(54 + SEGMENT * COUNT, COUNT, True)]
CUT = [(54 + SEGMENT, 1, False)] * COUNT


def test_through_a_wire_it_passes_whole():
    path = Path(Wire())
    assert path.send() == WHOLE
    assert path.handler.counts()["tx"] == {"descriptors": 1, "packets": COUNT, "bytes": 54 + SEGMENT * COUNT}


def test_in_front_of_a_device_that_takes_less_it_is_cut():
    path = Path(Wire(), accepts=F_CSUM)
    assert path.send() == CUT
    assert path.outside.counts()["tx"]["packets"] == path.inside.counts()["rx"]["packets"] == COUNT


def test_a_python_handler_sees_plain_packets():
    path = Path(looking := Looking())
    assert path.send() == CUT
    assert looking.seen == CUT


def test_a_python_handler_that_takes_them_sees_them_whole():
    path = Path(taking := Taking())
    assert path.send() == WHOLE
    assert taking.seen == WHOLE


@pytest.mark.parametrize("wrong", [{"csum_start": 60000}, {"gso_size": 0}, {"gso_type": 4}])
def test_one_that_disagrees_with_itself_is_dropped(wrong: dict[str, int]):
    path = Path(Looking())
    assert path.send(**wrong) == []
    drops = path.inside.counts()["drops"]
    assert list(drops) == ["BAD_GSO"]


def test_only_what_is_not_taken_is_cut():
    class Some(Looking):
        accepts = F_CSUM | F_TSO4

    path = Path(some := Some())
    assert path.send() == WHOLE
    assert some.seen == WHOLE


def test_plain_packets_among_them_keep_their_order():
    path = Path(Looking())
    batch = Batch()
    for data in numbered(3):
        batch.emit(data)
    declare(batch.emit(super_frame()), gso_type=GSO_TCPV4, gso_size=SEGMENT, csum_start=34, csum_offset=16)
    for data in numbered(3, 3):
        batch.emit(data)
    path.source.send(batch)
    path.plan.breathe(path.inside, 0)
    out = Batch()
    path.sink.recv(out)
    assert [len(p) for p in out] == [46] * 3 + [54 + SEGMENT] * COUNT + [46] * 3
