"""Path MTU, seen through UdpTunnel: who is told, what they are told, and which MSS is lowered."""

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from tunnel.handlers.udp_tunnel import UdpTunnel
from tunnel.packet import DATAGRAM, ETHERNET
from tunnel.packet import IP as MEDIUM_IP
from tunnel.testing import Drive

PEER = ("192.0.2.2", 9000)
V4, V6 = IP(src="10.8.0.1", dst="10.8.0.2"), IPv6(src="fd08::1", dst="fd08::2")


def drive(medium=MEDIUM_IP, **options):
    handler = UdpTunnel(peer="192.0.2.2:9000", medium="ip" if medium == MEDIUM_IP else "ethernet", **options)
    return Drive(handler, medium={"overlay": medium, "underlay": DATAGRAM})


MTU = 1300
QUOTED4 = bytes(IP(src="10.8.0.1", dst="10.8.0.2", flags="DF") / UDP() / bytes(MTU - 27))
QUOTED6 = bytes(V6 / UDP() / bytes(MTU - 47))


def frames(version, tag):
    """The Ethernet headers there and back of a packet of this IP version."""
    kind = 0x0800 if version == 4 else 0x86DD
    tags = bytes(Dot1Q(vlan=tag, type=kind)) if tag else b""
    macs, kind = ("02:00:00:00:00:01", "02:00:00:00:00:02"), 0x8100 if tag else kind
    return tuple(bytes(Ether(src=a, dst=b, type=kind)) + tags for a, b in (macs, macs[::-1]))


@pytest.mark.parametrize("tag", [None, 7])
@pytest.mark.parametrize("medium", [MEDIUM_IP, ETHERNET])
@pytest.mark.parametrize(("sent", "told"), [
    (QUOTED4, IP(src="10.8.0.2", dst="10.8.0.1", ttl=64, id=0, tos=0xC0)
     / ICMP(type=3, code=4, nexthopmtu=MTU) / Raw(QUOTED4[:548])),
    (QUOTED6, IPv6(src="fd08::2", dst="fd08::1", hlim=64) / ICMPv6PacketTooBig(mtu=MTU) / Raw(QUOTED6[:1232])),
])
def test_who_sends_too_much_is_told(sent, told, medium, tag):
    there, back = frames(sent[0] >> 4, tag) if medium == ETHERNET else (b"", b"")
    driven = drive(medium, mtu=MTU)
    driven.put("overlay", [there + sent])
    assert driven.out == {"overlay": [back + bytes(told)], "underlay": []}
    assert driven.drops == {"TOO_BIG": 1}


@pytest.mark.parametrize("packet", [
    V4 / UDP() / bytes(MTU),
    IP(src="10.8.0.1", dst="10.8.0.2", flags="DF") / UDP() / bytes(MTU - 28),
    V6 / UDP() / bytes(MTU - 48),
])
def test_what_fits_or_may_be_cut_is_carried(packet):
    driven = drive(mtu=MTU)
    driven.put("overlay", [bytes(packet)])
    assert driven.out == {"overlay": [], "underlay": [bytes(packet)]}


def test_without_mtu_all_is_carried():
    driven = drive()
    driven.put("overlay", [QUOTED4])
    assert driven.out["underlay"] == [QUOTED4]


@pytest.mark.parametrize("packet", [
    IP(src="10.8.0.1", dst="224.0.0.5", flags="DF") / UDP(),
    IP(src="10.8.0.1", dst="255.255.255.255", flags="DF") / UDP(),
    IP(src="0.0.0.0", dst="10.8.0.2", flags="DF") / UDP(),
    IP(src="10.8.0.1", dst="10.8.0.2", flags="DF") / ICMP(type=3, code=1) / bytes(20),
    IP(src="10.8.0.1", dst="10.8.0.2", flags="DF", frag=100) / bytes(8),
    IPv6(src="fd08::1", dst="ff02::1") / UDP(),
    IPv6(src="::", dst="fd08::2") / UDP(),
    V6 / ICMPv6PacketTooBig() / bytes(20),
    V6 / IPv6ExtHdrFragment(offset=100) / bytes(8),
])
def test_who_may_not_be_told_is_not(packet):
    driven = drive(mtu=MTU)
    driven.put("overlay", [bytes(packet / Raw(bytes(MTU)))])
    assert driven.out == {"overlay": [], "underlay": []}
    assert driven.drops == {"TOO_BIG": 1}


def test_telling_has_a_rate():
    driven = drive(mtu=MTU)
    driven.put("overlay", [QUOTED4] * 50)
    assert (len(driven.out["overlay"]), driven.drops) == (10, {"TOO_BIG": 50})
    driven.advance(0.01)
    driven.put("overlay", [QUOTED4] * 50)
    assert len(driven.out["overlay"]) == 11


def syn(head, *options, flags="S"):
    return head / TCP(sport=1, dport=2, flags=flags, options=list(options))


@pytest.mark.parametrize("port", ["overlay", "underlay"])
@pytest.mark.parametrize(("before", "after"), [
    (syn(V4, ("MSS", 1460)), syn(V4, ("MSS", MTU - 40))),
    (syn(V6, ("MSS", 1440)), syn(V6, ("MSS", MTU - 60))),
    (syn(V4, ("NOP", None), ("MSS", 1460), flags="SA"), syn(V4, ("NOP", None), ("MSS", MTU - 40), flags="SA")),
    (syn(V4, ("Timestamp", (1, 2)), ("NOP", None), ("NOP", None), ("MSS", 9000)),
     syn(V4, ("Timestamp", (1, 2)), ("NOP", None), ("NOP", None), ("MSS", MTU - 40))),
    (syn(V4, ("MSS", 1000)), syn(V4, ("MSS", 1000))),
    (syn(V4, ("WScale", 7)), syn(V4, ("WScale", 7))),
    (syn(V4, ("EOL", None), ("MSS", 1460)), syn(V4, ("EOL", None), ("MSS", 1460))),
    (syn(V4, ("MSS", 1460), flags="A"), syn(V4, ("MSS", 1460), flags="A")),
], ids=lambda layers: layers.summary())
def test_the_mss_is_clamped(before, after, port):
    driven = drive(mtu=MTU)
    driven.put(port, [(bytes(before), PEER) if port == "underlay" else bytes(before)])
    assert driven.out["overlay" if port == "underlay" else "underlay"] == [bytes(after)]
