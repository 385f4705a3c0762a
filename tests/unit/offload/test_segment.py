"""Cutting, against the pure-Python twin."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.oracles import frames as wire
from tests.oracles import segment as twin
from tests.unit.offload.supers import ECN, TCPV4, batch_of, datas, exhaust, one_super, supers
from tests.unit.packets import ROOM, gaps
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.offload.checksum import verify
from tunnel.offload.fit import fit
from tunnel.offload.segment import cut
from tunnel.packet import IP


@given(supers())
def test_segments_as_the_twin_cuts_them(case: tuple[twin.Super, int]):
    whole, medium = case
    packet = twin.partial(whole)
    batch = batch_of(packet, medium)
    assert batch[1].reason == reasons.UNCLAIMED
    pieces = datas(fit(batch))
    assert pieces == twin.segments(packet)
    assert len(pieces) == batch[1].segments
    assert b"".join(piece[packet.payload :] for piece in pieces) == packet.data[packet.payload :]


@given(supers())
def test_every_segment_is_a_good_packet(case: tuple[twin.Super, int]):
    whole, medium = case
    out = fit(batch_of(twin.partial(whole), medium))
    again = Batch.of([p.data for p in out], medium=medium)
    for p, fresh in zip(out, again, strict=True):
        assert (p.reason, p.gso_size, p.needs_csum) == (0, 0, False)
        assert verify(fresh)
        for name in ("l3", "l4", "payload_offset", "proto", "flow", "ip_version", "vlan", "five_tuple"):
            assert getattr(p, name) == getattr(fresh, name), name
    for piece in datas(out):
        assert twin.l4_checksum(piece, whole.l3, whole.l4, whole.proto) == 0


@given(supers())
def test_a_complete_checksum_is_verified_before_the_cut(case: tuple[twin.Super, int]):
    whole, medium = twin.completed(case[0]), case[1]
    if whole.proto == twin.UDP:
        batch = batch_of(whole, medium, partial=False)
        assert reasons.name(batch[1].reason) == "BAD_GSO"
        return
    assert datas(fit(batch_of(whole, medium, partial=False))) == twin.segments(whole)
    wrong = whole.data[:-1] + bytes([whole.data[-1] ^ 1])
    out = fit(batch_of(twin.replace(whole, data=wrong), medium, partial=False))
    assert [reasons.name(p.reason) for p in out] == ["UNCLAIMED", "BAD_CHECKSUM", "UNCLAIMED"]


def test_flags_and_sequence_numbers():
    out = fit(batch_of(one_super(), IP, gso_type=TCPV4 | ECN))
    layers = [wire.IP(piece)[wire.TCP] for piece in datas(out)]
    assert [str(layer.flags) for layer in layers] == ["AEC", "AE", "FPAE"]
    assert [layer.seq for layer in layers] == [0xFFFFFF00, 0x2E8, 0x6D0]


def test_segments_keep_what_the_super_packet_was_told():
    batch = batch_of(one_super("UDP", 6), IP)
    batch[1].egress = 3
    batch[1].mark = 77
    out = fit(batch)
    assert [(p.egress, p.mark, p.payload[:1]) for p in out][1:-1] == [(3, 77, b"x")] * 3
    assert [len(p.payload) for p in out][1:-1] == [1000] * 3


def test_there_is_room_around_each_segment():
    out = fit(batch_of(one_super(), IP))
    between = gaps(out)[1:-1]      # the first and the last are not segments
    assert len(between) == 2
    assert min(between) >= ROOM


def test_all_of_them_or_none():
    packet = twin.replace(one_super(body=60000), gso_size=2)
    out = fit(batch_of(packet, IP))
    assert [reasons.name(p.reason) for p in out] == ["UNCLAIMED", "NO_ROOM", "UNCLAIMED"]
    assert out[1].segments == 30000


def test_no_segments_where_there_is_no_room_for_their_bytes():
    batch = batch_of(one_super(), IP)
    exhaust(batch)
    out = fit(batch)
    assert reasons.name(out[1].reason) == "NO_ROOM"
    assert len(out) == len(batch)


def test_only_super_packets_of_the_same_arena_are_cut():
    batch = batch_of(one_super(), IP)
    with pytest.raises(ValueError, match="arena"):
        cut(batch[1], Batch())
    with pytest.raises(ValueError, match="arena"):
        cut(batch[0], batch)
    assert cut(batch[1], batch) == 0
    assert [len(p) for p in batch][3:] == [len(piece) for piece in twin.segments(one_super())]
