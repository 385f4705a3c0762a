"""Joining packets into super-packets: each rule, and what the result says of itself."""

from __future__ import annotations

import pytest

from tests.oracles import frames as wire
from tests.unit.offload.flows import FULL, body, counts, joined, tcp, there_and_back, udp
from tests.unit.offload.supers import exhaust
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.offload.checksum import verify
from tunnel.offload.claim import check, needs
from tunnel.offload.coalesce import coalesce
from tunnel.offload.fit import declare, fit
from tunnel.packet import ETHERNET, F_ALL, F_CSUM, F_TSO4, F_TSO6, F_USO4, F_USO6, IP

VERSIONS = pytest.mark.parametrize("version", [4, 6])
TAGGED = wire.Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02") / wire.Dot1Q(vlan=5, prio=3)


def framed(packet: bytes, link: wire.Packet | None = None) -> bytes:
    """The IP packet in a frame."""
    link = wire.Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02") if link is None else link.copy()
    link.lastlayer().type = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return bytes(link / wire.Raw(packet))


def one(packets: list[bytes], medium: int = IP) -> Batch:
    """The batch in which these have become one."""
    batch = Batch.of(packets, medium=medium)
    coalesce(batch, accepts=F_ALL)
    assert len(batch) == 1
    return batch


@VERSIONS
def test_the_super_packet_of_tcp(version: int):
    packets = [tcp(0, version=version), tcp(100, version=version), tcp(200, 30, version, flags="PA")]
    [packet] = one(packets)
    assert (packet.segments, packet.gso_size, packet.needs_csum, packet.payload) == (3, FULL, True, body(0, 230))
    assert needs(packet) == F_CSUM | (F_TSO4 if version == 4 else F_TSO6)
    assert check(packet) == 0
    layers = wire.IP(packet.data) if version == 4 else wire.IPv6(packet.data)
    assert (layers.len if version == 4 else layers.plen + 40) == len(packet)
    assert (str(layers[wire.TCP].flags), layers[wire.TCP].seq) == ("PA", 0)


@VERSIONS
def test_the_super_packet_of_udp(version: int):
    [packet] = one([udp(0, version=version), udp(1, version=version), udp(2, 30, version)])
    assert (packet.segments, packet.gso_size, packet.needs_csum) == (3, FULL, True)
    assert packet.payload == body(0, 100) + body(1, 100) + body(2, 30)
    assert needs(packet) == F_CSUM | (F_USO4 if version == 4 else F_USO6)
    layers = wire.IP(packet.data) if version == 4 else wire.IPv6(packet.data)
    assert layers[wire.UDP].len == 238
    assert check(packet) == 0


@VERSIONS
@pytest.mark.parametrize("make", [tcp, udp])
def test_its_checksum_completed_is_what_scapy_counts(version: int, make):
    batch = one([make(i * FULL, version=version) for i in range(5)])
    declare(batch[0], csum_start=20 if version == 4 else 40, csum_offset=16 if make is tcp else 6)
    [done] = fit(batch)
    layers = wire.IP(done.data) if version == 4 else wire.IPv6(done.data)
    found = layers.lastlayer().underlayer.chksum
    del layers.lastlayer().underlayer.chksum
    if version == 4:
        header = layers.chksum
        del layers.chksum
        assert type(layers)(bytes(layers)).chksum == header
    assert type(layers)(bytes(layers)).lastlayer().underlayer.chksum == found


def test_it_is_parsed_as_the_kernel_would_bring_it():
    packets = [framed(tcp(i * FULL), TAGGED) for i in range(3)]
    batch = one(packets, ETHERNET)
    told = [(p.l3, p.l4, p.payload_offset, p.proto, p.flow, p.vlan, p.five_tuple) for p in batch]
    assert declare(batch[0], gso_type=1, gso_size=FULL, csum_start=38, csum_offset=16) == reasons.UNCLAIMED
    assert told == [(p.l3, p.l4, p.payload_offset, p.proto, p.flow, p.vlan, p.five_tuple) for p in batch]


def test_frames_with_the_same_addresses_and_tags():
    assert counts([framed(tcp(0)), framed(tcp(100))], medium=ETHERNET) == [2]
    assert counts([framed(tcp(0), TAGGED), framed(tcp(100), TAGGED)], medium=ETHERNET) == [2]
    assert counts([framed(udp(0, version=6)), framed(udp(1, version=6))], medium=ETHERNET) == [2]
    twice = TAGGED / wire.Dot1Q(vlan=6)
    assert counts([framed(tcp(0), twice), framed(tcp(100), twice)], medium=ETHERNET) == [2]


@pytest.mark.parametrize("other", [
    wire.Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:03"),
    wire.Ether(dst="02:00:00:00:00:04", src="02:00:00:00:00:02"),
    wire.Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02") / wire.Dot1Q(vlan=6, prio=3),
    wire.Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02") / wire.Dot1Q(vlan=5, prio=2),
])  # fmt: skip
def test_frames_with_other_addresses_or_tags_stay_apart(other: wire.Packet):
    assert counts([framed(tcp(0), TAGGED), framed(tcp(100), other)], medium=ETHERNET) == [1, 1]


