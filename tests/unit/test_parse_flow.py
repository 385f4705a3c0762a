"""The flow hash: one number for a flow, whichever way it goes and however it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import frames as wire
from tunnel.batch import Batch
from tunnel.packet import ETHERNET, IP


def flows(*packets) -> list[int]:
    """The flow of each scapy packet or frame."""
    medium = ETHERNET if isinstance(packets[0], wire.Ether) else IP
    batch = Batch.of([bytes(p) for p in packets], medium=medium)
    return [p.flow for p in batch]


def both_ways(ip, make, ends: tuple[str, str], ports: tuple[int, int]) -> list[int]:
    (here, there), (near, far) = ends, ports
    return flows(
        ip(src=here, dst=there) / make(sport=near, dport=far) / b"x",
        ip(src=there, dst=here) / make(sport=far, dport=near) / b"another",
    )


@given(wire.addresses4, wire.addresses4, wire.u16, wire.u16, st.sampled_from([wire.TCP, wire.UDP, wire.SCTP]))
def test_symmetric_over_ipv4(here: str, there: str, near: int, far: int, make):
    go, back = both_ways(wire.IP, make, (here, there), (near, far))
    assert go == back


@given(wire.addresses6, wire.addresses6, wire.u16, wire.u16, st.sampled_from([wire.TCP, wire.UDP, wire.SCTP]))
def test_symmetric_over_ipv6(here: str, there: str, near: int, far: int, make):
    go, back = both_ways(wire.IPv6, make, (here, there), (near, far))
    assert go == back


def test_each_part_of_the_tuple_counts():
    base = {"src": "10.0.0.1", "dst": "10.0.0.2"}
    found = flows(
        wire.IP(**base) / wire.UDP(sport=1, dport=2),
        wire.IP(**base) / wire.UDP(sport=2, dport=1),
        wire.IP(**base) / wire.UDP(sport=1, dport=3),
        wire.IP(**base) / wire.TCP(sport=1, dport=2),
        wire.IP(src="10.0.0.3", dst="10.0.0.2") / wire.UDP(sport=1, dport=2),
        wire.IP(src="10.0.0.1", dst="10.0.0.3") / wire.UDP(sport=1, dport=2),
    )
    assert len(set(found)) == len(found)


def test_flows_spread():
    ends = wire.IP(src="10.0.0.1", dst="10.0.0.2")
    found = flows(*[ends / wire.UDP(sport=port, dport=53) for port in range(4096)])
    assert len(set(found)) > 4090
    filled = [sum(flow % 16 == slot for flow in found) for slot in range(16)]
    assert min(filled) > 180
    assert max(filled) < 340


def test_fragments_share_a_flow():
    whole = wire.IP(src="10.0.0.1", dst="10.0.0.2") / wire.UDP(sport=7, dport=8) / (b"x" * 4000)
    pieces = whole.fragment(fragsize=800)
    batch = Batch.of([bytes(piece) for piece in pieces], medium=IP)
    assert len({p.flow for p in batch}) == 1
    assert [p.l4 for p in batch] == [20] + [None] * (len(pieces) - 1)
    assert all(p.fragment and p.reason == 0 and p.proto == 17 for p in batch)
    assert [p.sport for p in batch] == [7] + [None] * (len(pieces) - 1)


def test_fragments_of_ipv6_share_a_flow_though_the_next_header_differs():
    def piece(following: int, offset: int, more: int, rest: bytes) -> bytes:
        ends = wire.IPv6(src="fd00::1", dst="fd00::2")
        return bytes(ends / wire.IPv6ExtHdrFragment(nh=following, offset=offset, m=more, id=5) / rest)

    options = bytes(wire.IPv6ExtHdrDestOpt(nh=17))
    first = piece(60, 0, 1, options + bytes(wire.UDP(sport=1, dport=2, len=900)) + b"x" * 32)
    batch = Batch.of([first, piece(17, 6, 0, b"y" * 20)], medium=IP)
    assert [(p.reason, p.proto, p.l4, p.fragment) for p in batch] == [(0, 17, 56, True), (0, 17, None, True)]
    assert batch[0].flow == batch[1].flow


@given(wire.macs, wire.macs)
def test_without_ip_the_macs_count(here: str, there: str):
    go, back = flows(
        wire.Ether(src=here, dst=there, type=0x88CC) / b"abc",
        wire.Ether(src=there, dst=here, type=0x88CC) / b"de",
    )
    assert go == back
