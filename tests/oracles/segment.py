"""A pure-Python twin of ``tunnel.offload.segment``: what a super-packet is on the wire."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

TCP, UDP = 6, 17
FIN, PSH, CWR = 1, 8, 0x80


@dataclass(frozen=True)
class Super:
    """A super-packet: its bytes, where its headers are, how it is cut."""

    data: bytes
    l3: int
    l4: int
    payload: int
    gso_size: int
    proto: int

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.data[self.l3] >> 4

    @property
    def field(self) -> int:
        """Offset of the checksum in the L4 header."""
        return 16 if self.proto == TCP else 6


def checksum(data: bytes) -> int:
    """RFC 1071, word by word."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def pseudo_header(data: bytes, l3: int, proto: int, size: int) -> bytes:
    """What TCP and UDP sum before their own bytes."""
    if data[l3] >> 4 == 4:
        return data[l3 + 12 : l3 + 20] + struct.pack("!BBH", 0, proto, size)
    return data[l3 + 8 : l3 + 40] + struct.pack("!IHBB", size, 0, 0, proto)


def l4_checksum(data: bytes, l3: int, l4: int, proto: int) -> int:
    """0 where the checksum of a complete packet is right."""
    return checksum(pseudo_header(data, l3, proto, len(data) - l4) + data[l4:])


def put(data: bytearray, at: int, form: str, number: int) -> None:
    """Overwrite one field."""
    struct.pack_into(form, data, at, number)


def partial(packet: Super) -> Super:
    """The packet as the kernel hands it over: its checksum field holds the pseudo-header's sum."""
    data = bytearray(packet.data)
    head = pseudo_header(packet.data, packet.l3, packet.proto, len(data) - packet.l4)
    put(data, packet.l4 + packet.field, "!H", checksum(head) ^ 0xFFFF)
    return replace(packet, data=bytes(data))


def completed(packet: Super) -> Super:
    """The packet with its checksum."""
    return replace(packet, data=bytes(finish(bytearray(packet.data), packet)))


def segments(packet: Super) -> list[bytes]:
    """Cut it, one segment after the other."""
    body = packet.data[packet.payload :]
    starts = range(0, len(body), packet.gso_size)
    return [segment(packet, i, at, body[at : at + packet.gso_size]) for i, at in enumerate(starts)]


def segment(packet: Super, number: int, sent: int, body: bytes) -> bytes:
    """Segment ``number``, whose payload begins ``sent`` bytes into the whole."""
    data = bytearray(packet.data[: packet.payload] + body)
    network(data, packet, number)
    if packet.proto == TCP:
        last = packet.payload + sent + len(body) == len(packet.data)
        transmission(data, packet.l4, sent, number == 0, last)
    else:
        put(data, packet.l4 + 4, "!H", len(data) - packet.l4)
    return bytes(finish(data, packet))


def network(data: bytearray, packet: Super, number: int) -> None:
    """Lengths, and the identification and checksum of IPv4."""
    l3 = packet.l3
    if packet.version == 6:
        put(data, l3 + 4, "!H", len(data) - l3 - 40)
        return
    size = (data[l3] & 15) * 4
    put(data, l3 + 2, "!H", len(data) - l3)
    put(data, l3 + 4, "!H", (struct.unpack_from("!H", data, l3 + 4)[0] + number) & 0xFFFF)
    put(data, l3 + 10, "!H", 0)
    put(data, l3 + 10, "!H", checksum(bytes(data[l3 : l3 + size])))


def transmission(data: bytearray, l4: int, sent: int, first: bool, last: bool) -> None:
    """Sequence number and flags of TCP."""
    put(data, l4 + 4, "!I", (struct.unpack_from("!I", data, l4 + 4)[0] + sent) & 0xFFFFFFFF)
    if not last:
        data[l4 + 13] &= ~(FIN | PSH) & 0xFF
    if not first:
        data[l4 + 13] &= ~CWR & 0xFF


def finish(data: bytearray, packet: Super) -> bytearray:
    """The L4 checksum; 0xffff stands for 0."""
    put(data, packet.l4 + packet.field, "!H", 0)
    found = l4_checksum(bytes(data), packet.l3, packet.l4, packet.proto)
    put(data, packet.l4 + packet.field, "!H", found or 0xFFFF)
    return data