def test_a_length_instead_of_a_type_stays_alone():
    def snap(packet: bytes) -> bytes:
        return bytes(12) + (len(packet) + 8).to_bytes(2, "big") + b"\xaa\xaa\3\0\0\0\x08\0" + packet

    assert counts([snap(tcp(0)), snap(tcp(100))], medium=ETHERNET) == [1, 1]


def test_padding_is_no_payload():
    short = [framed(tcp(0, 4)).ljust(60, b"\0"), framed(tcp(4, 4)).ljust(60, b"\0")]
    assert counts(short, medium=ETHERNET) == [1, 1]


def test_append_needs_a_full_last_segment():
    assert joined([tcp(0, 100), tcp(100, 60), tcp(160, 60)]) == [(2, 160), (1, 60)]


def test_prepend():
    assert joined([tcp(100), tcp(0)]) == [(2, 200)]
    assert there_and_back([tcp(100, ip={"id": 6}), tcp(0, ip={"id": 5})]) == [
        tcp(0, ip={"id": 5}), tcp(100, ip={"id": 6}),
    ]  # fmt: skip


def test_prepend_to_a_short_or_pushed_one():
    assert joined([tcp(100, 60), tcp(0, 100)]) == [(2, 160)]
    assert joined([tcp(100, 60, flags="PA"), tcp(0, 100)]) == [(2, 160)]
    assert joined([tcp(200, 60), tcp(100, 100), tcp(0, 100)]) == [(3, 260)]


def test_no_prepend():
    assert counts([tcp(100), tcp(0, flags="PA")]) == [1, 1]
    assert counts([tcp(50), tcp(0, 50)]) == [1, 1]
    assert counts([tcp(300), tcp(400), tcp(150, 150)]) == [2, 1]
    assert counts([tcp(300, ip={"id": 4, "flags": 0}), tcp(200, ip={"id": 5, "flags": 0})]) == [1, 1]


def test_sequence_numbers_wrap():
    assert joined([tcp(2**32 - 150), tcp(2**32 - 50), tcp(50)]) == [(3, 300)]
    assert joined([tcp(50), tcp(2**32 - 50)]) == [(2, 200)]


@pytest.mark.parametrize("fields", [
    {"ack": 8}, {"window": 1}, {"urgptr": 1}, {"reserved": 1}, {"sport": 1001}, {"dport": 81},
    {"ip": {"src": "10.0.0.9"}}, {"ip": {"dst": "10.0.0.9"}}, {"ip": {"flags": 0, "id": 1}},
    {"ip": {"flags": "DF+evil"}},
])  # fmt: skip
def test_a_header_that_differs(fields: dict):
    assert counts([tcp(0), tcp(100, **fields)]) == [1, 1]


def test_an_ipv6_header_that_differs():
    for fields in ({"fl": 1}, {"src": "fd00::3"}, {"dst": "fd00::3"}):
        assert counts([tcp(0, version=6), tcp(100, version=6, ip=fields)]) == [1, 1]


def test_udp_has_at_most_64_segments():
    assert counts([udp(i, 10) for i in range(150)]) == [64, 64, 22]


def test_udp_without_a_checksum():
    assert counts([udp(0, chksum=0), udp(1, chksum=0)]) == [1, 1]


def test_udp_longer_than_it_says():
    assert counts([udp(0, len=50), udp(1, len=50)]) == [1, 1]


def test_udp_only_behind_the_newest():
    assert joined([udp(0, 100), udp(1, 50), udp(2, 100), udp(3, 100)]) == [(2, 150), (2, 200)]


@pytest.mark.parametrize("bad", range(5))
@pytest.mark.parametrize("make", [tcp, udp])
@VERSIONS
def test_what_is_corrupt_goes_out_alone(version: int, make, bad: int):
    packets = [make(i * FULL, version=version) for i in range(5)]
    packets[bad] = packets[bad][:-1] + bytes([packets[bad][-1] ^ 4])
    expected = [[1, 4], [1, 1, 3], [2, 1, 2], [3, 1, 1], [4, 1]][bad]
    assert counts(packets) == expected
    back = there_and_back(packets)
    assert [data[-FULL:] for data in back] == [data[-FULL:] for data in packets]
    assert [verify(p) for p in Batch.of(back, medium=IP)] == [i != bad for i in range(5)]


@pytest.mark.parametrize("bad", range(3))
def test_a_corrupt_ip_header_is_not_mended(bad: int):
    packets = [tcp(i * FULL) for i in range(3)]
    packets[bad] = packets[bad][:10] + bytes([packets[bad][10] ^ 4]) + packets[bad][11:]
    assert counts(packets) == [[1, 2], [1, 1, 1], [2, 1]][bad]
    assert packets[bad] in there_and_back(packets)


def test_an_unfinished_checksum_may_join():
    batch = Batch.of([tcp(0, chksum=0x1234), tcp(100, chksum=0x1234), tcp(200)], medium=IP)
    for p in list(batch)[:2]:
        declare(p, csum_start=20, csum_offset=16)
    coalesce(batch, accepts=F_ALL)
    assert [p.segments for p in batch] == [3]


