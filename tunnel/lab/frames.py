"""A frame from a packet socket as it is on the wire, and as a block of a pcapng file."""

from __future__ import annotations

import socket
import struct
import time

from tunnel.offload.checksum import total
from tunnel.pcapng import packet

# include/uapi/linux/if_packet.h
SOL_PACKET, PACKET_AUXDATA = 263, 8
VLAN_VALID, VLAN_TPID_VALID, TPID = 1 << 4, 1 << 6, 0x8100
AUXDATA = struct.Struct("=IIIHHHH")
MACS = 12  # bytes before the tag
VNET_HDR = struct.Struct("=BBHHHH")  # include/uapi/linux/virtio_net.h
NEEDS_CSUM = 1
SO_TIMESTAMPNS = 35  # include/uapi/asm-generic/socket.h
TIMESPEC = struct.Struct("qq")

Ancillary = list[tuple[int, int, bytes]]


def block(received: memoryview, ancillary: Ancillary, direction: int) -> bytes:
    """The block for what a packet socket gave: a virtio header and a frame, auxiliary data, a time stamp."""
    frame = finished(received)
    moment, size = time.time_ns(), len(frame)
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = TIMESPEC.unpack(content[: TIMESPEC.size])
            moment = seconds * 1_000_000_000 + nanoseconds
        elif level == SOL_PACKET and kind == PACKET_AUXDATA:
            frame, size = tagged(frame, content)
    return packet(frame, size, moment, direction)


def finished(received: memoryview) -> bytes:
    """The frame behind a virtio header, with the checksum that was still to be computed (RFC 1071)."""
    flags, _, _, _, start, offset = VNET_HDR.unpack_from(received)
    frame = received[VNET_HDR.size :]
    if not flags & NEEDS_CSUM or start + offset + 2 > len(frame):
        return bytes(frame)
    checksum = (0xFFFF - total(frame[start:]) or 0xFFFF).to_bytes(2, "big")  # to UDP 0 would be none
    return b"".join((frame[: start + offset], checksum, frame[start + offset + 2 :]))


def tagged(frame: bytes, auxdata: bytes) -> tuple[bytes, int]:
    """The frame with its VLAN tag, and how long it was on the wire."""
    status, size, _, _, _, tci, tpid = AUXDATA.unpack(auxdata[: AUXDATA.size])
    if not status & VLAN_VALID or len(frame) < MACS:
        return frame, max(size, len(frame))
    tag = struct.pack("!HH", tpid if status & VLAN_TPID_VALID else TPID, tci)
    return frame[:MACS] + tag + frame[MACS:], max(size, len(frame)) + len(tag)
