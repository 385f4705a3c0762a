"""Packets for the micro benchmarks of the offloads."""

from __future__ import annotations

import struct

from tests.oracles.segment import TCP, UDP, Super, completed
from tunnel.batch import Batch
from tunnel.offload.fit import declare
from tunnel.packet import IP

TCPV4, UDP_L4, MSS, FIELD = 1, 5, 1400, 16
HEADERS = 52
ROUNDS = 500


def tcp(payload: int, sequence: int = 1, flow: int = 0) -> bytes:
    """A TCP packet over IPv4 with 12 bytes of options and a complete checksum."""
    number = sequence // MSS & 0xFFFF
    head = struct.pack("!BBHHHBBHII", 0x45, 0, HEADERS + payload, number, 0x4000, 64, 6, 0, 0x0A000001, 0x0A000002)
    rest = struct.pack("!HHIIBBHHH12x", 4000 + flow, 443, sequence, 1, 0x80, 0x10, 500, 0, 0) + bytes(payload)
    return _summed(head + rest, HEADERS, TCP)


def udp(payload: int, number: int = 0) -> bytes:
    """A UDP packet over IPv4 with a complete checksum."""
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 28 + payload, number, 0x4000, 64, 17, 0, 0x0A000001, 0x0A000002)
    return _summed(head + struct.pack("!HHHH", 4000, 443, 8 + payload, 0) + bytes(payload), 28, UDP)


def _summed(data: bytes, payload: int, proto: int) -> bytes:
    total = sum(struct.unpack("!10H", data[:20]))
    total = (total & 0xFFFF) + (total >> 16)
    data = data[:10] + struct.pack("!H", total ^ 0xFFFF) + data[12:]
    return completed(Super(data, 0, 20, payload, 0, proto)).data


def fill(batch: Batch, packets: list[bytes]) -> None:
    """Lay the packets anew, in the same memory: that of a fresh arena would be faulted in while timed."""
    batch.clear()
    for data in packets:
        batch.emit(data, medium=IP)
    batch.parse()


def declared(batch: Batch, packets: list[bytes], gso_size: int) -> None:
    """The same for TCP packets, each with an unfinished checksum."""
    fill(batch, packets)
    for p in batch:
        declare(p, gso_type=TCPV4 if gso_size else 0, gso_size=gso_size, csum_start=20, csum_offset=FIELD)
