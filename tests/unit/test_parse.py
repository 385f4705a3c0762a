"""The parser against scapy, and against every way in which a packet can lie."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import frames as wire
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.packet import DATAGRAM, ETHERNET, IP

MACS = bytes.fromhex("020000000001020000000002")


def parse(data: bytes, medium: int = ETHERNET):
    """The one packet, parsed, and private once its batch has been cleared."""
    batch = Batch.of([data], medium=medium)
    p = batch[0]
    batch.clear()
    return p


def reason(data: bytes, medium: int = ETHERNET) -> str:
    """The name of its drop reason, UNCLAIMED for a good packet."""
    return reasons.name(parse(data, medium).reason)


def ip4(
    rest: bytes, proto: int = 17, fragment: int = 0, total: int | None = None, first: int = 0x45
) -> bytes:
    total = 20 + len(rest) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", first, 0, total, 7, fragment, 64, proto, 0, b"\n\0\0\1", b"\n\0\0\2")
    return MACS + b"\x08\0" + head + rest


def ip6(rest: bytes, following: int = 17, length: int | None = None) -> bytes:
    length = len(rest) if length is None else length
    ends = bytes.fromhex("fd00000000000000000000000000000afd00000000000000000000000000000b")
    return MACS + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, length, following, 64) + ends + rest


def udp(rest: bytes = b"", length: int | None = None, sport: int = 4000, dport: int = 53) -> bytes:
    return struct.pack("!HHHH", sport, dport, 8 + len(rest) if length is None else length, 0) + rest


def tcp(words: int = 5, rest: bytes = b"") -> bytes:
    return struct.pack("!HHIIBBHHH", 4000, 80, 1, 2, words << 4, 16, 100, 0, 0) + rest


@given(wire.frames)
def test_headers_as_scapy_sees_them(frame: bytes):
    expected = wire.dissect(frame, wire.Ether(frame))
    p = parse(frame)
    assert p.reason == reasons.UNCLAIMED
    assert (p.l3, p.l4, p.payload_offset) == expected[:3]
    assert (p.proto, p.sport, p.dport) == expected[3:]


@given(wire.ips.map(bytes))
def test_ip_medium_as_scapy_sees_it(packet: bytes):
    layer = wire.IP(packet) if packet[0] >> 4 == 4 else wire.IPv6(packet)
    expected = wire.dissect(packet, layer)
    p = parse(packet, IP)
    assert p.reason == reasons.UNCLAIMED
    assert (p.l3, p.l4, p.payload_offset, p.proto, p.sport, p.dport) == expected
    assert (str(p.src_ip), p.ip_version) == (layer.src, layer.version)
    assert p.ethertype == (0x0800 if layer.version == 4 else 0x86DD)


@given(wire.frames)
def test_every_truncation_is_told_or_harmless(frame: bytes):
    for size in range(len(frame)):
        p = parse(frame[:size])
        assert p.l3 is None or p.l3 <= size
        assert p.l4 is None or p.l4 <= size
        assert p.payload_offset <= size
        assert p.reason or p.ip_version == 0, f"an IP packet cut to {size} bytes passed"


@given(st.binary(max_size=120), st.sampled_from([ETHERNET, IP]))
def test_noise_leaves_offsets_inside(data: bytes, medium: int):
    p = parse(data, medium)
    assert p.payload_offset <= len(data)
    assert p.reason == reasons.UNCLAIMED or (p.l3, p.l4) == (None, None)


@pytest.mark.parametrize("count", [0, 1, 16, 17, 40])
@pytest.mark.parametrize("kind", [0, 43, 60, 135, 139, 140])
def test_chains_of_extensions(kind: int, count: int):
    chain = b"".join(bytes([kind if i < count - 1 else 17]) + b"\0" * 7 for i in range(count))
    p = parse(ip6(chain + udp(b"abc"), kind if count else 17))
    if count <= 16:
        assert (p.reason, p.proto, p.l4, p.payload) == (0, 17, 54 + 8 * count, b"abc")
    else:
        assert reasons.name(p.reason) == "TOO_DEEP"


@pytest.mark.parametrize(("proto", "l4", "payload"), [(50, 62, 70), (59, None, 62), (200, 62, 62)])
def test_ends_of_a_chain(proto: int, l4: int | None, payload: int):
    p = parse(ip6(bytes([proto]) + b"\0" * 7 + b"x" * 20, 60))
    assert (p.reason, p.proto, p.l4, p.payload_offset) == (0, proto, l4, payload)


LIES = {
    "no bytes": (b"", "TRUNCATED"),
    "half an Ethernet header": (MACS, "TRUNCATED"),
    "half an IPv4 header": (ip4(b"")[:33], "TRUNCATED"),
    "IPv6 under the type of IPv4": (MACS + b"\x08\0" + ip6(udp())[14:], "BAD_VERSION"),
    "IPv4 under the type of IPv6": (MACS + b"\x86\xdd" + ip4(udp(b"x" * 40))[14:], "BAD_VERSION"),
    "IPv4 header of 16 bytes": (ip4(udp(), first=0x44), "BAD_HEADER"),
    "IPv4 header beyond its packet": (ip4(udp(), first=0x4F), "BAD_LENGTH"),
    "IPv4 longer than the frame": (ip4(udp(), total=29), "BAD_LENGTH"),
    "IPv4 shorter than its header": (ip4(udp(), total=19), "BAD_LENGTH"),
    "IPv4 length 0": (ip4(udp(), total=0), "BAD_LENGTH"),
    "IPv4 too short for UDP": (ip4(udp(), total=27), "TRUNCATED"),
    "UDP longer than IP": (ip4(udp(b"abc", length=12)), "BAD_LENGTH"),
    "UDP shorter than its header": (ip4(udp(b"abc", length=7)), "BAD_LENGTH"),
    "UDP length 0": (ip6(udp(length=0)), "BAD_LENGTH"),
    "TCP header of 16 bytes": (ip4(tcp(words=4), proto=6), "BAD_HEADER"),
    "TCP header beyond the packet": (ip6(tcp(words=6), 6), "BAD_HEADER"),
    "GRE header beyond the packet": (ip4(b"\xb0\0\x08\0" + b"\0" * 8, proto=47), "BAD_HEADER"),
    "a fragment beyond 65,535": (ip4(b"x" * 16, fragment=0x1FFF), "BAD_LENGTH"),
    "the first fragment without ports": (ip4(b"\0\1", fragment=0x2000), "TRUNCATED"),
    "half an IPv6 header": (ip6(b"")[:53], "TRUNCATED"),
    "IPv6 longer than the frame": (ip6(udp(), length=9), "BAD_LENGTH"),
    "IPv6 too short for UDP": (ip6(udp(), length=7), "TRUNCATED"),
    "half an extension": (ip6(b"\x11\0\0\0", 60), "TRUNCATED"),
    "an extension beyond the packet": (ip6(b"\x11\1" + b"\0" * 13, 60), "BAD_HEADER"),
    "an AH without its own fields": (ip6(b"\x11\0" + b"\0" * 6 + udp(), 51), "BAD_HEADER"),
    "an IPv6 fragment beyond 65,535": (ip6(b"\x11\0\xff\xf8" + b"\0" * 4 + b"x" * 16, 44), "BAD_LENGTH"),
}


@pytest.mark.parametrize("case", LIES)
def test_lies_are_told(case: str):
    data, expected = LIES[case]
    p = parse(data)
    assert reasons.name(p.reason) == expected
    assert (p.l3, p.l4, p.ip_version, p.payload) == (None, None, 0, b"")


@pytest.mark.parametrize(("data", "expected"), [(b"", "TRUNCATED"), (b"\x51" * 40, "BAD_VERSION")])
def test_lies_without_a_link_header(data: bytes, expected: str):
    assert reason(data, IP) == expected


@pytest.mark.parametrize("size", [46, 47, 100])
def test_padding_is_no_payload(size: int):
    for packet in (ip4(udp()), ip4(tcp(), proto=6)):
        p = parse(packet.ljust(14 + size, b"\0"))
        assert (p.reason, len(p), p.payload) == (0, 14 + size, b"")
    p = parse(ip4(udp(b"abc")).ljust(14 + size, b"\0"))
    assert (p.reason, p.payload_offset) == (0, 42)


def test_datagrams_are_opaque():
    p = parse(ip4(udp()), DATAGRAM)
    assert (p.reason, p.l3, p.l4, p.payload_offset, p.flow) == (0, None, None, 0, 0)


def test_parse_presets_the_verdict():
    batch = Batch.of([ip4(udp()), b""])
    for p in batch:
        p.egress = 3
    batch.parse()
    assert [p.egress for p in batch] == [0xFFFF, 0xFFFF]
    assert [reasons.name(p.reason) for p in batch] == ["UNCLAIMED", "TRUNCATED"]
