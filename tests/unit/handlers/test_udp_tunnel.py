"""UdpTunnel: who is the peer, and what is carried; ``test_pmtu`` has what is too big."""

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

from tunnel.errors import ConfigError
from tunnel.handlers.udp_tunnel import UdpTunnel
from tunnel.packet import DATAGRAM, ETHERNET
from tunnel.packet import IP as MEDIUM_IP
from tunnel.testing import Drive, Pair

PEER, OTHER = ("192.0.2.2", 9000), ("192.0.2.3", 9000)
FIXED = {"peer": "192.0.2.2:9000"}
V4, V6 = IP(src="10.8.0.1", dst="10.8.0.2"), IPv6(src="fd08::1", dst="fd08::2")
SYN = bytes(V4 / TCP(options=[("MSS", 1460)]))
PACKET = bytes(V4 / UDP(sport=1, dport=2) / b"data")


def drive(medium=MEDIUM_IP, **options):
    if medium == ETHERNET:
        options["medium"] = "ethernet"
    return Drive(UdpTunnel(**options), medium={"overlay": medium, "underlay": DATAGRAM})


@pytest.mark.parametrize(("text", "peer"), [
    ("192.0.2.2:9000", PEER),
    ("[2001:db8::2]:9000", ("2001:db8::2", 9000)),
])
def test_carries_packets_as_they_are(text, peer):
    driven = drive(peer=text)
    driven.put("overlay", [PACKET, bytes(V6 / ICMPv6EchoRequest())])
    assert driven.out["underlay"] == [PACKET, bytes(V6 / ICMPv6EchoRequest())]
    assert driven.endpoints["underlay"] == [peer, peer]
    driven.put("underlay", [(PACKET, peer)])
    assert driven.out["overlay"] == [PACKET]


def test_carries_frames():
    driven = drive(ETHERNET, **FIXED)
    frame = bytes(Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=3) / ARP())
    driven.put("overlay", [frame])
    driven.put("underlay", [(frame, PEER)])
    assert driven.out == {"overlay": [frame], "underlay": [frame]}


@pytest.mark.parametrize("stranger", [OTHER, ("192.0.2.2", 9001), ("::ffff:c000:203", 9000), ("2001:db8::2", 9000)])
def test_strangers_are_dropped_and_never_answered(stranger):
    driven = drive(**FIXED)
    driven.put("underlay", [(PACKET, stranger), (b"", stranger), (b"?", stranger)])
    assert driven.out == {"overlay": [], "underlay": []}
    assert driven.drops == {"STRANGER": 3}


@pytest.mark.parametrize(("data", "medium", "reason"), [
    (b"\x45", MEDIUM_IP, "TRUNCATED"),
    (b"\x90" + bytes(40), MEDIUM_IP, "BAD_VERSION"),
    (PACKET[:-1], MEDIUM_IP, "BAD_LENGTH"),
    (bytes(13), ETHERNET, "TRUNCATED"),
])
def test_what_is_no_packet_is_dropped(data, medium, reason):
    driven = drive(medium, **FIXED)
    driven.put("underlay", [(data, PEER)])
    assert (driven.out["overlay"], driven.drops) == ([], {reason: 1})


def test_the_overlay_carries_only_its_medium():
    driven = Drive(UdpTunnel(**FIXED), medium={"overlay": ETHERNET, "underlay": ETHERNET})
    frame = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / V4 / UDP())
    driven.put("overlay", [frame])
    driven.put("underlay", [frame])
    assert driven.drops == {"WRONG_MEDIUM": 2}


def test_without_a_peer_nothing_is_sent():
    driven = drive(learn=True)
    driven.put("overlay", [PACKET])
    assert (driven.out["underlay"], driven.drops) == ([], {"NO_PEER": 1})


@pytest.mark.parametrize("first", [PACKET, b""])
def test_learns_the_first_sender(first):
    driven = drive(learn=True)
    driven.put("underlay", [(b"rubbish", OTHER), (first, PEER), (PACKET, OTHER)])
    driven.put("overlay", [PACKET])
    assert driven.endpoints["underlay"] == [PEER]
    assert driven.drops["STRANGER"] == 1


