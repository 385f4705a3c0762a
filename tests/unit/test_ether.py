"""Tags, LLC, SNAP and ARP: what lies before the L3 header."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.oracles import frames as wire
from tunnel import reasons
from tunnel.batch import Batch

MACS = bytes.fromhex("020000000001020000000002")
IP4 = bytes(wire.Ether() / wire.IP(src="10.0.0.1", dst="10.0.0.2") / wire.UDP() / b"abc")[12:]


def parse(data: bytes):
    """The one frame, parsed, and private once its batch has been cleared."""
    batch = Batch.of([data])
    p = batch[0]
    batch.clear()
    return p


@given(wire.ips.flatmap(wire.links))
def test_tags_as_scapy_sees_them(frame):
    p = parse(bytes(frame))
    outer = frame.getlayer(wire.Dot1AD) or frame.getlayer(wire.Dot1Q)
    assert p.vlan == (outer.vlan if outer else None)
    inner = frame.getlayer(wire.Dot1Q) if wire.Dot1AD in frame else None
    assert p.vlan_inner == (inner.vlan if inner else None)


@pytest.mark.parametrize("tags", range(10))
def test_stacks_of_tags(tags: int):
    frame = MACS + b"\x91\0\0\5" * tags + IP4
    p = parse(frame)
    assert reasons.name(p.reason) == ("UNCLAIMED" if tags <= 8 else "TOO_DEEP")
    assert p.payload == (b"abc" if tags <= 8 else b"")


def test_llc_is_the_payload():
    p = parse(MACS + b"\0\7\x42\x42\3\0\0\0\0" + b"\0" * 40)
    assert (p.reason, p.l3, p.ethertype, p.payload_offset, p.proto) == (0, None, 0, 14, 0)


def test_unknown_types_keep_their_offset():
    p = parse(MACS + b"\x88\xcc" + b"\2\7")
    assert (p.reason, p.l3, p.l4, p.ethertype, p.payload) == (0, 14, None, 0x88CC, b"\2\7")


def test_snap_bounds_what_it_carries():
    frame = bytearray(MACS + b"\0\x27\xaa\xaa\3\0\0\0" + IP4)
    assert (parse(bytes(frame)).l3, parse(bytes(frame)).payload) == (22, b"abc")
    frame[13] -= 1
    assert reasons.name(parse(bytes(frame + b"\0" * 20)).reason) == "BAD_LENGTH"


@pytest.mark.parametrize("oui", [b"\0\0\x0c", b"\0\0\xf8"])
def test_snap_of_a_vendor_is_a_payload(oui: bytes):
    p = parse(MACS + b"\0\x0a\xaa\xaa\3" + oui + b"\x20\0" + b"\1\2" + b"\0" * 36)
    assert (p.reason, p.l3, p.ethertype, p.payload_offset) == (0, None, 0, 14)


def test_llc_behind_a_tag():
    p = parse(MACS + b"\x81\0\0\x05\0\3\x42\x42\3")
    assert (p.reason, p.vlan, p.l3, p.payload_offset) == (0, 5, None, 18)


LIES = {
    "a tag that ends": (MACS + b"\x81\0\0\1", "TRUNCATED"),
    "802.3 longer than the frame": (MACS + b"\0\x40\x42\x42\3", "BAD_LENGTH"),
    "802.3 without LLC": (MACS + b"\0\2\x42\x42", "TRUNCATED"),
    "a type that is neither length nor type": (MACS + b"\x05\xf0" + b"\0" * 1600, "BAD_LENGTH"),
    "half an ARP": (MACS + b"\x08\x06" + b"\0\1\x08\0\6\4\0", "TRUNCATED"),
    "ARP with long addresses": (MACS + b"\x08\x06" + b"\0\1\x08\0\xff\xff\0\1" + b"\0" * 20, "TRUNCATED"),
}


@pytest.mark.parametrize("case", LIES)
def test_lies_are_told(case: str):
    data, expected = LIES[case]
    p = parse(data)
    assert reasons.name(p.reason) == expected
    assert (p.l3, p.l4, p.payload) == (None, None, b"")
