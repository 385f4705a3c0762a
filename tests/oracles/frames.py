"""Frames for hypothesis, and what scapy says their headers are."""

from __future__ import annotations

import warnings
from typing import NamedTuple

from hypothesis import strategies as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the cryptography that scapy imports, none of ours
    from scapy.contrib.igmp import IGMP
    from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_Router_Alert
    from scapy.layers.inet6 import (
        ICMPv6EchoRequest,
        ICMPv6ND_NS,
        IPv6,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrFragment,
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrRouting,
        PadN,
    )
    from scapy.layers.ipsec import AH
    from scapy.layers.l2 import ARP, GRE, LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether
    from scapy.layers.sctp import SCTP
    from scapy.packet import NoPayload, Packet, Raw, bind_layers

EXTENSIONS = (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, IPv6ExtHdrFragment, AH)
TRANSPORTS = (TCP, UDP, ICMP, ICMPv6EchoRequest, ICMPv6ND_NS, IGMP, SCTP, GRE)
WITH_PORTS = (TCP, UDP, SCTP)
BEHIND_AH = {
    TCP: 6, UDP: 17, IPv6ExtHdrRouting: 43, IPv6ExtHdrFragment: 44, GRE: 47, AH: 51,
    ICMPv6EchoRequest: 58, ICMPv6ND_NS: 58, IPv6ExtHdrDestOpt: 60, SCTP: 132,
}
for kind, number in BEHIND_AH.items():  # scapy itself knows only IP in there
    bind_layers(AH, kind, nh=number)
bind_layers(IPv6ExtHdrFragment, AH, nh=51)

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
macs = st.binary(min_size=6, max_size=6).map(lambda raw: ":".join(f"{byte:02x}" for byte in raw))
payloads = st.binary(max_size=64).map(lambda raw: Raw(raw) if raw else NoPayload())


def address4(number: int) -> str:
    """Dotted quad of a 32-bit number."""
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def address6(number: int) -> str:
    """An address of fd00::/8 that ends in a 32-bit number."""
    return f"fd00::{number >> 16:x}:{number & 0xffff:x}"


addresses4 = u32.map(address4)
addresses6 = u32.map(address6)
tcp_options = st.lists(
    st.sampled_from([("MSS", 1460), ("Timestamp", (1, 2)), ("WScale", 7), ("SAckOK", b""), ("NOP", None)]),
    max_size=3,
)


@st.composite
def tcps(draw: st.DrawFn) -> Packet:
    """TCP, options and all."""
    ports = {"sport": draw(u16), "dport": draw(u16)}
    return TCP(**ports, seq=draw(u32), flags=draw(u8), options=draw(tcp_options)) / draw(payloads)


udps = st.builds(lambda sport, dport, rest: UDP(sport=sport, dport=dport) / rest, u16, u16, payloads)
sctps = st.builds(lambda sport, dport, rest: SCTP(sport=sport, dport=dport) / rest, u16, u16, payloads)
gres = st.builds(
    lambda key, number, rest: GRE(key_present=key, seqnum_present=number, proto=0x6558) / rest,
    st.integers(0, 1),
    st.integers(0, 1),
    payloads,
)
pings4 = payloads.map(lambda rest: ICMP() / rest)
pings6 = st.binary(max_size=64).map(lambda raw: ICMPv6EchoRequest(data=raw))
over4 = st.one_of(tcps(), udps, sctps, gres, pings4, st.just(IGMP()))
over6 = st.one_of(tcps(), udps, sctps, gres, pings6, st.just(ICMPv6ND_NS(tgt="fd00::1")))


@st.composite
def packets4(draw: st.DrawFn) -> Packet:
    """IPv4 with options."""
    options = draw(st.sampled_from([[], [IPOption_Router_Alert()], [IPOption_NOP()] * 4]))
    ends = {"src": draw(addresses4), "dst": draw(addresses4)}
    return IP(**ends, id=draw(u16), tos=draw(u8), options=options) / draw(over4)


@st.composite
def extensions(draw: st.DrawFn) -> Packet:
    """One IPv6 extension header; a fragment header is that of an atomic fragment."""
    padding = PadN(optdata=b"\0" * draw(st.integers(0, 40)))
    return draw(
        st.sampled_from([
            IPv6ExtHdrDestOpt(options=[padding]),
            IPv6ExtHdrRouting(addresses=["fd00::7"] * draw(st.integers(0, 3)), segleft=0),
            IPv6ExtHdrFragment(offset=0, m=0),
            AH(payloadlen=4, icv=b"\1" * 12),
        ])
    )


@st.composite
def packets6(draw: st.DrawFn) -> Packet:
    """IPv6 with a chain of extension headers; hop-by-hop options can only be the first."""
    packet = IPv6(src=draw(addresses6), dst=draw(addresses6), fl=draw(st.integers(0, 0xFFFFF)))
    if draw(st.booleans()):
        packet = packet / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * draw(st.integers(0, 40)))])
    for extension in draw(st.lists(extensions(), max_size=5)):
        packet = packet / extension
    return packet / draw(over6)


ips = st.one_of(packets4(), packets6())


@st.composite
def links(draw: st.DrawFn, inner: Packet) -> Packet:
    """A frame: Ethernet II, tagged or not, or 802.3 with SNAP."""
    ends = {"src": draw(macs), "dst": draw(macs)}
    form = draw(st.sampled_from(["plain", "plain", "tag", "qinq", "snap"]))
    if form == "snap" and len(inner) + 8 <= 1500:
        return Dot3(**ends) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP() / inner
    frame = Ether(**ends)
    if form == "qinq":
        frame = frame / Dot1AD(vlan=draw(st.integers(1, 4094)), prio=draw(st.integers(0, 7)))
    if form in ("tag", "qinq"):
        frame = frame / Dot1Q(vlan=draw(st.integers(1, 4094)), prio=draw(st.integers(0, 7)))
    return frame / inner


frames = st.one_of(ips, st.just(ARP())).flatmap(links).map(bytes)


class Headers(NamedTuple):
    """What scapy finds in a frame; offsets from its first byte."""

    l3: int
    l4: int | None
    payload: int
    proto: int
    sport: int | None
    dport: int | None


def dissect(frame: bytes, layer: Packet) -> Headers:
    """Walk scapy's layers from ``layer``, the dissected frame, adding up their headers."""
    at, l3, proto = 0, 0, 0
    while not isinstance(layer, NoPayload):
        size = len(layer.self_build())
        if isinstance(layer, IP | IPv6 | ARP):
            l3 = at
        if isinstance(layer, ARP):
            return Headers(l3, None, len(frame), 0, None, None)
        if isinstance(layer, IP):
            proto = layer.proto
        if isinstance(layer, (IPv6, *EXTENSIONS)):
            proto = layer.nh
        if isinstance(layer, TRANSPORTS):
            return Headers(l3, at, min(at + header_size(layer), len(frame)), proto, *ports(layer))
        at, layer = at + size, layer.payload
    return Headers(l3, None, at, proto, None, None)


def header_size(layer: Packet) -> int:
    """Of an L4 header; all of ICMP, ICMPv6 and IGMP has one of 8 bytes."""
    return len(layer.self_build()) if isinstance(layer, (*WITH_PORTS, GRE)) else 8


def ports(layer: Packet) -> tuple[int | None, int | None]:
    """Source and destination port."""
    return (layer.sport, layer.dport) if isinstance(layer, WITH_PORTS) else (None, None)