def test_another_is_learned_only_after_a_minute_of_silence():
    driven = drive(learn=True)
    driven.put("underlay", [(PACKET, PEER)])
    driven.advance(59.9)
    driven.put("underlay", [(PACKET, OTHER), (b"", PEER)])
    driven.advance(59.9)
    driven.put("underlay", [(PACKET, OTHER)])
    driven.put("overlay", [PACKET])
    driven.advance(0.1)
    driven.put("underlay", [(PACKET, OTHER)])
    driven.put("overlay", [PACKET])
    assert driven.drops == {"STRANGER": 2}
    assert driven.endpoints["underlay"] == [PEER, OTHER]


def test_a_fixed_peer_stays():
    driven = drive(**FIXED)
    driven.advance(3600)
    driven.put("underlay", [(PACKET, OTHER)])
    assert driven.drops == {"STRANGER": 1}


def test_keepalive():
    driven = drive(keepalive_s=10, **FIXED)
    driven.advance(0)
    assert driven.out["underlay"] == [b""]
    driven.advance(9)
    driven.put("overlay", [PACKET])
    driven.advance(9.999)
    assert driven.out["underlay"] == [b"", PACKET]
    driven.advance(0.001)
    assert driven.out["underlay"] == [b"", PACKET, b""]
    assert driven.endpoints["underlay"] == [PEER] * 3
    driven.advance(100)
    assert len(driven.out["underlay"]) == 13


def test_a_keepalive_waits_for_a_peer():
    driven = drive(learn=True, keepalive_s=10)
    driven.advance(35)
    assert driven.out["underlay"] == []
    driven.put("underlay", [(b"", PEER)])
    driven.advance(10)
    assert driven.endpoints["underlay"] == [PEER]


def test_a_keepalive_is_consumed():
    driven = drive(**FIXED)
    driven.put("underlay", [(b"", PEER)])
    assert driven.handler.counts()["consumed"]["packets"] == 1
    assert driven.out == {"overlay": [], "underlay": []}


@pytest.mark.parametrize("options", [{"mtu": 1300, "mss_clamp": False}, {}])
def test_the_mss_is_left_alone(options):
    driven = drive(**options, **FIXED)
    driven.put("overlay", [SYN])
    assert driven.out["underlay"] == [SYN]


def test_two_ends():
    left, right = drive(peer="192.0.2.2:9000", keepalive_s=5), drive(learn=True)
    pair = Pair(left, right)
    right.put("overlay", [PACKET])
    left.advance(0)
    pair.exchange()
    right.put("overlay", [PACKET])
    left.put("overlay", [PACKET, PACKET])
    pair.exchange()
    assert (left.out["overlay"], right.out["overlay"]) == ([PACKET], [PACKET] * 2)
    assert right.drops == {"NO_PEER": 1}


@pytest.mark.parametrize(("options", "text"), [
    ({}, "either peer"),
    ({"learn": True, **FIXED}, "not both"),
    ({"peer": "192.0.2.2"}, "ADDR:PORT"),
    ({"peer": "example.org:9000"}, "ADDR:PORT"),
    ({"peer": "192.0.2.2:0"}, "one host"),
    ({"peer": "0.0.0.0:9000"}, "one host"),
    ({"peer": "[ff02::1]:9000"}, "one host"),
    ({"peer": "255.255.255.255:9000"}, "one host"),
    ({"peer": "[fe80::1%nothere]:9000"}, "an interface of this host"),
    ({"peer": "[fe80::1%4294967296]:9000"}, "an interface of this host"),
    ({"mtu": 575, **FIXED}, "at least 576"),
    ({"medium": "tap", **FIXED}, "medium"),
    ({"keepalive_s": -1, **FIXED}, "keepalive_s"),
])
def test_wrong_options_are_named(options, text):
    with pytest.raises(ConfigError, match=text):
        UdpTunnel(**options)
