"""Echo: its answers against scapy's, byte for byte, and everything it must not answer (ARP: test_neighbour)."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrRouting,
    in6_chksum,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet as Layers
from scapy.packet import Raw

from tunnel import reasons
from tunnel.batch import Batch
from tunnel.errors import ConfigError
from tunnel.handlers.echo import Echo
from tunnel.offload.fit import declare, fit
from tunnel.testing import drive

ETHERNET, TUN, DATAGRAM = 1, 2, 3
MAC, ASKER = "02:65:63:68:6f:01", "02:00:00:00:00:99"
US, THEM, US6, THEM6 = "10.8.0.2", "10.8.0.1", "fd08::2", "fd08::1"
DATA = Raw(bytes(range(57)))


def passed(handler: Echo, *frames: Layers, medium: int = TUN) -> list[tuple[bytes | None, str]]:
    """What became of each: the answer's bytes, or None and the drop reason's name."""
    batch = Batch.of([bytes(frame) for frame in frames], medium=medium)
    handler.process(batch)
    return [(p.data, "") if p.egress == 0 else (None, reasons.name(p.reason)) for p in batch]


def answer(handler: Echo, frame: Layers, medium: int = TUN) -> bytes | None:
    return passed(handler, frame, medium=medium)[0][0]


def reason(handler: Echo, frame: Layers, medium: int = TUN) -> str:
    return passed(handler, frame, medium=medium)[0][1]


def echo4(**fields):
    return IP(**{"src": THEM, "dst": US, "ttl": 17, "id": 4711, "flags": "DF", "tos": 8, **fields})


ANSWERS = [
    (echo4() / ICMP(type=8, id=7, seq=3) / DATA,
     IP(src=US, dst=THEM, ttl=64, id=4711, flags="DF", tos=8) / ICMP(type=0, id=7, seq=3) / DATA),
    (IPv6(src=THEM6, dst=US6, hlim=3, tc=9, fl=5) / ICMPv6EchoRequest(id=7, seq=3, data=b"odd"),
     IPv6(src=US6, dst=THEM6, hlim=64, tc=9, fl=5) / ICMPv6EchoReply(id=7, seq=3, data=b"odd")),
    (IPv6(src=THEM6, dst=US6, hlim=3) / IPv6ExtHdrDestOpt() / ICMPv6EchoRequest(),
     IPv6(src=US6, dst=THEM6, hlim=64) / IPv6ExtHdrDestOpt() / ICMPv6EchoReply()),
    (echo4(options=[b"\x44\x04\x05\x00"]) / ICMP(id=1),
     IP(src=US, dst=THEM, ttl=64, id=4711, flags="DF", tos=8, options=[b"\x44\x04\x05\x00"]) / ICMP(type=0, id=1)),
    (echo4(ttl=64) / UDP(sport=5000, dport=7) / DATA,
     IP(src=US, dst=THEM, ttl=63, id=4711, flags="DF", tos=8) / UDP(sport=7, dport=5000) / DATA),
    (echo4(ttl=255) / UDP(sport=5000, dport=7, chksum=0) / DATA,
     IP(src=US, dst=THEM, ttl=64, id=4711, flags="DF", tos=8) / UDP(sport=7, dport=5000, chksum=0) / DATA),
    (IPv6(src=THEM6, dst=US6) / UDP(sport=5000, dport=7) / DATA,
     IPv6(src=US6, dst=THEM6, hlim=63) / UDP(sport=7, dport=5000) / DATA),
]


@pytest.mark.parametrize(("request_", "expected"), ANSWERS)
def test_answers_as_scapy_builds_them(request_: Layers, expected: Layers) -> None:
    assert answer(Echo(reflect_udp=True), request_) == bytes(expected)


@pytest.mark.parametrize("tag", [None, 42])
@pytest.mark.parametrize(("request_", "expected"), ANSWERS)
def test_answers_on_ethernet(request_: Layers, expected: Layers, tag: int | None) -> None:
    there, back = Ether(src=ASKER, dst=MAC), Ether(src=MAC, dst=ASKER)
    if tag:
        there, back = there / Dot1Q(vlan=tag), back / Dot1Q(vlan=tag)
    assert answer(Echo(reflect_udp=True), there / request_, ETHERNET) == bytes(back / expected)


def test_a_wrong_checksum_stays_wrong() -> None:
    reply = IP(answer(Echo(), echo4() / ICMP(chksum=1) / DATA) or b"")
    right = IP(bytes(IP(src=US, dst=THEM) / ICMP(type=0) / DATA))
    assert reply[ICMP].chksum != right[ICMP].chksum


PING4, PING6 = ICMP(id=1), ICMPv6EchoRequest()
PLAIN = UDP(sport=5000, dport=6000) / DATA
UNANSWERED = [
    ("a TCP segment", echo4() / TCP(), "NOT_ANSWERED"),
    ("an echo reply", echo4() / ICMP(type=0), "NOT_ANSWERED"),
    ("an echo request of another code", echo4() / ICMP(type=8, code=1), "NOT_ANSWERED"),
    ("an ICMP error", echo4() / ICMP(type=3, code=1) / IP(src=US, dst=THEM) / UDP(), "NOT_ANSWERED"),
    ("an ICMP error about an echo", echo4() / ICMP(type=11) / IP(src=US, dst=THEM) / ICMP(), "NOT_ANSWERED"),
    ("an ICMPv6 error", IPv6(src=THEM6, dst=US6) / ICMPv6DestUnreach() / IPv6() / UDP(), "NOT_ANSWERED"),
    ("ICMP inside IPv6", IPv6(src=THEM6, dst=US6, nh=1) / ICMP(), "NOT_ANSWERED"),
    ("a first fragment", echo4(flags="MF") / PING4 / DATA, "NOT_ANSWERED"),
    ("a later fragment", echo4(frag=4) / DATA, "NOT_ANSWERED"),
    ("a first fragment of UDP", echo4(flags="MF") / PLAIN, "NOT_ANSWERED"),
    ("an IPv6 fragment", IPv6(src=THEM6, dst=US6) / IPv6ExtHdrFragment(m=1) / PING6, "NOT_ANSWERED"),
    ("a loose source route", echo4(options=[b"\x01\x83\x07\x04\x0a\x00\x00\x01"]) / PING4, "NOT_ANSWERED"),
    ("a strict source route", echo4(options=[b"\x89\x07\x04\x0a\x00\x00\x01\x00"]) / PING4, "NOT_ANSWERED"),
    ("an option without end", echo4(options=[b"\x44\x00\x00\x00"]) / PING4, "NOT_ANSWERED"),
    ("a routing header", IPv6(src=THEM6, dst=US6) / IPv6ExtHdrRouting(addresses=["fd00::1"]) / PING6, "NOT_ANSWERED"),
    ("an authenticated packet",
     IPv6(src=THEM6, dst=US6) / AH(icv=bytes(12), payloadlen=4, nh=58) / PING6, "NOT_ANSWERED"),
    ("UDP from a port below 1024", echo4() / UDP(sport=1023, dport=6000), "NOT_ANSWERED"),
    ("UDP to the port it came from", echo4() / UDP(sport=6000, dport=6000), "NOT_ANSWERED"),
    ("UDP that has come to its end", echo4(ttl=1) / PLAIN, "NOT_ANSWERED"),
] + [
    (f"{what} {address}", layers(address) / kind, why)
    for why, what, addresses, layers in [
        ("MARTIAN", "from", ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "224.0.0.1", "239.1.1.1", "240.0.0.1",
                             "255.255.255.255", US], lambda address: echo4(src=address)),
        ("NOT_ANSWERED", "to", ["0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "250.0.0.1", "255.255.255.255"],
         lambda address: echo4(dst=address)),
    ] for address in addresses for kind in (PING4, PLAIN)
] + [
    (f"{what} {address}", layers(address) / kind, why)
    for why, what, addresses, layers in [
        ("MARTIAN", "from", ["::", "::1", "ff02::1", "ff0e::5", "::ffff:10.0.0.1", US6],
         lambda address: IPv6(src=address, dst=US6)),
        ("NOT_ANSWERED", "to", ["::", "::1", "ff02::1", "ff05::2", "::ffff:10.0.0.1"],
         lambda address: IPv6(src=THEM6, dst=address)),
    ] for address in addresses for kind in (PING6, PLAIN)
]


@pytest.mark.parametrize(("frame", "why"), [row[1:] for row in UNANSWERED], ids=[row[0] for row in UNANSWERED])
@pytest.mark.parametrize("medium", [TUN, ETHERNET])
def test_never_answers(frame: Layers, why: str, medium: int) -> None:
    if medium == ETHERNET:
        frame = Ether(src=ASKER, dst=MAC) / frame
    assert reason(Echo(reflect_udp=True), frame, medium) == why


@pytest.mark.parametrize(("header", "why"), [
    (Ether(src=ASKER, dst="ff:ff:ff:ff:ff:ff"), "NOT_ANSWERED"),
    (Ether(src=ASKER, dst="01:00:5e:00:00:01"), "NOT_ANSWERED"),
    (Ether(src=ASKER, dst="02:00:00:00:00:98"), "NOT_OURS"),
    (Ether(src="03:00:00:00:00:99", dst=MAC), "MARTIAN"),
])
@pytest.mark.parametrize("kind", [PING4, PLAIN])
def test_never_answers_frames(header: Ether, why: str, kind: Layers) -> None:
    assert reason(Echo(reflect_udp=True), header / echo4() / kind, ETHERNET) == why


def test_udp_is_reflected_only_when_asked() -> None:
    assert reason(Echo(), echo4() / PLAIN) == "NOT_ANSWERED"


def test_answers_only_for_its_addresses() -> None:
    handler = Echo(addresses=["10.8.0.0/30", "192.0.2.1", "fd08::/64"])
    reasons_ = {a: reason(handler, echo4(dst=a) / PING4) for a in
                ("10.8.0.0", US, "10.8.0.3", "10.8.0.4", "192.0.2.1", "192.0.2.2")}
    assert reasons_ == {"10.8.0.0": "NOT_OURS", US: "", "10.8.0.3": "NOT_OURS", "10.8.0.4": "NOT_OURS",
                        "192.0.2.1": "", "192.0.2.2": "NOT_OURS"}
    assert reason(handler, IPv6(src=THEM6, dst=US6) / PING6) == ""
    assert reason(handler, IPv6(src=THEM6, dst="fd09::2") / PING6) == "NOT_OURS"


@pytest.mark.parametrize("kind", [PING4, PLAIN])
def test_never_answers_the_broadcasts_of_known_subnets(kind: Layers) -> None:
    handler = Echo(subnets=["10.8.0.1/24", "10.9.0.0/31", "fd08::1/64"], reflect_udp=True)
    hosts = ("10.8.0.7", "10.8.1.255", "10.9.0.0")
    assert {reason(handler, echo4(dst=address) / kind) for address in hosts} == {""}
    assert {reason(handler, echo4(dst=address) / kind) for address in ("10.8.0.0", "10.8.0.255")} == {"NOT_ANSWERED"}
    assert reason(handler, echo4(src="10.8.0.255") / kind) == "MARTIAN"
    assert reason(handler, IPv6(src=THEM6, dst="fd08::") / PING6) == ""


def test_the_law_holds_over_all_of_them() -> None:
    frames = [bytes(layers) for layers, _ in ANSWERS] + [bytes(row[1]) for row in UNANSWERED]
    driven = drive(Echo(reflect_udp=True), {"port": frames}, medium=TUN)
    assert driven.out["port"] == [bytes(expected) for _, expected in ANSWERS]
    assert sum(driven.drops.values()) == len(UNANSWERED)


def test_rate_bounds_each_source() -> None:
    handler = Echo(rate=20)
    frames = [echo4(src=f"10.8.1.{last}") / PING4 for last in (1, 1, 1, 2)]
    assert [why for _, why in passed(handler, *frames)] == ["", "", "RATE", ""]


@pytest.mark.parametrize(("options", "exposed", "answered"), [
    ({}, False, 200),
    ({}, True, 100),
    ({"rate": 0}, True, 200),
    ({"rate": 50}, True, 5),
    ({"local_port": 9}, False, 100),
])
def test_where_strangers_reach_it_there_is_a_rate(options, exposed, answered) -> None:
    handler = Echo(**options)
    if exposed:
        handler.exposed()
    assert [why for _, why in passed(handler, *[echo4() / PING4] * 200)].count("") == answered


def datagram(source: tuple[str, int], **options: object) -> str:
    batch = Batch()
    batch.emit(b"hello", medium=DATAGRAM, endpoint=source)
    Echo(**options).process(batch)
    assert batch[0].endpoint == source
    return "" if batch[0].egress == 0 else reasons.name(batch[0].reason)


@pytest.mark.parametrize(("source", "options", "why"), [
    (("192.0.2.1", 5000), {}, ""),
    (("2001:db8::1", 5000), {}, ""),
    (("192.0.2.1", 1023), {}, "NOT_ANSWERED"),
    (("192.0.2.1", 9000), {}, "NOT_ANSWERED"),
    (("192.0.2.1", 5000), {"local_port": 0}, "NOT_ANSWERED"),
    (("192.0.2.1", 5000), {"reflect_udp": False}, "NOT_ANSWERED"),
    (("127.0.0.1", 5000), {}, "MARTIAN"),
    (("ff02::1", 5000), {}, "MARTIAN"),
])
def test_datagrams(source: tuple[str, int], options: dict[str, object], why: str) -> None:
    assert datagram(source, **{"reflect_udp": True, "local_port": 9000, **options}) == why


@pytest.mark.parametrize(("options", "text"), [
    ({"rate": -1}, "rate"),
    ({"addresses": ["10.8.0"]}, "10.8.0"),
    ({"addresses": [f"10.0.{n}.1" for n in range(65)]}, "at most 64"),
    ({"mac": "01:00:00:00:00:01"}, "unicast MAC"),
    ({"colour": 1}, "colour"),
])
def test_wrong_options_are_named(options: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        Echo(**options)


def declared(frame: bytes, medium: int, **fields: int) -> Batch:
    """A batch of one packet with what a virtio header says of it: its checksum unfinished."""
    batch = Batch.of([frame], medium=medium)
    start = batch[0].l4
    assert start is not None
    field = {1: 2, 17: 6, 58: 2}[batch[0].proto]
    assert declare(batch[0], csum_start=start, csum_offset=field, needs_csum=True, **fields) == 0
    return batch


@pytest.mark.parametrize("medium", [TUN, ETHERNET])
@pytest.mark.parametrize(("version", "head"), [(4, echo4()), (6, IPv6(src=THEM6, dst=US6))])
def test_a_super_packet_is_reflected_whole(version: int, head: Layers, medium: int) -> None:
    """Its segments are then those that would have been reflected one by one."""
    frame = bytes(Ether(src=ASKER, dst=MAC)) * (medium == ETHERNET)
    frame = (frame[:12] + bytes.fromhex("0800" if version == 4 else "86dd")) * bool(frame)
    frame += bytes(head / UDP(sport=5000, dport=6000) / bytes(range(250)))
    one_by_one = fit(declared(frame, medium, gso_type=5, gso_size=100))
    whole = declared(frame, medium, gso_type=5, gso_size=100)
    handler = Echo(reflect_udp=True)
    handler.process(one_by_one)
    handler.process(whole)
    assert [p.egress for p in one_by_one] == [0] * 3
    assert [p.segments for p in whole] == [3]
    assert [p.data for p in fit(whole)] == [p.data for p in one_by_one]


def test_a_super_packet_costs_its_segments() -> None:
    frame = bytes(echo4() / UDP(sport=5000, dport=6000) / bytes(300))
    handler = Echo(reflect_udp=True, rate=30)
    batches = [declared(frame, TUN, gso_type=5, gso_size=100) for _ in range(2)]
    for batch in batches:
        handler.process(batch)
    assert [batch[0].egress == 0 for batch in batches] == [True, False]


def test_an_unfinished_checksum_stays_unfinished() -> None:
    """The field holds the pseudo-header's sum, there and back; whoever is behind Echo finishes it."""
    request, expected = ANSWERS[1]
    frame = bytearray(bytes(request))
    frame[42:44] = (in6_chksum(58, request, bytes(len(frame) - 40)) ^ 0xFFFF).to_bytes(2, "big")
    batch = declared(bytes(frame), TUN)
    Echo().process(batch)
    assert batch[0].needs_csum
    assert [p.data for p in fit(batch)] == [bytes(expected)]
