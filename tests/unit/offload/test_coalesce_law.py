"""Coalesced and cut again, any batch is what it was: byte for byte, each flow in its order."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import frames as wire
from tests.unit.offload.flows import tcp, udp, unnumbered
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.offload.checksum import verify
from tunnel.offload.claim import check
from tunnel.offload.coalesce import coalesce
from tunnel.offload.fit import fit
from tunnel.packet import ETHERNET, F_ALL, IP, Packet

SIZES = st.sampled_from([1, 7, 50, 50, 50, 51, 100])
FLAGS = st.sampled_from(["A"] * 8 + ["PA", "FA", "S"])
LINK = wire.Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")


class Sender:
    """One direction of one connection: what it sends next."""

    def __init__(self, number: int, version: int, is_tcp: bool) -> None:
        self.number, self.version, self.is_tcp = number, version, is_tcp
        self.at, self.id = 2**32 - 200 if number % 2 else 0, 0xFFFC

    def next(self, draw: st.DrawFn) -> bytes:
        """A packet that mostly continues the last."""
        size, steps = draw(SIZES), draw(st.integers(0, 1))
        ip = {"id": self.id, "flags": draw(st.sampled_from(["DF", "DF", "DF", ""]))} if self.version == 4 else {}
        self.id = (self.id + steps) & 0xFFFF
        if not self.is_tcp:
            return udp(self.at, size, self.version, ip, sport=self.number)
        jump = draw(st.sampled_from([0] * 10 + [-size, 40, -100]))
        self.at = (self.at + jump) & 0xFFFFFFFF
        data = tcp(self.at, draw(st.sampled_from([size] * 8 + [0])), self.version, draw(FLAGS), ip, sport=self.number)
        self.at = (self.at + size) & 0xFFFFFFFF
        return data


def corrupt(data: bytes, at: int, bit: int) -> bytes:
    """A bit behind the addresses turned."""
    at = 40 + at % max(len(data) - 40, 1)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] if at < len(data) else data


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[bytes], int]:
    """Packets of up to three flows that take turns, some of them corrupt; and their medium."""
    senders = [Sender(n, draw(st.sampled_from([4, 6])), draw(st.booleans())) for n in range(draw(st.integers(1, 3)))]
    packets = []
    for _ in range(draw(st.integers(2, 24))):
        data = draw(st.sampled_from(senders)).next(draw)
        if draw(st.integers(0, 15)) == 0:
            data = corrupt(data, draw(st.integers(0, 200)), draw(st.integers(0, 7)))
        packets.append(data)
    medium = draw(st.sampled_from([IP, ETHERNET]))
    if medium == ETHERNET:
        packets = [bytes(LINK)[:12] + (b"\x08\0" if p[0] >> 4 == 4 else b"\x86\xdd") + p for p in packets]
    return packets, medium


def told(packet: Packet) -> tuple[bytes, int, int]:
    """Bytes, sequence number and payload size."""
    at = (packet.l4 or 0) + 4
    sequence = int.from_bytes(packet.data[at : at + 4], "big") if packet.proto == 6 else 0
    return unnumbered(packet.data, packet.l3 or 0), sequence, len(packet) - packet.payload_offset


def parsed(packets: list[bytes], medium: int) -> Batch:
    """Those of them that are good."""
    good = [p.data for p in Batch.of(packets, medium=medium) if p.reason == reasons.UNCLAIMED]
    return Batch.of(good, medium=medium)


@given(batches())
def test_nothing_is_lost_and_no_byte_changes(case: tuple[list[bytes], int]):
    batch = parsed(*case)
    before = Counter(told(p) for p in batch)
    coalesce(batch, accepts=F_ALL)
    assert [check(p) for p in batch] == [0] * len(batch)
    assert sum(p.segments for p in batch) == before.total()
    assert Counter(told(p) for p in fit(batch)) == before


@given(batches())
def test_what_is_corrupt_is_never_in_a_super_packet(case: tuple[list[bytes], int]):
    batch = parsed(*case)
    wrong = Counter(p.data for p in batch if not verify(p))
    coalesce(batch, accepts=F_ALL)
    assert Counter(p.data for p in batch if p.segments == 1 and not verify(p)) == wrong


@given(batches())
def test_a_flow_keeps_its_order(case: tuple[list[bytes], int]):
    """Two packets of a flow change places only where their sequence numbers say so."""
    batch = parsed(*case)
    numbered = [(p.five_tuple, told(p)) for p in batch]
    coalesce(batch, accepts=F_ALL)
    left = dict[tuple, list[int]]()
    for place, p in enumerate(fit(batch)):
        left.setdefault((p.five_tuple, told(p)), []).append(place)
    places = [left[packet].pop(0) for packet in numbered]
    for (i, (flow, early)), (j, (other, late)) in combinations(enumerate(numbered), 2):
        if flow == other and places[i] > places[j] and early != late:
            assert 0 < (early[1] - late[1]) & 0xFFFFFFFF < 65536, (early, late)


@given(batches())
def test_what_is_joined_once_is_not_joined_again(case: tuple[list[bytes], int]):
    batch = parsed(*case)
    coalesce(batch, accepts=F_ALL)
    once = [(p.segments, p.data) for p in batch if p.segments > 1]
    coalesce(batch, accepts=F_ALL)
    assert [(p.segments, p.data) for p in batch if p.segments > 1] == once
