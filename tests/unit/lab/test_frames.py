"""Frames of a packet socket, made as they are on the wire."""

from __future__ import annotations

import random
import socket
import struct

import pytest

from tests.oracles.segment import checksum
from tunnel.lab.frames import AUXDATA, SO_TIMESTAMPNS, SOL_PACKET, TIMESPEC, VNET_HDR, block, finished, tagged
from tunnel.pcapng import OUTBOUND

FRAME = bytes(range(60))
PACKET_AUXDATA, VLAN, TPID = 8, 1 << 4, 1 << 6
NOTHING = VNET_HDR.pack(0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("size", [60, 61, 1514, 65001])
def test_a_checksum_that_was_left_to_the_card(size: int):
    frame = random.Random(size).randbytes(size)
    done = finished(memoryview(VNET_HDR.pack(1, 0, 0, 0, 34, 6) + frame))
    assert done[:40] == frame[:40] and done[42:] == frame[42:]
    assert struct.unpack_from("!H", done, 40)[0] == checksum(frame[34:])


def test_a_checksum_of_zero_is_written_as_it_must_be():
    ones = VNET_HDR.pack(1, 0, 0, 0, 34, 6) + bytes(34) + b"\xff\xff" + bytes(30)
    assert finished(memoryview(ones))[40:42] == b"\xff\xff"


@pytest.mark.parametrize("header", [NOTHING, VNET_HDR.pack(2, 0, 0, 0, 34, 6), VNET_HDR.pack(1, 0, 0, 0, 50, 9)])
def test_what_is_complete_or_senseless_is_left_alone(header: bytes):
    assert finished(memoryview(header + FRAME)) == FRAME


@pytest.mark.parametrize(("status", "tpid", "wanted"), [(VLAN, 0, "8100"), (VLAN | TPID, 0x88A8, "88a8")])
def test_a_tag_is_put_back(status: int, tpid: int, wanted: str):
    auxdata = AUXDATA.pack(status, 60, 60, 0, 14, 100, tpid)
    assert tagged(FRAME, auxdata) == (FRAME[:12] + bytes.fromhex(wanted + "0064") + FRAME[12:], 64)


def test_no_tag_no_change():
    assert tagged(FRAME, AUXDATA.pack(0, 90, 60, 0, 14, 100, 0x8100)) == (FRAME, 90)
    assert tagged(b"short", AUXDATA.pack(VLAN, 5, 5, 0, 0, 100, 0)) == (b"short", 5)


def test_a_block_has_the_kernels_time_and_the_direction():
    ancillary = [
        (SOL_PACKET, PACKET_AUXDATA, AUXDATA.pack(0, 60, 60, 0, 14, 0, 0)),
        (socket.SOL_SOCKET, SO_TIMESTAMPNS, TIMESPEC.pack(1_700_000_000, 5)),
    ]
    found = block(memoryview(NOTHING + FRAME), ancillary, OUTBOUND)
    kind, length, _, high, low, kept, size = struct.unpack_from("=7I", found)
    assert (kind, length, kept, size) == (6, len(found), 60, 60)
    assert high << 32 | low == 1_700_000_000_000_000_005
    assert found[28:88] == FRAME and found[88:96] == struct.pack("=HHI", 2, 4, OUTBOUND)
