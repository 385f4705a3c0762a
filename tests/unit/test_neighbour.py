"""Neighbours, seen through Echo: ARP and solicitations answered as scapy would, and those that are not."""

from __future__ import annotations

import pytest
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from tunnel import reasons
from tunnel.batch import Batch
from tunnel.handlers.echo import Echo
from tunnel.packet import DROP, ETHERNET

MAC, ASKER = "02:65:63:68:6f:01", "02:00:00:00:00:99"
US, THEM, US6, THEM6 = "10.8.0.2", "10.8.0.1", "fd08::2", "fd08::1"


def passed(handler, frame):
    """The answer and "", or None and the drop reason's name."""
    batch = Batch.of([bytes(frame)], medium=ETHERNET)
    handler.process(batch)
    return (batch[0].data, "") if batch[0].egress == 0 else (None, reasons.name(batch[0].reason))


def answer(handler, frame):
    return passed(handler, frame)[0]


def reason(handler, frame):
    return passed(handler, frame)[1]


def who_has(target=US, sender=THEM, **fields):
    arp = ARP(**{"op": 1, "hwsrc": ASKER, "psrc": sender, "hwdst": "00:00:00:00:00:00", "pdst": target, **fields})
    return Ether(src=ASKER, dst="ff:ff:ff:ff:ff:ff") / arp


@pytest.mark.parametrize("padding", [0, 18])
def test_answers_arp(padding: int) -> None:
    expected = Ether(src=MAC, dst=ASKER) / ARP(op=2, hwsrc=MAC, psrc=US, hwdst=ASKER, pdst=THEM)
    assert answer(Echo(), who_has() / Raw(bytes(padding))) == bytes(expected) + bytes(padding)


@pytest.mark.parametrize(("frame", "why"), [
    (who_has(sender="0.0.0.0"), "NOT_OURS"),
    (who_has(target=THEM), "NOT_ANSWERED"),
    (who_has(op=2), "NOT_ANSWERED"),
    (who_has(hwtype=6), "NOT_ANSWERED"),
    (who_has(target="224.0.0.1"), "NOT_ANSWERED"),
    (who_has(sender="127.0.0.1"), "MARTIAN"),
    (who_has(hwsrc="ff:ff:ff:ff:ff:ff"), "MARTIAN"),
])
def test_never_answers_arp(frame, why):
    assert reason(Echo(), frame) == why


@pytest.mark.parametrize(("addresses", "answered"), [([], False), (["10.8.0.0/24"], False), ([US], True)])
def test_defends_only_an_address_of_its_own(addresses: list[str], answered: bool) -> None:
    assert (answer(Echo(addresses=addresses), who_has(sender="0.0.0.0")) is not None) == answered


GROUP, GROUP_MAC = "ff02::1:ff00:2", "33:33:ff:00:00:02"


def solicitation(src=THEM6, dst=GROUP, target=US6, hlim=255, **fields):
    icmp = ICMPv6ND_NS(tgt=target, **fields)
    option = ICMPv6NDOptSrcLLAddr(lladdr=ASKER) if src != "::" else b""
    layers = Ether(src=ASKER, dst=GROUP_MAC) / IPv6(src=src, dst=dst, hlim=hlim) / icmp
    return layers / option if option else layers


def advertisement(dst: str = THEM6, mac: str = ASKER, solicited: int = 1) -> bytes:
    option = ICMPv6NDOptDstLLAddr(lladdr=MAC)
    icmp = ICMPv6ND_NA(R=0, S=solicited, O=1, tgt=US6) / option
    return bytes(Ether(src=MAC, dst=mac) / IPv6(src=US6, dst=dst, hlim=255) / icmp)


@pytest.mark.parametrize("frame", [solicitation(), solicitation(dst=US6)], ids=["group", "unicast"])
def test_answers_solicitations(frame):
    assert answer(Echo(), frame) == advertisement()


def test_defends_its_address_against_a_probe() -> None:
    probe = solicitation(src="::")
    assert reason(Echo(), probe) == "NOT_OURS"
    assert answer(Echo(addresses=[US6]), probe) == advertisement("ff02::1", "33:33:00:00:00:01", 0)


@pytest.mark.parametrize(("frame", "why"), [
    (solicitation(hlim=254), "NOT_ANSWERED"),
    (solicitation(code=1), "NOT_ANSWERED"),
    (solicitation(cksum=1), "BAD_CHECKSUM"),
    (solicitation(target="ff02::5"), "NOT_ANSWERED"),
    (solicitation(target=THEM6), "NOT_ANSWERED"),
    (solicitation(dst="ff02::1"), "NOT_ANSWERED"),
    (solicitation(src="::", dst=US6), "NOT_ANSWERED"),
    (solicitation(src="::1"), "MARTIAN"),
])
def test_never_answers_solicitations(frame, why):
    assert reason(Echo(), frame) == why


def test_a_solicitation_cut_short_is_dropped() -> None:
    whole = bytes(solicitation())
    for size in range(14 + 40, len(whole)):
        batch = Batch.of([whole[:size]], medium=ETHERNET)
        Echo().process(batch)
        assert batch[0].egress == DROP
