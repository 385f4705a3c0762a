"""What the mutator starts from: one good packet of each kind that the parser tells apart."""

from __future__ import annotations

import struct
from typing import NamedTuple

ETHERNET, IP, DATAGRAM = 1, 2, 3
TCPV4, TCPV6, UDP_L4, ECN = 1, 4, 5, 0x80
MACS = bytes.fromhex("020000000001020000000002")
HOSTS = b"\n\0\0\1\n\0\0\2"
HOSTS6 = bytes.fromhex("fd00000000000000000000000000000afd00000000000000000000000000000b")


class Seed(NamedTuple):
    """A packet and what its virtio header says."""

    data: bytes
    medium: int
    gso_type: int = 0
    gso_size: int = 0
    csum_start: int = 0
    csum_offset: int = 0
    needs_csum: int = 0


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip4(proto: int, rest: bytes, options: bytes = b"", fragment: int = 0) -> bytes:
    """An IPv4 packet."""
    size = 20 + len(options)
    head = struct.pack("!BBHHHBBH", 0x40 | size // 4, 0, size + len(rest), 7, fragment, 64, proto, 0)
    head = head[:10] + struct.pack("!H", checksum(head + HOSTS + options))
    return head + HOSTS + options + rest


def ip6(proto: int, rest: bytes, chain: tuple[int, ...] = ()) -> bytes:
    """An IPv6 packet with extension headers of 8 bytes each."""
    numbers = [*chain, proto]
    extensions = b"".join(struct.pack("!BBHI", following, kind == 51, 0, 0) for kind, following in
                          zip(chain, numbers[1:], strict=True))
    extensions = b"".join(
        part + b"\0" * 4 * (kind == 51)
        for kind, part in zip(chain, (extensions[i : i + 8] for i in range(0, len(extensions), 8)), strict=True)
    )
    return struct.pack("!IHBB", 6 << 28, len(extensions) + len(rest), numbers[0], 64) + HOSTS6 + extensions + rest


def tcp(body: bytes = b"", options: bytes = b"") -> bytes:
    """A TCP segment."""
    words = 5 + len(options) // 4
    return struct.pack("!HHIIBBHHH", 40000, 443, 1, 2, words << 4, 0x99, 500, 0, 0) + options + body


def udp(body: bytes = b"") -> bytes:
    """A UDP datagram."""
    return struct.pack("!HHHH", 40000, 40001, 8 + len(body), 0) + body


def icmp(kind: int, packet: bytes) -> bytes:
    """An echo request under the checksum that its IP version wants."""
    body = struct.pack("!BBHHH", kind, 0, 0, 1, 2) + bytes(range(48))
    pseudo = HOSTS6 + struct.pack("!II", len(body), 58) if kind == 128 else packet
    return body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]


def solicitation() -> bytes:
    """ICMPv6 asking for a neighbour's MAC."""
    body = struct.pack("!BBHI", 135, 0, 0, 0) + HOSTS6[16:] + b"\1\1" + MACS[6:]
    found = checksum(HOSTS6 + struct.pack("!II", len(body), 58) + body)
    return body[:2] + struct.pack("!H", found) + body[4:]


def arp() -> bytes:
    """A request."""
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + MACS[6:] + HOSTS[:4] + bytes(6) + HOSTS[4:]


def packets() -> list[bytes]:
    """IP of every protocol that the parser has a row for."""
    body = bytes(range(40))
    return [
        ip4(6, tcp(body)), ip4(6, tcp(b"", b"\2\4\5\xb4\1\3\3\7")), ip4(17, udp(body)), ip4(1, icmp(8, b"")),
        ip4(17, udp(body), b"\x94\4\0\0"), ip4(17, udp(body)[:32], fragment=0x2000), ip4(17, body, fragment=4),
        ip4(47, b"\xb0\0\x65\x58" + bytes(12) + body), ip4(132, bytes(12) + body), ip4(2, b"\x16\0\xe9\xff\xe0\0\0\1"),
        ip4(50, body), ip4(59, body), ip4(4, ip4(17, udp())),
        ip6(6, tcp(body)), ip6(17, udp(body)), ip6(58, icmp(128, b"")), ip6(58, solicitation()),
        ip6(17, udp(body), (0, 60, 43)), ip6(6, tcp(), (0, 44, 51, 60)), ip6(6, tcp(), (135, 139, 140)),
        ip6(59, b"", (60,)), ip6(50, body, (51,)), ip6(44, b"\x11\0\0\x08" + body),
        ip6(44, b"\x11\0\0\1\0\0\0\7" + udp(body)[:32]),
    ]  # fmt: skip


def frames() -> list[bytes]:
    """Frames of every form around them."""
    inner = [(b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet for packet in packets()]
    some = [inner[0], inner[3], inner[14]]
    return [
        *(MACS + packet for packet in inner),
        *(MACS + b"\x81\0\0\5" + packet for packet in some),
        *(MACS + b"\x88\xa8\0\5\x81\0\x20\7" + packet for packet in some),
        *(MACS + struct.pack("!H", 6 + len(packet)) + b"\xaa\xaa\3\0\0\0" + packet for packet in some),
        *((MACS + packet).ljust(100, b"\0") for packet in some),
        MACS + b"\x08\6" + arp(), MACS + b"\0\3\x42\x42\3", MACS + b"\x88\xcc\2\7",
    ]  # fmt: skip


def supers() -> list[Seed]:
    """Super-packets and unfinished checksums, with and without a link header."""
    body = bytes(range(256)) * 6
    made = [
        (ip4(6, tcp(body)), TCPV4, 20, 16), (ip6(6, tcp(body)), TCPV6, 40, 16), (ip4(17, udp(body)), UDP_L4, 20, 6),
        (ip6(17, udp(body)), UDP_L4, 40, 6), (ip6(6, tcp(body), (0, 60)), TCPV6, 56, 16),
    ]  # fmt: skip
    found = []
    for packet, kind, start, offset in made:
        link = MACS + (b"\x08\0" if start == 20 else b"\x86\xdd")
        found += [
            Seed(packet, IP, kind, 500, start, offset, 1),
            Seed(link + packet, ETHERNET, kind | ECN * (offset == 16), 700, start + 14, offset, 1),
            Seed(link + packet, ETHERNET, 0, 0, start + 14, offset, 1),
        ]
    return found


def seeds() -> list[Seed]:
    """All of them."""
    plain = [Seed(frame, ETHERNET) for frame in frames()] + [Seed(packet, IP) for packet in packets()]
    return [*plain, *supers(), Seed(b"a datagram", DATAGRAM), Seed(packets()[0], DATAGRAM)]