def test_one_for_an_inner_packet_may_not():
    batch = Batch.of([udp(0), udp(1)], medium=IP)
    for p in batch:
        declare(p, csum_start=40, csum_offset=16)
    coalesce(batch, accepts=F_ALL)
    assert [p.segments for p in batch] == [1, 1]


@pytest.mark.parametrize(("accepts", "expected"), [
    (F_ALL, [2, 2, 2, 2]), (F_CSUM | F_TSO4, [2, 1, 1, 1, 1, 1, 1]), (F_CSUM | F_TSO6, [1, 1, 2, 1, 1, 1, 1]),
    (F_CSUM | F_USO4, [1, 1, 1, 1, 2, 1, 1]), (F_CSUM | F_USO6, [1, 1, 1, 1, 1, 1, 2]),
    (F_CSUM, [1] * 8), (F_ALL & ~F_CSUM, [1] * 8), (0, [1] * 8),
])  # fmt: skip
def test_only_what_is_accepted(accepts: int, expected: list[int]):
    packets = [make(i * FULL, version=version) for make in (tcp, udp) for version in (4, 6) for i in (0, 1)]
    assert counts(packets, accepts) == expected


def test_a_super_packet_stays_and_keeps_its_place():
    batch = Batch.of([tcp(0), tcp(100), tcp(200, 300), tcp(500), tcp(600)], medium=IP)
    declare(batch[2], gso_type=1, gso_size=100, csum_start=20, csum_offset=16)
    coalesce(batch, accepts=F_ALL)
    assert [(p.segments, p.payload) for p in batch] == [(2, body(0, 200)), (3, body(200, 300)), (2, body(500, 200))]


def test_a_flow_is_not_overtaken():
    packets = [tcp(0), tcp(100), tcp(200, flags="FA"), tcp(200), tcp(300)]
    assert joined(packets) == [(2, 200), (1, 100), (2, 200)]
    assert [data[-100:] for data in there_and_back(packets)] == [data[-100:] for data in packets]


def test_a_fragment_is_not_overtaken():
    fragment = udp(9, ip={"flags": "MF"})
    assert counts([udp(0), udp(1), fragment, udp(2), udp(3)]) == [2, 1, 2]
    behind = udp(9, ip={"flags": 0, "frag": 3})
    assert counts([udp(0), udp(1), behind, udp(2), udp(3)]) == [2, 1, 2]


def test_acknowledgements_of_the_other_direction_do_not_matter():
    ack = tcp(0, 0, sport=80, dport=1000, ip={"src": "10.0.0.2", "dst": "10.0.0.1"})
    assert counts([tcp(0), ack, tcp(100), ack, tcp(200)]) == [3, 1, 1]


def test_flows_that_take_turns():
    packets = [tcp(i // 40 * FULL, sport=1000 + i % 40) for i in range(240)]
    assert counts(packets) == [6] * 40


def test_more_flows_than_are_remembered_stay_in_order():
    packets = [udp(i // 1000, sport=2000 + i % 1000) for i in range(3000)]
    assert sorted(there_and_back(packets)) == sorted(packets)


def test_marks_and_ways_are_those_of_the_first():
    batch = Batch.of([tcp(0), tcp(100)], medium=IP)
    for number, p in enumerate(batch, 1):
        p.mark, p.egress = number, number
    coalesce(batch, accepts=F_ALL)
    assert [(p.mark, p.egress) for p in batch] == [(1, 1)]


def test_what_is_dropped_already_is_left_alone():
    batch = Batch.of([tcp(0), tcp(100), tcp(200)], medium=IP)
    batch[0].drop(reasons.RATE)
    coalesce(batch, accepts=F_ALL)
    assert [p.segments for p in batch] == [1, 2]


def test_one_packet_comes_back_as_it_was():
    batch = Batch.of([tcp(0)], medium=IP)
    used = batch[0].data
    coalesce(batch, accepts=F_ALL)
    assert [p.data for p in batch] == [used]


def test_without_room_they_stay_as_they_are():
    packets = [tcp(i * 600, 600) for i in range(3)]
    batch = Batch.of(packets, medium=IP)
    exhaust(batch)
    full = len(batch)
    coalesce(batch, accepts=F_ALL)
    assert len(batch) == full
    assert [p.data for p in batch][:3] == packets


def test_a_face_that_is_held_becomes_private():
    batch = Batch.of([tcp(0), tcp(100)], medium=IP)
    kept = batch[1]
    coalesce(batch, accepts=F_ALL)
    assert kept.data == tcp(100)


def test_shared_bytes_stay_as_they_were():
    batch = Batch.of([tcp(0), tcp(100)], medium=IP)
    copy = batch.clone(batch[0])
    copy.egress = 3
    coalesce(batch, accepts=F_ALL)
    assert [p.segments for p in batch] == [2, 1]
    assert batch[1].data == tcp(0)
