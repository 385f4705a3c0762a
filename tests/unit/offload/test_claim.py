"""Virtio headers that lie are told."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.oracles import segment as twin
from tests.unit.offload.supers import CSUM, TCPV4, TCPV6, UDP_L4, batch_of, feature, one_super, supers
from tunnel import reasons
from tunnel.offload.claim import check, needs
from tunnel.offload.fit import declare, fit
from tunnel.packet import IP

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
    assert [reasons.name(p.reason) for p in fit(batch)] == ["UNCLAIMED", "BAD_GSO", "UNCLAIMED"]


def test_a_super_packet_is_as_long_as_its_header_says():
    whole = one_super()
    batch = batch_of(twin.replace(whole, data=whole.data + b"y"), IP)
    assert reasons.name(batch[1].reason) == "BAD_GSO"


def test_a_fragment_is_no_super_packet():
    whole = one_super()
    data = whole.data[:6] + b"\x20\0" + whole.data[8:]
    batch = batch_of(twin.replace(whole, data=data), IP)
    assert reasons.name(batch[1].reason) == "BAD_GSO"


@given(supers())
def test_what_a_packet_needs(case: tuple[twin.Super, int]):
    whole, medium = case
    batch = batch_of(twin.partial(whole), medium)
    assert [needs(p) for p in batch] == [0, feature(whole) | CSUM, 0]
    assert [check(p) for p in batch] == [0, 0, 0]


def test_a_claim_is_checked_against_what_the_packet_is_now():
    batch = batch_of(one_super(), IP)
    declare(batch[1], gso_type=TCPV4, gso_size=0, csum_start=20, csum_offset=16)
    assert reasons.name(check(batch[1])) == "BAD_GSO"
