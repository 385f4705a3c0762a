"""Echo requests and their answers, of ICMP (RFC 792) and ICMPv6 (RFC 4443)."""

from __future__ import annotations

import socket
import struct

from tunnel.lab.node import Node

REQUEST = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}
PAYLOAD = 48  # bytes
MARK = 8  # bytes that tell the requests of one run from all others
SOL_RAW, ICMP_FILTER = 255, 1  # include/uapi/linux/icmp.h: a set bit keeps that type away
ICMP6_FILTER = 1  # include/uapi/linux/icmpv6.h: the same, of 256 bits


def echo_socket(node: Node, version: int) -> socket.socket:
    """A raw socket of the node that receives echo replies and nothing else."""
    if version == 4:
        sock = node.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        sock.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", 0xFFFF_FFFF & ~(1 << REPLY[4])))
        return sock
    sock = node.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    blocked = [0xFFFF_FFFF] * 8
    blocked[REPLY[6] // 32] &= ~(1 << REPLY[6] % 32)
    sock.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("8I", *blocked))
    return sock


def request(version: int, identifier: int, number: int, mark: bytes) -> bytes:
    """An echo request; of both numbers the lower 16 bits are in it, and ``mark`` begins its payload."""
    body = struct.pack("!HH", identifier & 0xFFFF, number & 0xFFFF) + mark.ljust(PAYLOAD, b"\0")
    head = struct.pack("!BB", REQUEST[version], 0)
    checksum = _checksum(head + bytes(2) + body) if version == 4 else 0  # the kernel sums ICMPv6
    return head + checksum.to_bytes(2, "big") + body


def answered(version: int, packet: bytes, mark: bytes) -> tuple[int, int] | None:
    """Identifier and number of the request that a packet answers, as a raw socket gives it; None for others.

    A raw socket is given the answers to everybody's requests, late ones to an earlier run's too: ours carry the mark.
    """
    message = packet[(packet[0] & 15) * 4 :] if version == 4 else packet
    if len(message) < 8 or message[0] != REPLY[version] or not message.startswith(mark, 8):
        return None
    identifier, number = struct.unpack_from("!HH", message, 4)
    return identifier, number


def _checksum(data: bytes) -> int:
    """RFC 1071, for an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
