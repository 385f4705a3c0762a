"""Cutting and finishing, against the pure-Python twin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import frames as wire
from tests.oracles import segment as twin
from tunnel import offload, reasons
from tunnel.batch import Batch
from tunnel.packet import ETHERNET, IP

TCPV4, TCPV6, UDP_L4, ECN = 1, 4, 5, 0x80
CSUM, TSO4, TSO6, USO4, USO6 = 1, 2, 4, 0x20, 0x40


@st.composite
def supers(draw: st.DrawFn) -> tuple[twin.Super, int]:
    """A super-packet and its medium."""
    inner = draw(st.sampled_from(["TCP", "UDP"]))
    head = wire.tcps() if inner == "TCP" else wire.udps
    network = draw(st.one_of(wire.packets4(), wire.packets6()))
    while not isinstance(network.lastlayer(), (wire.IP, wire.IPv6, *wire.EXTENSIONS)):
        network.lastlayer().underlayer.remove_payload()
    size = draw(st.integers(2, 300))
    body = draw(st.binary(min_size=1, max_size=64)) * draw(st.integers(1, 20))
    transport = draw(head)
    transport.remove_payload()
    packet = network / transport / wire.Raw(body)
    medium = draw(st.sampled_from([ETHERNET, IP]))
    frame = packet if medium == IP else draw(wire.links(packet).filter(lambda f: isinstance(f, wire.Ether)))
    data = bytes(frame)
    payload = len(data) - len(body)
    l4 = payload - len(bytes(transport))
    l3 = len(data) - len(bytes(packet))
    return twin.Super(data, l3, l4, payload, size, twin.TCP if inner == "TCP" else twin.UDP), medium


def gso_type(packet: twin.Super) -> int:
    """The type that a virtio header would name."""
    if packet.proto == twin.UDP:
        return UDP_L4
    return TCPV4 if packet.version == 4 else TCPV6


def feature(packet: twin.Super) -> int:
    """What a receiver must accept to be given it whole."""
    if packet.proto == twin.UDP:
        return USO4 if packet.version == 4 else USO6
    return TSO4 if packet.version == 4 else TSO6


def batch_of(packet: twin.Super, medium: int, partial: bool = True, **changes: int) -> Batch:
    """A batch of that super-packet, with a good plain packet before and behind it."""
    plain = b"\x45\0\0\x14" + b"\0" * 16 if medium == IP else b"\0" * 12 + b"\x88\xcc"
    batch = Batch.of([plain, packet.data, plain], medium=medium)
    fields = {
        "gso_type": gso_type(packet), "gso_size": packet.gso_size,
        "csum_start": packet.l4, "csum_offset": packet.field,
    }
    offload.declare(batch[1], needs_csum=partial, **fields | changes)
    return batch


def datas(batch: Batch) -> list[bytes]:
    """The bytes of the packets between the first and the last."""
    return [p.data for p in batch][1:-1]


@given(supers())
def test_segments_as_the_twin_cuts_them(case: tuple[twin.Super, int]):
    whole, medium = case
    packet = twin.partial(whole)
    batch = batch_of(packet, medium)
    assert batch[1].reason == reasons.UNCLAIMED
    pieces = datas(offload.fit(batch))
    assert pieces == twin.segments(packet)
    assert len(pieces) == batch[1].segments
    assert b"".join(piece[packet.payload :] for piece in pieces) == packet.data[packet.payload :]


@given(supers())
def test_every_segment_is_a_good_packet(case: tuple[twin.Super, int]):
    whole, medium = case
    out = offload.fit(batch_of(twin.partial(whole), medium))
    again = Batch.of([p.data for p in out], medium=medium)
    for p, fresh in zip(out, again, strict=True):
        assert (p.reason, p.gso_size, p.needs_csum) == (0, 0, False)
        assert offload.verify(fresh)
        for name in ("l3", "l4", "payload_offset", "proto", "flow", "ip_version", "vlan", "five_tuple"):
            assert getattr(p, name) == getattr(fresh, name), name
    for piece in datas(out):
        assert twin.l4_checksum(piece, whole.l3, whole.l4, whole.proto) == 0


@given(supers())
def test_whole_where_it_is_accepted(case: tuple[twin.Super, int]):
    whole, medium = case
    packet = twin.partial(whole)
    batch = batch_of(packet, medium)
    out = offload.fit(batch, accepts=feature(packet) | CSUM)
    assert datas(out) == [packet.data]
    assert (out[1].gso_size, out[1].needs_csum, out[1].segments) == (whole.gso_size, True, batch[1].segments)


@given(supers())
def test_an_unfinished_checksum_is_completed(case: tuple[twin.Super, int]):
    whole, medium = case
    out = offload.fit(batch_of(twin.partial(whole), medium, gso_type=0, gso_size=0))
    [done] = datas(out)
    assert twin.l4_checksum(done, whole.l3, whole.l4, whole.proto) == 0
    assert done[: whole.l4 + whole.field] == whole.data[: whole.l4 + whole.field]
    assert not out[1].needs_csum


@given(supers())
def test_a_complete_checksum_is_verified_before_the_cut(case: tuple[twin.Super, int]):
    whole, medium = twin.completed(case[0]), case[1]
    if whole.proto == twin.UDP:
        batch = batch_of(whole, medium, partial=False)
        assert reasons.name(batch[1].reason) == "BAD_GSO"
        return
    assert datas(offload.fit(batch_of(whole, medium, partial=False))) == twin.segments(whole)
    wrong = whole.data[:-1] + bytes([whole.data[-1] ^ 1])
    out = offload.fit(batch_of(twin.replace(whole, data=wrong), medium, partial=False))
    assert [reasons.name(p.reason) for p in out] == ["UNCLAIMED", "BAD_CHECKSUM", "UNCLAIMED"]


def one_super(proto: str = "TCP", version: int = 4, body: int = 3000) -> twin.Super:
    """A super-packet without link header; in ``flags`` everything that is set once."""
    head = wire.IP(src="10.0.0.1", dst="10.0.0.2")
    if version == 6:
        head = wire.IPv6(src="fd00::1", dst="fd00::2")
    over = wire.TCP(seq=0xFFFFFF00, flags="FPACE") if proto == "TCP" else wire.UDP()
    data = bytes(head / over / (b"x" * body))
    l4 = 20 if version == 4 else 40
    payload = len(data) - body
    return twin.partial(twin.Super(data, 0, l4, payload, 1000, twin.TCP if proto == "TCP" else twin.UDP))


def test_flags_and_sequence_numbers():
    out = offload.fit(batch_of(one_super(), IP, gso_type=TCPV4 | ECN))
    layers = [wire.IP(piece)[wire.TCP] for piece in datas(out)]
    assert [str(layer.flags) for layer in layers] == ["AEC", "AE", "FPAE"]
    assert [layer.seq for layer in layers] == [0xFFFFFF00, 0x2E8, 0x6D0]


def test_segments_keep_what_the_super_packet_was_told():
    batch = batch_of(one_super("UDP", 6), IP)
    batch[1].egress = 3
    batch[1].mark = 77
    out = offload.fit(batch)
    assert [(p.egress, p.mark, p.payload[:1]) for p in out][1:-1] == [(3, 77, b"x")] * 3
    assert [len(p.payload) for p in out][1:-1] == [1000] * 3


MISFITS = {
    "another protocol's type": {"gso_type": UDP_L4},
    "another version's type": {"gso_type": TCPV6},
    "an unknown type": {"gso_type": 3},
    "a size of 0": {"gso_size": 0},
    "a checksum that starts elsewhere": {"csum_start": 22},
    "another checksum field": {"csum_offset": 6},
    "a checksum behind the packet": {"csum_start": 3030, "csum_offset": 16},
    "one that ends behind it": {"gso_type": 0, "gso_size": 0, "csum_start": 3039, "csum_offset": 0},
    "one in the IP header": {"gso_type": 0, "gso_size": 0, "csum_start": 0, "csum_offset": 10},
    "one over the ports": {"gso_type": 0, "gso_size": 0, "csum_start": 20, "csum_offset": 0},
    "one far behind it": {"gso_type": 0, "gso_size": 0, "csum_start": 0xFFFF, "csum_offset": 0xFFFF},
}


@pytest.mark.parametrize("case", MISFITS)
def test_misfits_are_told(case: str):
    batch = batch_of(one_super(), IP, True, **MISFITS[case])
    assert reasons.name(batch[1].reason) == "BAD_GSO"
    assert [reasons.name(p.reason) for p in offload.fit(batch)] == ["UNCLAIMED", "BAD_GSO", "UNCLAIMED"]


def test_a_super_packet_is_as_long_as_its_header_says():
    whole = one_super()
    batch = batch_of(twin.replace(whole, data=whole.data + b"y"), IP)
    assert reasons.name(batch[1].reason) == "BAD_GSO"


def test_a_fragment_is_no_super_packet():
    whole = one_super()
    data = whole.data[:6] + b"\x20\0" + whole.data[8:]
    batch = batch_of(twin.replace(whole, data=data), IP)
    assert reasons.name(batch[1].reason) == "BAD_GSO"


def test_all_of_them_or_none():
    packet = twin.replace(one_super(body=60000), gso_size=2)
    out = offload.fit(batch_of(packet, IP))
    assert [reasons.name(p.reason) for p in out] == ["UNCLAIMED", "NO_ROOM", "UNCLAIMED"]
    assert out[1].segments == 30000


def test_shared_bytes_stay_as_they_were():
    packet = one_super()
    batch = batch_of(packet, IP, gso_type=0, gso_size=0)
    batch.clone(batch[1])
    out = offload.fit(batch)
    assert batch[1].data == packet.data
    assert out[1].data == out[3].data != packet.data


@given(wire.frames.filter(lambda frame: wire.AH not in wire.Ether(frame)))  # scapy sums nothing behind it
def test_verify_as_scapy_counts(frame: bytes):
    batch = Batch.of([frame])
    assert offload.verify(batch[0])


@given(st.integers(34, 81), st.integers(0, 7), st.sampled_from([wire.TCP(), wire.UDP(), wire.ICMP()]))
def test_verify_sees_a_changed_bit(at: int, bit: int, over):
    frame = bytearray(bytes(wire.Ether() / wire.IP(src="10.0.0.1", dst="10.0.0.2") / over / (b"x" * 40)))
    frame[at] ^= 1 << bit
    batch = Batch.of([bytes(frame)])
    assert batch[0].reason or not offload.verify(batch[0])


def test_verify_knows_when_udp_has_none():
    over4 = wire.IP(src="10.0.0.1", dst="10.0.0.2") / wire.UDP(chksum=0)
    over6 = wire.IPv6(src="fd00::1", dst="fd00::2") / wire.UDP(chksum=0)
    batch = Batch.of([bytes(over4), bytes(over6)], medium=IP)
    assert [offload.verify(p) for p in batch] == [True, False]
